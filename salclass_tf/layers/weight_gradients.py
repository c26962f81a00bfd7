"""Gradients of convolution kernels by XLA, for processors on which oneDNN's are slow."""

import contextlib
import functools
import types
from collections.abc import Callable, Iterable, Iterator

import keras
import tensorflow as tf


@contextlib.contextmanager
def compiled_weight_gradients(convolutions: Iterable[keras.layers.Conv2D]) -> Iterator[None]:
    """Has XLA compile the gradients of some kernels in what is traced while this is open.

    With AVX2, oneDNN takes the gradient of a large kernel, channels last, at an eighth to three
    fifths of the rate of the convolution itself; XLA at half to nearly all of it. The convolution
    and the gradient of its input stay TensorFlow's. Values are those of TensorFlow to rounding.

    Args:
        convolutions: of one group, channels last; what is dilated, or computes in another type than
            float32, is left as it is. They are as they were once this is closed.
    """
    convolutions = list(convolutions)
    for layer in convolutions:
        layer.convolution_op = types.MethodType(_convolve, layer)
    try:
        yield
    finally:
        for layer in convolutions:
            vars(layer).pop("convolution_op", None)


def _convolve(layer: keras.layers.Conv2D, inputs: tf.Tensor, kernel: keras.Variable) -> tf.Tensor:
    """What `keras.layers.Conv2D.convolution_op` returns."""
    # TensorFlow has gradients of dilated convolutions on a CPU by oneDNN alone; Keras goes round.
    if inputs.dtype != tf.float32 or max(layer.dilation_rate) > 1:
        return type(layer).convolution_op(layer, inputs, kernel)
    strides, padding = (1, *layer.strides, 1), layer.padding.upper()
    by_kernel = _gradient_by_kernel(tuple(layer.kernel.shape), strides, padding)
    geometry = {"strides": strides, "padding": padding}

    @tf.custom_gradient
    def convolution(x: tf.Tensor, w: tf.Tensor):
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_input = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(x), filter=w, out_backprop=upstream, **geometry
            )
            return by_input, by_kernel(x, upstream)

        return tf.nn.conv2d(x, w, **geometry), gradients

    return convolution(inputs, tf.convert_to_tensor(kernel))


@functools.cache
def _gradient_by_kernel(
    shape: tuple[int, ...], strides: tuple[int, ...], padding: str
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The compiled gradient; one function, so that XLA compiles it once for all layers alike."""

    @tf.function(jit_compile=True, autograph=False)
    def weight_gradient(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=shape,
            out_backprop=upstream,
            strides=strides,
            padding=padding,
        )

    return weight_gradient
