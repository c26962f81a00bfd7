"""The distance between where a classifier attends and where people look."""

import tensorflow as tf

from salclass_tf.losses import readings

_CELLS = (1, 2, 3)


def tells_attention(saliency: tf.Tensor) -> tf.Tensor:
    """Returns whether people's map of a crop tells where to attend, bool [b].

    A rendered Gaussian nowhere ends. Where all fixations of an image lie outside the crop, what is
    left are tails of 1e-20 or so, highest at the crop's edge, where nobody looked.

    Args:
        saliency: true maps of crops, float [b, h, w, 1]; they have the peak 1 on whole images.

    Returns:
        True from a peak of `readings.FLOOR` on.
    """
    return tf.reduce_max(saliency, axis=_CELLS) >= readings.FLOOR


def attention_loss(target: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
    """Attention transfer with people as the teacher, 1/2 |A / |A| - T / |T||^2 = 1 - cos(A, T).

    A is the attention of a classifier, the mean over channels of its squared features, as
    Zagoruyko and Komodakis ("Paying More Attention to Attention", ICLR 2017, Eq. 2) have it between
    two networks; T is people's map on the same cells, in place of a teacher's attention.

    Args:
        target: means of true maps over cells, float [b, h, w, 1], at least 0, all 0 where nobody
            looked; its height does not matter, see `tells_attention`.
        features: the last features of a classifier, float [b, h, w, c]; half precision is widened.

    Returns:
        float32 [b] in [0, 1]; 0 where nobody looked, 1 where all features are 0.

    Raises:
        ValueError: if the two are not on the same cells.
    """
    attention = tf.reduce_mean(tf.square(tf.cast(features, tf.float32)), axis=-1, keepdims=True)
    target, attention = readings.check_pair(target, attention)
    seen = tf.reduce_any(target > 0, axis=_CELLS)
    # Constant factors, which the angle does not see: squares of large features stay finite.
    target, attention = (
        tf.math.divide_no_nan(x, tf.stop_gradient(tf.reduce_max(x, axis=_CELLS, keepdims=True)))
        for x in (target, attention)
    )
    squares = [tf.reduce_sum(tf.square(x), axis=_CELLS) for x in (target, attention)]
    # The sum of squares is at least 1 but where all are 0, where its root would have no slope.
    lengths = [tf.sqrt(tf.maximum(square, 1.0)) for square in squares]
    shared = tf.reduce_sum(target * attention, axis=_CELLS)
    return readings.where_seen(seen, 1 - shared / (lengths[0] * lengths[1]))
