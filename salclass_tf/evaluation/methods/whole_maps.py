"""Maps of whole images, wherever they are kept, as answers to a batch in a set's view."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.methods import crops
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet, names
from salclass_tf.evaluation.methods.method import SALIENCY, Answers, Forward


def answering(dataset: EvaluatedSet, whole: Callable[[str, np.ndarray], np.ndarray]) -> Forward:
    """Returns what answers to batches that have the key `size`.

    Args:
        dataset: whose view the maps are given in: whole images in their own pixels, float64 as they
            are read, or the crop.
        whole: name of an image and its height and width -> its map, [h, w].
    """

    def answer(batch: Batch) -> Answers:
        sizes = batch["size"].numpy()
        read = [whole(name, size) for name, size in zip(names(batch), sizes, strict=True)]
        if dataset.view == WHOLE:
            return {SALIENCY: np.stack(read)[..., np.newaxis]}
        cropped = [
            crops.central_map(tf.constant(one[..., None], tf.float32), size, dataset.geometry)
            for one, size in zip(read, sizes, strict=True)
        ]
        return {SALIENCY: tf.stack(cropped).numpy()}

    return answer
