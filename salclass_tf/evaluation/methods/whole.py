"""What answers batches of whole images, each in its own size."""

import numpy as np
import tensorflow as tf

from salclass_tf.evaluation.methods.evaluated_sets import Batch
from salclass_tf.evaluation.methods.method import SALIENCY, Answers
from salclass_tf.model.whole_images import WholeImages, WholeImagesOfServer


class OneByOne:
    """Answers batches of one image with its map.

    Args:
        maps: image -> map.

    Attributes:
        shown: how the network is shown an image.
    """

    def __init__(self, maps: WholeImages | WholeImagesOfServer):
        self._maps = maps
        self.shown = maps.shown

    def __call__(self, batch: Batch) -> Answers:
        """Returns `saliency` float32 [1, h, w, 1]."""
        return {SALIENCY: self._maps(batch["image"][0])[tf.newaxis].numpy()}


def resized(maps: np.ndarray, batch: Batch) -> np.ndarray:
    """Returns maps in the size of a batch's images, float32 [b, h, w, 1]; bilinear, not rounded.

    Args:
        maps: [b, i, j, 1], of what is seen of the images.
        batch: the images.
    """
    return tf.image.resize(maps, batch["image"].shape[1:3], antialias=True).numpy()
