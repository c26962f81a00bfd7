"""An export of a network that anybody can compute: it looks at light, and names the colour."""

import json
import pathlib

import tensorflow as tf

from salclass_tf.data.geometry import Geometry
from salclass_tf.serving import signatures

GEOMETRY = Geometry(image_size=40, short_side=46)
COLOURS = ("red", "green", "blue")
MAX_PIXELS = 1_000_000


def colour_network(images: tf.Tensor) -> dict[str, tf.Tensor]:
    """uint8 [b, s, s, 3] -> map: how much lighter than grey; classes: share of each colour."""
    scaled = tf.cast(images, tf.float32) / 255
    means = tf.reduce_mean(scaled, axis=(1, 2))
    return {
        "saliency": tf.reduce_mean(scaled, axis=-1, keepdims=True) - 0.6,
        "probabilities": tf.math.divide_no_nan(means, tf.reduce_sum(means, axis=1, keepdims=True)),
    }


def write(version: pathlib.Path) -> pathlib.Path:
    """Writes it as `export.py` writes networks; returns the folder of the version."""
    side = GEOMETRY.image_size
    forward = tf.function(colour_network, autograph=False).get_concrete_function(
        tf.TensorSpec([None, side, side, 3], tf.uint8)
    )
    served = signatures.build(
        forward, geometry=GEOMETRY, class_names=COLOURS, top_k=2, max_pixels=MAX_PIXELS
    )
    names = version.parent / "class_names.txt"
    version.parent.mkdir(parents=True, exist_ok=True)
    names.write_text("\n".join(COLOURS) + "\n")
    module = tf.Module()
    module.class_names = tf.saved_model.Asset(str(names))
    tf.saved_model.save(module, str(version), signatures=served)
    card = {
        "model": "SalClassNet, stage joint",
        "data": "gaze_critters/task/1.0.0",
        "preparation": {"image_size": side, "short_side": GEOMETRY.short_side},
        "export": {"max_pixels": MAX_PIXELS},
    }
    (version / "model_card.json").write_text(json.dumps(card))
    return version
