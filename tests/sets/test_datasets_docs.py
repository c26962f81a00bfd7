"""Code of docs/datasets.md (fit, tables, arrays, pictures) runs as it stands, on tiny data."""

import importlib.util
import pathlib
import re

import keras
import matplotlib
import pytest
import tensorflow_datasets as tfds
from dotted_sets import DottedNoise

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "datasets.md"


def blocks():
    section = PAGE.read_text().split("## Tables, arrays, pictures")[1].split("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def tiny(tiny_data_dir, tmp_path, monkeypatch):
    """Twelve pictures of noise stand for every set."""
    load, builder = tfds.load, tfds.builder
    where = {"data_dir": tiny_data_dir}
    monkeypatch.setattr(tfds, "load", lambda name, **more: load(DottedNoise.name, **where, **more))
    monkeypatch.setattr(
        tfds, "builder", lambda name, **more: builder(DottedNoise.name, **where | more)
    )
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    return tmp_path


def test_a_classifier_learns_from_a_set(tiny, monkeypatch):
    """The first block of the page; a tiny network stands for MobileNet."""
    layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(12, "softmax")]
    monkeypatch.setattr(
        keras.applications, "MobileNetV3Small", lambda weights, classes: keras.Sequential(layers)
    )
    space = {}
    exec(re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)[1], space)
    assert space["model"].input_shape == (None, 224, 224, 3)
    assert "accuracy" in space["model"].history.history


def test_images_come_with_their_classes(tiny, capsys):
    exec(blocks()[0], {})
    assert capsys.readouterr().out == "(44, 52, 3) 0\n"


def test_every_set_with_classes_has_such_pairs():
    import tfds_builders

    for module in vars(tfds_builders).values():
        if getattr(module, "Builder", None) is None or module.Builder.name == "gaze_folder":
            continue
        for config in module.Builder.BUILDER_CONFIGS or [None]:
            info = module.Builder(config=config).info
            expected = ("image", "label") if "label" in info.features else None
            assert info.supervised_keys == expected, module.Builder.name


def test_no_feature_is_a_64_bit_float():
    import tfds_builders

    for module in vars(tfds_builders).values():
        if getattr(module, "Builder", None) is None:
            continue
        for config in module.Builder.BUILDER_CONFIGS or [None]:
            features = module.Builder(config=config).info.features
            assert "float64" not in repr(features.dtype), module.Builder.name


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pandas", "jinja2"))), reason="needs pandas and jinja2"
)
def test_a_set_becomes_a_table(tiny, capsys):
    space = {}
    exec(blocks()[1], space)
    assert len(space["table"]) == 10 and "mean" in capsys.readouterr().out


@pytest.mark.skipif(not importlib.util.find_spec("array_record"), reason="needs array_record")
def test_examples_come_by_number_with_lists(tiny, capsys):
    space = {}
    exec(blocks()[2], space)
    assert capsys.readouterr().out.split("\n")[-2] == "12 (44, 52, 3) (1, 2)"
    assert isinstance(space["example"]["fixations"]["x"], list)


def test_pictures_are_drawn_with_gaze(tiny):
    exec(blocks()[3], {})
    assert (tiny / "osie.png").stat().st_size > 1000
