"""Gradients of kernels by XLA are those of the convolution, computed in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import layers

SETTINGS = [
    {"padding": "same"},
    {"padding": "valid", "strides": 2},
    {"padding": "same", "strides": (2, 1), "use_bias": False},
    {"padding": "same", "activation": "relu"},
]


def build(dtype, **settings):
    layer = keras.layers.Conv2D(5, (3, 2), dtype=dtype, **settings)
    layer.build((None, 11, 9, 4))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    return layer


def gradients(layer, inputs, compiled):
    """Output and gradients by input and weights of a traced layer, and the graph."""
    upstream = np.random.default_rng(2).normal(size=layer.compute_output_shape(inputs.shape))

    @tf.function
    def step(x):
        with layers.compiled_weight_gradients([layer] if compiled else []):
            with tf.GradientTape() as tape:
                tape.watch(x)
                out = layer(x)
            seen = [x, *(variable.value for variable in layer.trainable_variables)]
            return out, *tape.gradient(out, seen, tf.cast(tf.constant(upstream), out.dtype))

    results = step(tf.constant(inputs, layer.compute_dtype))
    graph = step.get_concrete_function(tf.constant(inputs, layer.compute_dtype)).graph
    return [np.float64(value) for value in results], {op.type for op in graph.get_operations()}


@pytest.mark.parametrize("settings", SETTINGS)
def test_values_are_those_of_float64(settings):
    inputs = np.random.default_rng(0).normal(size=(3, 11, 9, 4))
    expected, _ = gradients(build("float64", **settings), inputs, compiled=False)
    got, kinds = gradients(build("float32", **settings), inputs, compiled=True)
    assert "Conv2DBackpropFilter" not in kinds  # which XLA has, in a function of its own
    for value, truth in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, truth, rtol=1e-4, atol=1e-5 * np.abs(truth).max())


def test_layers_are_as_before_once_it_is_closed():
    layer = build("float32")
    inputs = np.random.default_rng(0).normal(size=(3, 11, 9, 4))
    gradients(layer, inputs, compiled=True)
    assert "convolution_op" not in vars(layer)
    with pytest.raises(ZeroDivisionError), layers.compiled_weight_gradients([layer]):
        raise ZeroDivisionError
    _, kinds = gradients(layer, inputs, compiled=False)
    assert "Conv2DBackpropFilter" in kinds


@pytest.mark.parametrize("settings", [{"dtype": "mixed_bfloat16"}, {"dilation_rate": 2}])
def test_other_types_and_dilated_layers_are_left_alone(settings):
    layer = build(**{"dtype": "float32"} | settings)
    inputs = np.random.default_rng(0).normal(size=(3, 11, 9, 4))
    _, kinds = gradients(layer, inputs, compiled=True)
    assert "Conv2DBackpropFilter" in kinds


def test_layers_of_a_shape_share_one_program():
    one, other = build("float32", padding="same"), build("float32", padding="same")
    traced = []
    for layer in (one, other):
        inputs = np.random.default_rng(0).normal(size=(3, 11, 9, 4))
        with layers.compiled_weight_gradients([layer]):

            @tf.function
            def step(x, layer=layer):
                with tf.GradientTape() as tape:
                    out = layer(x)
                return tape.gradient(out, layer.kernel.value)

            graph = step.get_concrete_function(tf.constant(inputs, tf.float32)).graph
        calls = [op for op in graph.get_operations() if "PartitionedCall" in op.type]
        traced += [op.get_attr("f").name for op in calls]
    assert len(traced) == 2 and len(set(traced)) == 1
