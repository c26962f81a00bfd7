"""Networks in two halves, compared with the whole ones that they are cut from."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.model import ClassifierModel, frozen_beginnings
from salclass_tf.model.gaze_model import FEATURES
from salclass_tf.optimization import optimizers


def branched(frozen, dropout=0.0, with_map=False):
    """Two paths of convolutions and normalisations, with a skip, under a dense layer.

    Running statistics are far from those of any batch, so that it matters by which a layer goes.
    """
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scaled")(image)
    if with_map:
        saliency = keras.Input((8, 8, 1), name="saliency")
        inputs = {"image": image, "saliency": saliency}
        x = layers.Concatenate(name="stack")([x, saliency])
    x = layers.Conv2D(4, 3, padding="same", name="first")(x)
    x = layers.BatchNormalization(name="first_bn")(x)
    left = layers.Conv2D(4, 3, padding="same", activation="relu", name="left")(x)
    right = layers.Dropout(dropout, seed=1, name="drop")(x) if dropout else x
    right = layers.Conv2D(4, 3, padding="same", activation="relu", name="right")(right)
    x = keras.ops.relu(layers.Add(name="sum")([left, right, x]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    network = keras.Model(inputs, layers.Dense(3, name="top")(x))
    network.get_layer("first_bn").moving_mean.assign([0.3, -0.2, 0.1, 0.5])
    for layer in network.layers:
        layer.trainable = layer.name not in frozen
    return network


def batches(count=4):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield {
            "image": tf.constant(rng.integers(0, 256, (5, 8, 8, 3)), tf.uint8),
            "saliency": tf.constant(rng.random((5, 8, 8, 1)), tf.float32),
            "label": tf.constant(rng.integers(0, 3, 5), tf.int32),
        }


def learn(network, cached):
    """Losses and weights after a few steps, on images or on the features of them."""
    model = ClassifierModel(network)
    model.compile(optimizers.SGD(0.5, momentum=0.9))
    halves = frozen_beginnings.halves(network)
    model.read_features("classifier", halves.rest)
    losses = []
    for batch in batches():
        if cached:
            given = {tensor.name: batch[tensor.name] for tensor in network.inputs}
            given = given if len(given) > 1 else given["image"]
            features = keras.tree.flatten(halves.beginning(given, training=False))
            batch = {"label": batch["label"], FEATURES: tuple(features)}
        losses.append(float(model.train_step(batch)["step_loss"]))
    return losses, model.get_weights(), halves.ends


@pytest.mark.parametrize(
    ("frozen", "options", "ends"),
    [
        (("first", "first_bn"), {}, {"first_bn"}),
        (("first", "first_bn", "left"), {}, {"first_bn", "left"}),
        (("first", "first_bn", "right", "left"), {}, {"pool"}),
        # What draws random numbers, or goes by a batch, is where learning begins.
        (("first", "first_bn", "right", "left"), {"dropout": 0.5}, {"left", "first_bn"}),
        (("first", "left"), {}, {"first"}),
        (("first", "first_bn"), {"with_map": True}, {"first_bn"}),
    ],
)
def test_features_teach_a_network_what_its_images_would(frozen, options, ends):
    whole_losses, whole_weights, _ = learn(branched(frozen, **options), cached=False)
    losses, weights, found = learn(branched(frozen, **options), cached=True)
    assert set(found) == ends
    assert whole_losses[0] != pytest.approx(whole_losses[-1], rel=1e-3)
    np.testing.assert_allclose(losses, whole_losses, rtol=1e-5)
    for one, other in zip(weights, whole_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_whole_network_stays_what_it_was(tmp_path):
    network = branched(("first", "first_bn"))
    before = json.dumps(network.get_config())
    halves = frozen_beginnings.halves(network)
    assert json.dumps(network.get_config()) == before
    halves.rest.get_layer("top").bias.assign([1.0, 2.0, 3.0])
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    image = next(batches())["image"]
    np.testing.assert_array_equal(network(image), loaded(image))
    np.testing.assert_array_equal(loaded.get_layer("top").bias, [1, 2, 3])


@pytest.mark.parametrize("frozen", [(), ("left", "right", "top"), ("scaled",)])
def test_where_learning_begins_at_once_there_is_no_beginning(frozen):
    network = branched(frozen)
    assert frozen_beginnings.halves(network) is None
    assert frozen_beginnings.first_learner(network) == "first"


def test_where_nothing_learns_there_is_no_rest():
    everything = ("first", "first_bn", "left", "right", "top")
    network = branched(everything)
    assert frozen_beginnings.halves(network) is None
    assert frozen_beginnings.first_learner(network) is None


def test_a_column_that_is_called_features_is_left_alone():
    model = ClassifierModel(branched(()))
    batch = next(batches())
    named = batch | {"features": tf.zeros((len(batch["label"]), 3))}
    np.testing.assert_array_equal(model(named)["logits"], model(batch)["logits"])
    with pytest.raises(ValueError, match="label"):
        model.test_step({"image": batch["image"], "features": named["features"]})


def test_a_batch_of_images_is_answered_as_before():
    network = branched(("first", "first_bn"))
    model = ClassifierModel(network)
    batch = next(batches())
    before = model(batch)["logits"].numpy()
    model.read_features("classifier", frozen_beginnings.halves(network).rest)
    np.testing.assert_array_equal(model(batch)["logits"], before)
