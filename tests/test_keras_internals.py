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
