"""What the page shows for one picture: its overlay, as strong as one likes, and its classes."""

import dataclasses

import numpy as np
import tensorflow as tf
from PIL import Image

from salclass_tf.demo_page.served import Served
from salclass_tf.prediction import painting
from salclass_tf.serving import overlays


class UnreadableImageError(ValueError):
    """A file that the network has no answer to; the message is for whoever sent it."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to one picture.

    Attributes:
        plain: the picture, in the size of its overlay.
        painted: the picture under its map, as `predict.py` paints it.
        classes: likeliest classes -> probability; empty of a detector.
    """

    plain: Image.Image
    painted: Image.Image
    classes: dict[str, float]

    def overlay(self, strength: float) -> Image.Image:
        """Returns a mixture: the picture alone at strength 0, the whole overlay at 1."""
        return Image.blend(self.plain, self.painted, strength)


def ask(served: Served, encoded: bytes) -> Answer:
    """Asks the network about a picture.

    Args:
        served: the network.
        encoded: content of an image file.

    Returns:
        What it says.

    Raises:
        UnreadableImageError: if this is no image, a damaged one, or too large a one, or if
            its map is not finite.
    """
    try:
        out = {name: value.numpy()[0] for name, value in served.model([encoded]).items()}
    except tf.errors.InvalidArgumentError as error:
        raise UnreadableImageError(_complaint(error, served.max_pixels)) from None
    # Its header passed and it was decoded in the graph: neither its size nor its form surprises.
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()
    size = tf.constant(image.shape[:2])
    saliency = None
    if served.model.makes_maps:
        placed = overlays.place(tf.constant(out["saliency"]), size, served.model.geometry)
        saliency = placed.numpy()[..., 0]
        if not np.isfinite(saliency).all():
            raise UnreadableImageError("the network's map of it is not finite")
    seen = served.model.geometry.central_box(*image.shape[:2])
    painted = Image.fromarray(painting.paint(image, saliency, seen, ()))
    plain = Image.fromarray(image).resize(painted.size, Image.Resampling.BICUBIC)
    names = (name.decode() for name in out.get("top_classes", ()))
    probabilities = (float(value) for value in out.get("top_probabilities", ()))
    return Answer(plain, painted, dict(zip(names, probabilities, strict=True)))


def _complaint(error: tf.errors.InvalidArgumentError, max_pixels: int) -> str:
    """What is wrong with a file, for people who have never heard of the graph that says so."""
    if "pixels, before and after resizing" in error.message:
        return f"it has more than {max_pixels / 1e6:g} million pixels, or is far too long and thin"
    return "it is no JPEG, PNG, GIF or BMP image, or a damaged one"
