"""Who looked where on the images of a data set, in the view in which they are scored."""

import numpy as np
import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.maps.watched import Watched
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet


def images(dataset: EvaluatedSet) -> list[Watched]:
    """Returns who looked where on each image; of the images themselves only the size is read.

    Args:
        dataset: images with fixations.

    Raises:
        ValueError: naming an image or a file that cannot be read.
    """
    source, geometry = dataset.source(), dataset.geometry
    size = None if geometry is None else (geometry.image_size,) * 2
    sigma_px = dataset.gaze_set.sigma_px

    def watched(one: dict[str, np.ndarray]) -> Watched:
        drawn, original = (tuple(one[key].tolist()) for key in ("size", "original"))
        return Watched(
            name=one["name"].decode(),
            viewer=one["viewer"],
            xy=one["xy"],
            pixels=one["pixels"],
            drawn=drawn,
            sigma_px=sigma_px * (geometry.short_side / min(original) if geometry else 1),
            origin=geometry.central_origin(*drawn) if geometry else (0, 0),
            size=size,
        )

    found = source.map(
        tf.autograph.experimental.do_not_convert(lambda example: _gaze(example, geometry)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    with dataset.readable(source):
        return [watched(one) for one in found.as_numpy_iterator()]


def _gaze(example: dict, geometry: Geometry | None) -> dict:
    """Name, sizes and fixations of an example, these in pixels of the resized image."""
    original = cropping.stored_size(example["image"])
    size = original if geometry is None else tf.stack(geometry.resized(*tf.unstack(original)))
    x, y = cropping.moved(example["fixations"], original, size)
    return {
        "name": example["image/id"],
        "original": original,
        "size": size,
        "viewer": example["fixations"]["viewer"],
        "xy": tf.stack([x, y], axis=-1),
        "pixels": cropping.nearest_pixels(x, y, tf.unstack(size))[:, ::-1],
    }
