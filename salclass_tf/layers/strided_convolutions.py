"""Strided 1 x 1 convolutions of few channels, so that oneDNN gives them right gradients."""

import types

import keras
import tensorflow as tf

from salclass_tf.layers.nested_layers import leaves

# oneDNN computes eight channels at a time with AVX2, sixteen with AVX-512.
_FEWER_THAN = 16


def take_strides_first(network: keras.Model) -> None:
    """Has strided 1 x 1 convolutions of few channels pick their pixels before they compute.

    With AVX2, the kernel's gradient that oneDNN 3.7.3 (TensorFlow 2.21) gives for such a
    convolution, channels last, is wrong by as much as its size, or ends the process
    (uxlfoundation/oneDNN, issue 6035). What is computed is the same, without the stride.

    Args:
        network: its layers stay what they are; they are saved and loaded as before.
    """
    for layer in leaves(network):
        if _is_concerned(layer):
            layer.convolution_op = types.MethodType(_convolve, layer)


def _is_concerned(layer: keras.layers.Layer) -> bool:
    """Whether a layer is such a convolution."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.built
        and max(layer.kernel_size) == 1
        and max(layer.strides) > 1
        and layer.groups == 1
        and layer.data_format == "channels_last"
        and layer.kernel.shape[-2] < _FEWER_THAN
    )


def _convolve(layer: keras.layers.Conv2D, inputs: tf.Tensor, kernel: keras.Variable) -> tf.Tensor:
    """What `keras.layers.Conv2D.convolution_op` returns."""
    rows, columns = layer.strides
    return keras.ops.conv(inputs[:, ::rows, ::columns], kernel, padding="valid")
