import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import layers

_SHAPE = (4, 5, 6, 3)


def _normalization(dtype="float32", **settings):
    layer = keras.layers.BatchNormalization(momentum=0.7, epsilon=1e-5, dtype=dtype, **settings)
    layer.build((None, *_SHAPE[1:]))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.weights])
    return layer


def _step(layer, inputs, training=True, batch=None):
    """Output, gradients by input and weights, and the weights afterwards, from a compiled step."""
    toward = np.random.default_rng(2).normal(size=inputs.shape)

    @tf.function(input_signature=[tf.TensorSpec([batch, *inputs.shape[1:]], inputs.dtype)])
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = layer(x, training=training)
        seen = [x, *(variable.value for variable in layer.trainable_variables)]
        gradients = tape.gradient(out, seen, tf.cast(tf.constant(toward), out.dtype))
        return out, *gradients

    results = step(inputs)
    return [np.float64(value) for value in (*results, *layer.get_weights())], step


def _kinds(step):
    return {operation.type for operation in step.get_concrete_function().graph.get_operations()}


@pytest.mark.parametrize(
    ("settings", "offset", "batch"),
    [
        ({}, 0, _SHAPE[0]),
        ({"scale": False}, 10, _SHAPE[0]),
        ({"center": False}, 0, None),
    ],
)
def test_fused_normalization_computes_what_keras_does_in_float64(settings, offset, batch):
    inputs = np.random.default_rng(0).normal(offset, 2, _SHAPE)
    expected, _ = _step(_normalization("float64", **settings), inputs)
    layer = _normalization(**settings)
    layers.fuse_normalization(layer)
    got, step = _step(layer, np.float32(inputs), batch=batch)
    for value, truth in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, truth, rtol=2e-5, atol=2e-6 * np.abs(truth).max())
    assert "FusedBatchNormGradV3" in _kinds(step)


def test_older_keras_without_renorm_is_fused_too():
    layer = _normalization()
    layers.fuse_normalization(layer)
    del layer.renorm  # which Keras 3.12 and 3.13 do not have
    _, step = _step(layer, np.ones(_SHAPE, np.float32))
    assert "FusedBatchNormGradV3" in _kinds(step)


def test_variance_of_a_single_value_is_that_of_keras():
    inputs = np.ones((1, 1, 1, 3), np.float32)
    stock, fused = _normalization(), _normalization()
    layers.fuse_normalization(fused)
    for value, truth in zip(_step(fused, inputs)[0], _step(stock, inputs)[0], strict=True):
        np.testing.assert_allclose(value, truth, atol=1e-4)


def test_mixed_precision_normalises_in_float32_as_keras_does():
    inputs = tf.cast(np.random.default_rng(0).normal(3, 2, _SHAPE), tf.bfloat16)
    stock, fused = _normalization("mixed_bfloat16"), _normalization("mixed_bfloat16")
    layers.fuse_normalization(fused)
    got, step = _step(fused, inputs)
    for value, truth in zip(got, _step(stock, inputs)[0], strict=True):
        np.testing.assert_allclose(value, truth, rtol=2**-7, atol=2**-9 * np.abs(truth).max())
    assert "FusedBatchNormV3" in _kinds(step)


@pytest.mark.parametrize(
    ("change", "training", "channels"),
    [
        ({"trainable": False}, True, 3),
        ({"synchronized": True}, True, 3),
        ({}, True, 1),
    ],
)
def test_what_the_kernel_does_not_do_alike_stays_with_keras(change, training, channels):
    layer = keras.layers.BatchNormalization(**change)
    layer.build((None, 4, 4, channels))
    layers.fuse_normalization(layer)
    _, step = _step(layer, np.ones((2, 4, 4, channels), np.float32), training)
    assert "FusedBatchNormV3" not in _kinds(step)


def test_fused_layer_is_saved_as_that_of_keras():
    layer = _normalization()
    before = keras.saving.serialize_keras_object(layer)
    layers.fuse_normalization(layer)
    assert keras.saving.serialize_keras_object(layer) == before
    loaded = keras.saving.deserialize_keras_object(before)
    assert type(loaded) is keras.layers.BatchNormalization
