"""Strided 1 x 1 convolutions compute the same without a stride, and their gradients are right."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import layers
from salclass_tf.model import ClassifierModel


def network(dtype="float32", **settings):
    keras.utils.set_random_seed(2)
    settings = {"kernel_size": 1, "strides": 2} | settings
    image = keras.Input((9, 12, settings.pop("channels", 3)))
    inner = keras.Model(image, keras.layers.Conv2D(5, dtype=dtype, **settings)(image))
    return keras.Model(image, inner(image))


def gradients(model, inputs):
    """Output and gradients by input and weights, and the strides of all convolutions."""

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = model(x)
            total = tf.reduce_sum(out * tf.cast(tf.range(1, 6), out.dtype))
        return out, *tape.gradient(total, [x, *(one.value for one in model.trainable_variables)])

    graph = step.get_concrete_function(tf.constant(inputs)).graph
    strides = [max(op.get_attr("strides")) for op in graph.get_operations() if "Conv2D" in op.type]
    return [np.float64(value) for value in step(tf.constant(inputs))], strides


@pytest.mark.parametrize("settings", [{}, {"padding": "same", "strides": (2, 3)}])
def test_values_and_gradients_are_those_of_float64(settings):
    inputs = np.random.default_rng(0).normal(size=(2, 9, 12, 3))
    weights = network(**settings).get_weights()
    # In float64 there is no kernel of oneDNN.
    stock = network("float64", **settings)
    stock.set_weights(weights)
    expected, _ = gradients(stock, inputs)
    guarded = network(**settings)
    guarded.set_weights(weights)
    layers.take_strides_first(guarded)
    got, strides = gradients(guarded, np.float32(inputs))
    assert strides and max(strides) == 1
    for value, truth in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, truth, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings", [{"channels": 16}, {"kernel_size": 3}, {"strides": 1}, {"groups": 3, "filters": 6}]
)
def test_other_convolutions_are_left_alone(settings):
    settings = {"filters": 5} | settings
    image = keras.Input((9, 12, settings.pop("channels", 3)))
    layer = keras.layers.Conv2D(**{"kernel_size": 1, "strides": 2} | settings)
    layers.take_strides_first(keras.Model(image, layer(image)))
    assert "convolution_op" not in vars(layer)


def test_models_to_be_trained_have_it_and_files_do_not(tmp_path):
    image = keras.Input((9, 12, 3), name="image")
    convolution = keras.layers.Conv2D(5, 1, strides=2)
    x = keras.layers.GlobalAveragePooling2D()(convolution(image))
    model = ClassifierModel(keras.Model(image, keras.layers.Dense(3)(x)))
    assert "convolution_op" not in vars(convolution)
    model.compile("sgd")
    assert "convolution_op" in vars(convolution)
    model.classifier.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert "convolution_op" not in vars(loaded.layers[1])
    inputs = np.random.default_rng(0).normal(size=(2, 9, 12, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded(inputs), model.classifier(inputs), rtol=1e-5, atol=1e-6)
