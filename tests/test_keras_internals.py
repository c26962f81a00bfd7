"""What Keras does not promise: that it is there, and does what is made of it."""

import keras
import numpy as np
import pytest

from salclass_tf import keras_internals
from salclass_tf.classifiers.public_files import public_file


def small_network():
    image = keras.Input((4, 4, 3))
    halved = keras.layers.AveragePooling2D(2)(image)
    return keras.Model(image, keras.layers.Add()([halved, keras.layers.Conv2D(3, 1)(halved)]))


def test_walks_over_every_operation_with_stand_ins():
    seen = []

    def call(operation, *args, **kwargs):
        seen.append(type(operation).__name__)
        return sum(len(value) for value in keras.tree.flatten(args)) * "x"

    out = keras_internals.run_through_graph(small_network(), "ab", call)
    assert seen == ["AveragePooling2D", "Conv2D", "Add"]
    assert out == "xxxx"  # two of the pooled stand-in, two of the convolved one


def test_walk_with_the_operations_themselves_is_the_network():
    network, image = small_network(), np.random.default_rng(0).random((1, 4, 4, 3), np.float32)
    walked = keras_internals.run_through_graph(
        network, image, lambda operation, *args, **kwargs: operation(*args, **kwargs)
    )
    np.testing.assert_array_equal(walked, network(image))


def test_graph_is_that_of_functional_and_sequential_models_alone():
    network = small_network()
    assert keras_internals.graph_of(network) is network
    row = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    values = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(keras_internals.graph_of(row)(values), row(values))
    assert keras_internals.graph_of(keras.layers.Dense(2)) is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("convnext_tiny", "convnext"),
        ("densenet121", "densenet"),
        ("efficientnet_b0", "efficientnet"),
        ("efficientnet_v2_b0", "efficientnet_v2"),
        ("inception_resnet_v2", "inception_resnet_v2"),
        ("mobilenet", "mobilenet"),
        ("mobilenet_v2", "mobilenet_v2"),
        ("mobilenet_v3_small", "mobilenet_v3"),
        ("nasnet_mobile", "nasnet"),
        ("resnet50", "resnet"),
        ("xception", "xception"),
    ],
)
def test_each_family_says_where_its_weights_are(name, family):
    url = public_file(name, family, 224).url
    assert url.startswith("https://") and url.endswith(".h5")
    assert family.partition("_v")[0].replace("_", "") in url.replace("_", "").replace("-", "")


def test_operation_and_its_uses_are_those_of_the_graph():
    network = small_network()
    pooled, convolved = network.layers[1:3]
    assert keras_internals.operation_of(network.output).name == network.layers[-1].name
    assert keras_internals.operation_of(convolved.output) is convolved
    assert keras_internals.number_of_uses(pooled) == 2  # the sum and the convolution
    assert keras_internals.number_of_uses(convolved) == 1
    assert keras_internals.number_of_uses(network.layers[-1]) == 0


def test_rate_is_the_schedule_or_the_variable_itself():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert keras_internals.rate_of(keras.optimizers.Adam(schedule)) is schedule
    constant = keras_internals.rate_of(keras.optimizers.Adam(0.25))
    assert float(constant) == 0.25


def test_moments_of_a_variable_are_found_by_its_place():
    variables = [keras.Variable(np.ones(size, np.float32)) for size in (2, 3)]
    adam = keras.optimizers.Adam(0.1, beta_1=0.9, beta_2=0.99)
    adam.build(variables)
    assert [keras_internals.index_of(adam, variable) for variable in variables] == [0, 1]
    adam.apply([np.zeros(2, np.float32), np.full(3, 2.0, np.float32)], variables)
    first, second = keras_internals.moments_of(adam, 1)
    np.testing.assert_allclose(first, np.full(3, 0.1 * 2.0), rtol=1e-6)
    np.testing.assert_allclose(second, np.full(3, 0.01 * 4.0), rtol=1e-6)


def test_saving_finds_out_once_what_it_saves_and_saves_the_same(tmp_path, monkeypatch):
    keras.backend.clear_session()
    network, made, build = small_network(), [], keras.layers.Layer.__init__
    network.save_weights(tmp_path / "before.weights.h5")
    keras_internals.remember_saved_attributes()

    def counted(layer, *args, **kwargs):
        made.append(type(layer))
        build(layer, *args, **kwargs)

    monkeypatch.setattr(keras.layers.Layer, "__init__", counted)
    network.save_weights(tmp_path / "after.weights.h5")
    assert keras.layers.Layer not in made
    network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    for name in ("before", "after"):
        network.load_weights(tmp_path / f"{name}.weights.h5")
        assert np.abs(network.get_weights()[0]).min() > 0
