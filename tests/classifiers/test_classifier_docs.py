"""docs/classifiers.md says what is there, and the example of docs/extending.md works."""

import functools
import pathlib
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import classifiers
from salclass_tf.classifiers import __main__ as table
from salclass_tf.classifiers import applications, build_classifier, list_classifiers
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, SalClassNet
from salclass_tf.optimization import optimizers
from salclass_tf.training import networks

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SIZE, CLASSES = 40, 3

# The quick ones of each kind; the others build for seconds to minutes.
_QUICK = {"inception_v3", "mobilenet", "mobilenet_v3_small", "resnet50", "vgg16", "vgg19"}
_NAMES = [
    name if name in _QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in list_classifiers()
]


def test_table_lists_every_classifier_once():
    text = (DOCS / "classifiers.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| \d", text, re.M) == list_classifiers()


@pytest.mark.parametrize("name", _NAMES)
def test_row_is_what_the_command_beside_it_prints(name, monkeypatch):
    if name in applications.NETWORKS:  # RGB and RGBS are rebuilt from one stock network
        stock = functools.cache(applications.NETWORKS[name])
        monkeypatch.setitem(applications.NETWORKS, name, stock)
    text = (DOCS / "classifiers.md").read_text()
    if name not in _QUICK:  # sizes, which take a network more, are compared in test_applications.py
        sizes = re.search(rf"^\| `{name}` \| (\d+) \| (\d+) \|", text, re.M).groups()
        monkeypatch.setattr(table, "_sizes", lambda _: tuple(map(int, sizes)))
    assert table.row(name) in text.splitlines()


@pytest.fixture
def conv_mixer(monkeypatch):
    """The example of docs/extending.md, in its place."""
    text = (DOCS / "extending.md").read_text().partition("## A classifier")[2]
    source, line = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    module = types.ModuleType("conv_mixer")
    exec(compile(source, "docs/extending.md", "exec"), module.__dict__)
    for name, build in eval(line, {"conv_mixer": module}).items():
        monkeypatch.setitem(classifiers._BUILDERS, name, build)
    assert name in list_classifiers()
    return name


def _batch():
    rng = np.random.default_rng(0)
    return {
        "image": tf.constant(rng.integers(0, 256, (4, SIZE, SIZE, 3)), tf.uint8),
        "saliency": tf.constant(rng.random((4, SIZE, SIZE, 1)), tf.float32),
        "label": tf.constant([0, 1, 2, 1]),
    }


def _build(name, saliency_input=True, **options):
    keras.utils.set_random_seed(0)
    return build_classifier(name, CLASSES, saliency_input, SIZE, width=1 / 16, **options)


def test_example_learns_jointly_and_survives_saving(conv_mixer, tmp_path):
    detector = build_detector("pdp", image_size=SIZE, width=1 / 32)
    model = SalClassNet(detector, _build(conv_mixer), output="density")
    # Adam's first step moves whatever has a gradient, however small, by the rate.
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-30))
    before = [variable.numpy() for variable in model.trainable_variables]
    assert np.isfinite(float(model.train_step(_batch())["step_loss"]))
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != old), variable.path
    model.save(tmp_path / "joint.keras")
    again = keras.models.load_model(tmp_path / "joint.keras")(_batch())
    assert again["logits"].dtype == tf.float32 and again["logits"].shape == (4, CLASSES)
    np.testing.assert_array_equal(again["logits"], model(_batch())["logits"])


def test_example_learns_what_is_new_at_its_own_rate(conv_mixer):
    model = ClassifierModel(_build(conv_mixer))
    optimizer = optimizers.SGD(0.1, lr_multipliers=networks.untrained_multipliers(model, 50.0))
    optimizer.build(model.trainable_variables)
    rates = zip(model.trainable_variables, optimizer._multipliers, strict=True)
    assert {v.path: np.ravel(rate).tolist() for v, rate in rates if np.any(rate != 1)} == {
        "patches/kernel": [1, 1, 1, 50],
        "saliency_normalization/gamma": [50],
        "saliency_normalization/beta": [50],
        "predictions/kernel": [50],
        "predictions/bias": [50],
    }


def test_example_starts_from_a_network_of_three_channels(conv_mixer, tmp_path):
    of_colours = _build(conv_mixer, saliency_input=False)
    of_colours.save(tmp_path / "rgb.keras")
    classifier = _build(conv_mixer, weights=tmp_path / "rgb.keras")
    kernel, bias = classifier.get_layer("patches").get_weights()
    kernel[:, :, 3] = 0
    classifier.get_layer("patches").set_weights([kernel, bias])
    seen = {key: _batch()[key] for key in ("image", "saliency")}
    np.testing.assert_allclose(classifier(seen), of_colours(seen["image"]), atol=1e-5)
    more = build_classifier(conv_mixer, 5, True, SIZE, 1 / 16, weights=tmp_path / "rgb.keras")
    np.testing.assert_array_equal(
        more.get_layer("block8_point").get_weights()[0],
        of_colours.get_layer("block8_point").get_weights()[0],
    )
    with pytest.raises(ValueError, match="at least 8 pixels for classifier conv_mixer; got 7"):
        build_classifier(conv_mixer, image_size=7)
