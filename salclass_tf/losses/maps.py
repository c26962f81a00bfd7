"""Losses between a predicted and a true map, pixel by pixel.

All take `target`, true maps in [0, 1], float [b, h, w, 1], all 0 where nobody looked, and
`predicted`, the output of a detector, same shape. Half precision is widened. They return one value
per example, float32 [b], and raise a ValueError for shapes that differ or lack an axis.
"""

import keras
import tensorflow as tf

from salclass_tf.losses import readings

_PIXELS = (1, 2, 3)

# A map so near to 0 or to 1 counts as all but sure, see `cross_entropy`.
_MARGIN = 1e-3


def saliency_loss(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean squared error, L_S = 1/(h w) sum_ij (Y_ij - T_ij)^2 (paper, Eq. 3).

    Args:
        target: ground-truth maps T in [0, 1], float [b, h, w, 1]; half precision is widened.
        predicted: predicted maps Y, same shape; unbounded, the head is linear.

    Returns:
        One loss per example, float32 [b].

    Raises:
        ValueError: if the shapes differ or lack an axis; broadcasting would hide it.
    """
    target, predicted = readings.check_pair(target, predicted)
    return tf.reduce_mean(tf.square(predicted - target), axis=_PIXELS)


def weighted_error(target: tf.Tensor, predicted: tf.Tensor, alpha: float = 1.1) -> tf.Tensor:
    """ML-Net's error, mean((Y / max Y - T)^2 / (alpha - T)): it counts most where people looked.

    From Cornia et al. (ICPR 2016, Eq. 3) as in their code (repository marcellacornia/mlnet). Its
    penalty on the learned prior belongs to that layer. A map without a pixel above 0 has no
    maximum to be divided by, and is compared as it is.

    Args:
        target: see the module.
        predicted: see the module.
        alpha: above 1; 1.1 in the paper.

    Returns:
        float32 [b], at least 0.
    """
    if not alpha > 1:
        raise ValueError(f"alpha of the weighted error must be above 1; got {alpha}")
    target, predicted = readings.check_pair(target, predicted)
    peak = tf.reduce_max(predicted, axis=_PIXELS, keepdims=True)
    peak = tf.where(peak > keras.config.epsilon(), peak, tf.ones_like(peak))
    return tf.reduce_mean(tf.square(predicted / peak - target) / (alpha - target), axis=_PIXELS)


def cross_entropy(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of each pixel, mean(-T log Y - (1 - T) log(1 - Y)).

    What OpenSALICON trains its sigmoid with, there summed over the cells of a coarse map. A linear
    head leaves [0, 1], and may start outside of it with all pixels. So that these learn, Y is bent
    where it comes within 0.001 of 0 or goes below: 0.001^2 / (0.002 - Y) stands for it, which goes
    on without a kink and stays above 0; at 1 likewise.

    Args:
        target: see the module.
        predicted: see the module.

    Returns:
        float32 [b], at least the entropy of the true map.
    """
    target, predicted = readings.check_pair(target, predicted)
    error = target * _log_chance(predicted) + (1 - target) * _log_chance(1 - predicted)
    return -tf.reduce_mean(error, axis=_PIXELS)


def _log_chance(values: tf.Tensor) -> tf.Tensor:
    """The logarithm of Y, finite and rising for all values, see `cross_entropy`."""
    bent, bent_above = _bent(values), _bent(1 - values)
    inner = tf.clip_by_value(values, _MARGIN, 1 - _MARGIN)
    above = tf.where(values > 1 - _MARGIN, tf.math.log1p(-bent_above), tf.math.log(inner))
    return tf.where(values < _MARGIN, tf.math.log(bent), above)


def _bent(values: tf.Tensor) -> tf.Tensor:
    """What stands for values below the margin."""
    return _MARGIN**2 / (2 * _MARGIN - tf.minimum(values, _MARGIN))


def correlation_loss(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """1 - CC, CC being Pearson's correlation of the two maps over the pixels.

    Args:
        target: see the module.
        predicted: see the module.

    Returns:
        float32 [b] in [0, 2]; 1 where a map is constant, 0 where nobody looked.
    """
    target, predicted = readings.check_pair(target, predicted)
    seen = tf.reduce_any(target > 0, axis=_PIXELS)
    target, predicted = readings.standardized(target), readings.standardized(predicted)
    return readings.where_seen(seen, 1 - tf.reduce_mean(target * predicted, axis=_PIXELS))
