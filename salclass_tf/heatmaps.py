"""Heat maps from fixations: a sum of Gaussians, the ground truth of saliency detection."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def render(
    x: tf.Tensor,
    y: tf.Tensor,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    sigma: float | tf.Tensor,
) -> tf.Tensor:
    """Sums one Gaussian per fixation and scales the highest value to 1.

    A Gaussian is separable, so the sum over n fixations is the matrix product
    `[h, n] @ [n, w]`. The kernel is not cut off and the border is zero: nothing is
    reflected at the edges. Works eagerly and in a graph, with sizes known only there.

    Args:
        x: columns in pixels, 0-based, float32 [n]; fractions are kept.
        y: rows in pixels, likewise.
        height: rows of the map.
        width: columns of the map.
        sigma: standard deviation of the Gaussian, in pixels of the map.

    Returns:
        float32 [height, width] in [0, 1] with peak 1; all zero without a fixation.
    """
    rows = _gaussians(y, height, sigma)
    columns = _gaussians(x, width, sigma)
    total = tf.matmul(rows, columns, transpose_a=True)
    return tf.math.divide_no_nan(total, tf.reduce_max(total))


def from_fixations(xy: npt.ArrayLike, size: Sequence[int], sigma: float) -> npt.NDArray[np.float32]:
    """Makes the heat map of one image from its fixations, in NumPy terms.

    Args:
        xy: fixations (column, row) in pixels, 0-based, [n, 2]; n may be 0. Rows with NaN, which
            pad batches, are left out.
        size: (height, width) of the map, in pixels.
        sigma: standard deviation of the Gaussian, in pixels.

    Returns:
        float32 [height, width] in [0, 1] with peak 1; all zero without a fixation.

    Raises:
        ValueError: if `xy` is not [n, 2], or a size or `sigma` is not above 0.
    """
    points = np.asarray(xy, np.float32)
    if points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"fixations must be (x, y) rows, [n, 2]; got shape {points.shape}")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size must be (height, width), both above 0; got {size}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0 pixels; got {sigma}")
    points = points[~np.isnan(points).any(axis=1)]
    return render(points[:, 0], points[:, 1], *size, sigma).numpy()


def _gaussians(centres: tf.Tensor, length: int | tf.Tensor, sigma: float | tf.Tensor) -> tf.Tensor:
    """One Gaussian a row, float32 [n, length], value 1 at its centre."""
    positions = tf.range(tf.cast(length, tf.float32))
    distance = (positions - tf.cast(centres, tf.float32)[:, tf.newaxis]) / sigma
    return tf.exp(-0.5 * tf.square(distance))
