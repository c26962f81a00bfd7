"""Losses taken at the recorded fixations, without a true map.

All take `fixation_counts`, how many fixations hit each pixel, float [b, h, w, 1], and `predicted`,
the output of a detector, same shape. Half precision is widened. They return one value per example,
float32 [b], 0 where nobody looked, and raise a ValueError for shapes that differ or lack an axis.
"""

import tensorflow as tf

from salclass_tf.losses import readings

_PIXELS = (1, 2, 3)


def log_likelihood(
    fixation_counts: tf.Tensor, predicted: tf.Tensor, output: str = "map"
) -> tf.Tensor:
    """What DeepGaze is trained with, -mean over fixations of log(p / u), in nats.

    u is the uniform density, 1 / (h w): 0 is chance, and images of another size read alike.

    Args:
        fixation_counts: see the module.
        predicted: see the module; p is `readings.as_log_density` of it.
        output: what `predicted` is, one of `readings.OUTPUT_KINDS`.

    Returns:
        float32 [b], below 0 where the density is better than chance.
    """
    counts, predicted = readings.check_pair(fixation_counts, predicted)
    pixels = tf.cast(tf.size(predicted[0]), tf.float32)
    gain = readings.as_log_density(predicted, output) + tf.math.log(pixels)
    return -_mean_at_fixations(counts, gain)


def scanpath_loss(fixation_counts: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """-NSS: the mean z-score of the map at the fixations, negated.

    Args:
        fixation_counts: see the module.
        predicted: see the module.

    Returns:
        float32 [b]; 0 too where the map is constant.
    """
    counts, predicted = readings.check_pair(fixation_counts, predicted)
    scores = readings.standardized(predicted)
    return -_mean_at_fixations(counts, scores)


def _mean_at_fixations(counts: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The mean of values over fixations, [b]; 0 where there are none."""
    shares, seen = readings.as_density(counts)
    return readings.where_seen(seen, tf.reduce_sum(shares * values, axis=_PIXELS))
