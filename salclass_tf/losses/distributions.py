"""Losses between distributions over the pixels of an image.

All take `target`, true maps, float [b, h, w, 1], at least 0, and `predicted`, the output of a
detector, same shape; `output` says what that is (`readings.OUTPUT_KINDS`). The true map divided by
its sum is q, what `readings.as_log_density` makes of the output is p. Half precision is widened.
They return one value per example, float32 [b], 0 where nobody looked (there is no q), and raise a
ValueError for shapes that differ or lack an axis.

Jetley et al. (CVPR 2016, PDP) compare five of these behind a softmax over the pixels.
"""

import tensorflow as tf

from salclass_tf.losses import readings

_PIXELS = (1, 2, 3)

# Where people looked and p is all but 0, q^2 / p would be more than float32 holds.
_LOWEST_LOG = -60.0


def kl(target: tf.Tensor, predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """Kullback-Leibler divergence, sum q log(q / p), in nats.

    Args:
        target: see the module.
        predicted: see the module.
        output: see the module.

    Returns:
        float32 [b], at least 0.
    """
    q, log_p, seen = _densities(target, predicted, output)
    return readings.where_seen(seen, tf.reduce_sum(tf.math.xlogy(q, q) - q * log_p, axis=_PIXELS))


def bhattacharyya(target: tf.Tensor, predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """Bhattacharyya distance, -log sum sqrt(p q): the best of PDP's losses.

    Args:
        target: see the module.
        predicted: see the module.
        output: see the module.

    Returns:
        float32 [b], at least 0.
    """
    q, log_p, seen = _densities(target, predicted, output)
    shared = tf.reduce_logsumexp((log_p + tf.math.log(q)) / 2, axis=_PIXELS)
    return readings.where_seen(seen, -shared)


def chi_squared(target: tf.Tensor, predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """Pearson's chi-squared divergence, sum q^2 / p - 1.

    It grows without bound where people looked and p is next to 0; p is raised to e^-60 there.

    Args:
        target: see the module.
        predicted: see the module.
        output: see the module.

    Returns:
        float32 [b], at least 0.
    """
    q, log_p, seen = _densities(target, predicted, output)
    ratio = tf.square(q) * tf.exp(-tf.maximum(log_p, _LOWEST_LOG))
    return readings.where_seen(seen, tf.reduce_sum(ratio, axis=_PIXELS) - 1)


def total_variation(target: tf.Tensor, predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """Total variation distance, 1/2 sum |p - q|: the largest difference in the chance of any set.

    Args:
        target: see the module.
        predicted: see the module.
        output: see the module.

    Returns:
        float32 [b] in [0, 1].
    """
    q, log_p, seen = _densities(target, predicted, output)
    return readings.where_seen(seen, tf.reduce_sum(tf.abs(tf.exp(log_p) - q), axis=_PIXELS) / 2)


def cosine(target: tf.Tensor, predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """Cosine distance, 1 - sum p q / sqrt(sum p^2 sum q^2).

    Args:
        target: see the module.
        predicted: see the module.
        output: see the module.

    Returns:
        float32 [b] in [0, 1].
    """
    q, log_p, seen = _densities(target, predicted, output)
    # Divided by its largest value, which the angle does not see and the squares need.
    p = tf.exp(log_p - tf.stop_gradient(tf.reduce_max(log_p, axis=_PIXELS, keepdims=True)))
    lengths = [tf.sqrt(tf.reduce_sum(tf.square(v), axis=_PIXELS)) for v in (p, q)]
    shared = tf.reduce_sum(p * q, axis=_PIXELS)
    return readings.where_seen(seen, 1 - shared / (lengths[0] * lengths[1]))


def _densities(
    target: tf.Tensor, predicted: tf.Tensor, output: str
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """q, log p, and whether anybody looked."""
    target, predicted = readings.check_pair(target, predicted)
    q, seen = readings.as_density(target)
    return q, readings.as_log_density(predicted, output), seen
