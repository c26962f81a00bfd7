"""Batch normalisation that is fitted to training batches, in place of running means."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.config import Stage
from salclass_tf.model import ClassifierModel
from salclass_tf.training import batch_statistics
from salclass_tf.training.loop import Feed, Loop


def network():
    """Image [8, 8, 3] -> convolution, two normalisations of its channels, logits of 2 classes."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
    x = keras.layers.BatchNormalization(momentum=0.95, name="learns")(x)
    x = keras.layers.BatchNormalization(momentum=0.95, trainable=False, name="frozen")(x)
    x = keras.layers.Dense(2, name="logits")(keras.layers.GlobalAveragePooling2D()(x))
    return ClassifierModel(keras.Model(image, x))


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (96, 8, 8, 3)).astype(np.float32)
    data = {"image": images, "label": rng.integers(0, 2, 96).astype(np.int32)}
    return tf.data.Dataset.from_tensor_slices(data).batch(4)


def expected(model, batches):
    """Mean and variance of each channel after the convolution, the mean over batches, float64."""
    maps = [model.classifier.get_layer("conv")(one["image"]).numpy() for one in batches]
    maps = [one.astype(np.float64) for one in maps[: batch_statistics.BATCHES]]
    moments = ([m(one, axis=(0, 1, 2)) for one in maps] for m in (np.mean, np.var))
    return [np.mean(found, axis=0) for found in moments]


def test_statistics_are_the_mean_of_those_of_twenty_batches(batches):
    model = network()
    before = {v.path: v.numpy() for v in model.trainable_variables}
    mean, variance = expected(model, batches)
    fitting = batch_statistics.Fitting(model)
    fitting.measure(batches)
    layer = model.classifier.get_layer("learns")
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)
    assert layer.momentum == 0.95
    frozen = model.classifier.get_layer("frozen")
    assert not frozen.moving_mean.numpy().any() and (frozen.moving_variance.numpy() == 1).all()
    for variable in model.trainable_variables:
        np.testing.assert_array_equal(variable, before[variable.path])
    # Again, after an epoch: of the weights that there are now.
    kernel = model.classifier.get_layer("conv").kernel
    kernel.assign(-2 * kernel)
    fitting.measure(batches)
    np.testing.assert_allclose(layer.moving_variance, 4 * variance, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, expected(model, batches)[0], rtol=1e-4)


def test_random_layers_are_left_where_they_were(batches):
    """Else a run that is interrupted after this, and repeats it, would go on with other draws."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="learns")(keras.layers.Dropout(0.5, seed=3)(image))
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    model = ClassifierModel(keras.Model(image, x))
    found = []
    for _ in range(2):
        batch_statistics.Fitting(model).measure(batches)
        found.append(model.classifier.get_layer("learns").moving_variance.numpy())
    np.testing.assert_array_equal(*found)


def test_two_devices_share_a_batch_and_find_the_same(batches, two_replicas):
    strategy = two_replicas
    with strategy.scope():
        model = network()
    layer = model.classifier.get_layer("learns")
    layer.synchronized = True  # as wherever devices train together
    batch_statistics.Fitting(model, strategy).measure(batches)
    mean, variance = expected(model, batches)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-3)


@pytest.mark.parametrize("fits", [False, True])
def test_kept_network_goes_by_statistics_of_its_own_weights(batches, tmp_path, fits):
    model = network()
    model.compile(keras.optimizers.SGD(0.05))
    feed = Feed(lambda epoch, skip: batches.skip(skip), 24, batches.take(2))
    stage = Stage("none", epochs=1, batch_size=4)
    Loop("classifier_rgb", stage, model, feed, tmp_path, fit_statistics=fits).run()
    kept = keras.models.load_model(tmp_path / "model.keras")
    mean, _ = expected(model, batches)
    close = np.allclose(kept.get_layer("learns").moving_mean, mean, rtol=1e-3)
    assert close == fits


def test_a_try_out_looks_at_as_many_batches_as_it_has_learned_from(batches, tmp_path):
    model = network()
    model.compile(keras.optimizers.SGD(0.05))
    feed = Feed(lambda epoch, skip: batches.skip(skip), 24, batches.take(2))
    stage = Stage("none", epochs=1, batch_size=4)
    Loop("classifier_rgb", stage, model, feed, tmp_path, max_steps=2, fit_statistics=True).run()
    kept = keras.models.load_model(tmp_path / "model.keras")
    found = kept.get_layer("learns").moving_mean
    np.testing.assert_allclose(found, expected(model, batches.take(2))[0], rtol=1e-3)
    assert not np.allclose(found, expected(model, batches)[0], rtol=1e-3)
