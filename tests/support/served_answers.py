"""What an export has to answer, computed without it."""

import numpy as np
import tensorflow as tf

from salclass_tf.data import pipeline
from salclass_tf.data.geometry import Geometry
from salclass_tf.training import final_scores

GEOMETRY = Geometry(40, 46)


def expected_answers(network, images):
    """Answers by way of evaluation: its pipeline, the Keras network, NumPy."""
    source = tf.data.Dataset.from_generator(
        lambda: ({"image": image, "image/id": "x", "label": 0} for image in images),
        output_signature={
            "image": tf.TensorSpec([], tf.string),
            "image/id": tf.TensorSpec([], tf.string),
            "label": tf.TensorSpec([], tf.int64),
        },
    )
    batches = pipeline.evaluation_batches(
        source, geometry=GEOMETRY, sigma_px=1.0, batch_size=len(images), with_maps=False
    )
    out = final_scores.answers(network, next(iter(batches)))
    logits = out["logits"].numpy().astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), out["saliency"].numpy()
