"""Batch normalisation by TensorFlow's own kernel, one operation where Keras has some twenty."""

import types

import keras
import tensorflow as tf


def fuse_normalization(layer: keras.layers.BatchNormalization) -> None:
    """Has a batch normalisation compute by TensorFlow's kernel wherever that gives the same.

    Values, gradients and moving statistics stay those of Keras to rounding. The layer stays what it
    is: it is saved and loaded as before, and what is loaded computes as Keras does.

    A step that XLA compiles is to be left alone: XLA takes the kernel's variance as the
    difference of two means, which is 12 % off for a map that is nearly flat, and it fuses Keras'
    operations by itself.

    Args:
        layer: any; one that is no `keras.layers.BatchNormalization`, but of a class derived from
            it, is left as it is.
    """
    if type(layer) is keras.layers.BatchNormalization:
        layer.call = types.MethodType(_call, layer)


def restore_normalization(layer: keras.layers.BatchNormalization) -> None:
    """Has a batch normalisation compute by Keras' operations again; see `fuse_normalization`.

    Args:
        layer: any, fused or not.
    """
    vars(layer).pop("call", None)


def _call(layer, inputs, training=None, mask=None):
    """What `keras.layers.BatchNormalization.call` returns and updates."""
    # Frozen, it stays with Keras: on a GPU that kernel's gradient is not deterministic.
    frozen = training and not layer.trainable
    if frozen or mask is not None or not _fits(layer, inputs):
        return keras.layers.BatchNormalization.call(layer, inputs, training=training, mask=mask)
    # Keras too computes in float32 where the layers around it have fewer digits.
    out, mean, variance = _normalise(layer, tf.cast(inputs, tf.float32), bool(training))
    if training:
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
    return tf.cast(out, layer.compute_dtype)


def _fits(layer: keras.layers.BatchNormalization, inputs: tf.Tensor) -> bool:
    """Whether the kernel computes what this layer does to such inputs."""
    # A single channel is one long sum to the kernel, with 40 times the rounding of Keras'.
    return (
        inputs.shape.rank == 4
        and layer.axis in (-1, 3)
        and inputs.shape[-1] > 1
        and inputs.dtype != tf.float64
        and not getattr(layer, "renorm", False)  # younger than Keras 3.13
        and not layer.synchronized
    )


def _normalise(
    layer: keras.layers.BatchNormalization, inputs: tf.Tensor, training: bool
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The normalised inputs, and the moving mean and variance after them."""
    channels = inputs.shape[-1]
    # The kernel counts n - 1 examples in the variance that it keeps, Keras n.
    excess = _excess(inputs) if training else 1.0
    out, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=layer.gamma if layer.scale else tf.ones([channels]),
        offset=layer.beta if layer.center else tf.zeros([channels]),
        mean=layer.moving_mean,
        variance=layer.moving_variance * excess if training else layer.moving_variance,
        epsilon=layer.epsilon,
        exponential_avg_factor=1.0 - layer.momentum,
        is_training=training,
    )
    return out, mean, variance / excess if training else variance


def _excess(inputs: tf.Tensor) -> float | tf.Tensor:
    """By how much the kernel keeps more than Keras: n / (n - 1) for n values, 1 for one."""
    count = inputs.shape[:-1].num_elements()
    if count is not None:
        return count / max(count - 1, 1)
    count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
    return count / tf.maximum(count - 1, 1)
