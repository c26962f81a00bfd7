"""Metrics of batches in TensorFlow, for training and evaluation loops."""

import keras
import tensorflow as tf


def correlation(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Pearson correlation of each pair of maps in a batch; `cc` for training loops.

    Args:
        target: ground-truth maps, float [b, h, w, 1].
        predicted: predicted maps, same shape.

    Returns:
        float32 [b] in [-1, 1]; 0 where either map is constant.

    Raises:
        ValueError: if the shapes differ or lack an axis.
    """
    target, predicted = _as_batches(target, predicted)
    target, predicted = _centred(target), _centred(predicted)
    covariance = tf.reduce_mean(target * predicted, axis=(1, 2, 3))
    return tf.math.divide_no_nan(covariance, _spread(target) * _spread(predicted))


def normalized_scanpath(predicted: tf.Tensor, fixation_counts: tf.Tensor) -> tf.Tensor:
    """Mean z-score of each map at the fixations; `nss` for training and evaluation loops.

    Args:
        predicted: predicted maps, float [b, h, w, 1].
        fixation_counts: how many fixations hit each pixel, float32, same shape.

    Returns:
        float32 [b]; 0 where the map is constant or nobody looked (see `has_gaze`).

    Raises:
        ValueError: if the shapes differ or lack an axis.
    """
    counts, predicted = _as_batches(fixation_counts, predicted)
    deviation = _centred(predicted)
    at_fixations = tf.reduce_sum(deviation * counts, axis=(1, 2, 3))
    mean = tf.math.divide_no_nan(at_fixations, tf.reduce_sum(counts, axis=(1, 2, 3)))
    return tf.math.divide_no_nan(mean, _spread(deviation))


def has_gaze(maps: tf.Tensor) -> tf.Tensor:
    """Tells which examples have any gaze: the mask (sample weight) for batch means.

    Args:
        maps: ground-truth maps or fixation counts, [b, h, w, 1].

    Returns:
        bool [b].
    """
    return tf.reduce_any(maps > 0, axis=(1, 2, 3))


class _MeanWithGaze(keras.metrics.Mean):
    """Running mean of a batch metric over the examples that somebody looked at."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: what the metric compares with, [b, h, w, 1]; all 0 where nobody looked.
            y_pred: predicted maps, same shape.
            sample_weight: [b], or None.
        """
        seen = tf.cast(has_gaze(y_true), tf.float32)
        if sample_weight is not None:
            seen *= tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
        super().update_state(self._score(y_true, y_pred), sample_weight=seen)

    def _score(self, y_true, y_pred):
        raise NotImplementedError


@keras.saving.register_keras_serializable("salclass_tf")
class TrainingCorrelation(_MeanWithGaze):
    """`correlation` as a Keras metric: `compile(metrics=[TrainingCorrelation()])`.

    A running mean over the crops or resized images that a network is fed with, in float32. The
    score of a data set, on whole images, is `evaluation.evaluate`'s `cc`.

    Args:
        name: how Keras reports it.
        dtype: of the mean.
    """

    def __init__(self, name: str = "training_cc", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def _score(self, y_true, y_pred):
        return correlation(y_true, y_pred)


@keras.saving.register_keras_serializable("salclass_tf")
class TrainingScanpath(_MeanWithGaze):
    """`normalized_scanpath` as a Keras metric; the targets are fixation counts, not heat maps.

    A running mean over the crops or resized images that a network is fed with, in float32. The
    score of a data set, on whole images, is `evaluation.evaluate`'s `nss`.

    Args:
        name: how Keras reports it.
        dtype: of the mean.
    """

    def __init__(self, name: str = "training_nss", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def _score(self, y_true, y_pred):
        return normalized_scanpath(y_pred, y_true)


def _as_batches(first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    first, second = tf.convert_to_tensor(first), tf.convert_to_tensor(second)
    ranks = (first.shape.rank, second.shape.rank)
    if ranks != (4, 4) or not first.shape.is_compatible_with(second.shape):
        raise ValueError(
            f"maps must share one shape [b, h, w, 1]; got {first.shape} and {second.shape}"
        )
    return tf.cast(first, tf.float32), tf.cast(second, tf.float32)


def _centred(maps: tf.Tensor) -> tf.Tensor:
    """Maps stretched to a range of 1 with mean 0; exactly 0 where a map is constant.

    The stretch keeps the squares of a faint map (the tail of a far fixation) from vanishing.
    """
    low = tf.reduce_min(maps, axis=(1, 2, 3), keepdims=True)
    high = tf.reduce_max(maps, axis=(1, 2, 3), keepdims=True)
    stretched = tf.math.divide_no_nan(maps - low, high - low)
    return stretched - tf.reduce_mean(stretched, axis=(1, 2, 3), keepdims=True)


def _spread(centred: tf.Tensor) -> tf.Tensor:
    """Population standard deviation of maps with mean 0, [b]."""
    return tf.sqrt(tf.reduce_mean(tf.square(centred), axis=(1, 2, 3)))
