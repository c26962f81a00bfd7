"""How losses read maps: as distributions over the pixels, and as z-scores.

A detector's output is a "map" (about 0 to 1; a linear head can be negative), or a "density": the
chance of a fixation in each pixel, divided by its peak (`layers.Density`).
"""

import tensorflow as tf

OUTPUT_KINDS = ("map", "density")

#: what is added to a map before it is divided by its sum: a thousandth of a true map's peak
FLOOR = 1e-3

_PIXELS = (1, 2, 3)


def check_pair(target: tf.Tensor, predicted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns both in float32.

    Raises:
        ValueError: if the shapes differ or lack an axis; broadcasting would hide it.
    """
    target, predicted = tf.convert_to_tensor(target), tf.convert_to_tensor(predicted)
    if (
        target.shape.rank != 4
        or predicted.shape.rank != 4
        or not target.shape.is_compatible_with(predicted.shape)
    ):
        raise ValueError(
            "maps must share one shape [b, h, w, 1]; "
            f"got target {target.shape}, predicted {predicted.shape}"
        )
    return tf.cast(target, tf.float32), tf.cast(predicted, tf.float32)


def check_output(output: str) -> None:
    """Raises a ValueError for a kind of output that is not there."""
    if output not in OUTPUT_KINDS:
        raise ValueError(f"output is one of {', '.join(OUTPUT_KINDS)}; got {output!r}")


def as_log_density(predicted: tf.Tensor, output: str = "map") -> tf.Tensor:
    """A detector's output as logarithms of a distribution over the pixels.

    A map y that is 0 or above is divided by its sum, `p = (y + f) / sum(y + f)`, f = `FLOOR`. A
    linear head can be negative; there f^2 / (f - y) stands for y + f, which goes on without a
    kink: p is above 0, and the logarithm's slope 1 / (f + |y|) neither ends nor grows on the way
    down, so that a detector learns from any start. A constant map is the uniform distribution.
    Metrics shift such a map instead, `metrics.maps.non_negative`: that has a slope at the lowest
    pixel alone, and learning from it would not.

    Args:
        predicted: the output of a detector, float [b, h, w, 1]; half precision is widened.
        output: what that is, one of `OUTPUT_KINDS`; a density, all above 0, is divided by its sum.

    Returns:
        log p, float32 [b, h, w, 1]; the sum of p over each image is 1.

    Raises:
        ValueError: for another `output`.
    """
    check_output(output)
    scores = tf.cast(predicted, tf.float32)
    if output == "density":
        scores = tf.math.log(scores)  # its slope undoes that of the softmax before it
    else:
        sign = tf.where(scores < 0, -1.0, 1.0)  # not tf.sign, whose 0 would end the slope at 0
        scores = sign * tf.math.log1p(sign * scores / FLOOR)
    return scores - tf.reduce_logsumexp(scores, axis=_PIXELS, keepdims=True)


def as_density(target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A true map, or fixation counts, divided by its sum.

    Args:
        target: float32 [b, h, w, 1], at least 0.

    Returns:
        q, float32 [b, h, w, 1], and whether anybody looked at the image, bool [b]; where nobody
        did q is uniform, so that what is computed from it stays finite.
    """
    seen = tf.reduce_any(target > 0, axis=_PIXELS)
    safe = tf.where(seen[:, None, None, None], target, tf.ones_like(target))
    # The tail of a far fixation may be so faint that its sum is 0 in float32.
    safe /= tf.reduce_max(safe, axis=_PIXELS, keepdims=True)
    return safe / tf.reduce_sum(safe, axis=_PIXELS, keepdims=True), seen


def standardized(maps: tf.Tensor) -> tf.Tensor:
    """Maps with mean 0 and deviation 1 over their pixels; 0, with gradient 0, where constant.

    Args:
        maps: float32 [b, h, w, 1].
    """
    low, high = (f(maps, axis=_PIXELS, keepdims=True) for f in (tf.reduce_min, tf.reduce_max))
    # A constant factor: it keeps the squares of a faint map from vanishing, and changes nothing.
    stretch = tf.stop_gradient(high - low)
    centred = maps - tf.reduce_mean(maps, axis=_PIXELS, keepdims=True)
    centred = tf.math.divide_no_nan(centred, stretch)
    variance = tf.reduce_mean(tf.square(centred), axis=_PIXELS, keepdims=True)
    # The root of 0 has no slope, and what has none is not to reach the weights.
    flat = stretch <= 0
    deviation = tf.sqrt(tf.where(flat, tf.ones_like(variance), variance))
    return tf.where(flat, tf.zeros_like(centred), centred / deviation)


def where_seen(seen: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Keeps values [b] of images that somebody looked at; the others get 0, and teach nothing."""
    return tf.where(seen, values, tf.zeros_like(values))
