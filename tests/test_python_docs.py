"""The code of docs/python.md and of the notebook runs as it stands, on tiny data."""

import ast
import json
import pathlib
import re

import matplotlib
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from dotted_sets import DottedNoise

import salclass_tf
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import GazeModel

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_NOTEBOOK = _ROOT / "examples" / "train_and_predict.ipynb"
_SMALL = {"image_size": 40, "width": 1 / 32}


@pytest.fixture
def tiny(tiny_data_dir, tmp_path, monkeypatch):
    """Sets are twelve pictures of noise, networks narrow and without public weights."""
    load = tfds.load

    def load_noise(name, **kwargs):
        assert name in salclass_tf.load_sets()
        return load(DottedNoise.name, data_dir=tiny_data_dir, **kwargs)

    compile_as_it_is = GazeModel.compile
    monkeypatch.setattr(tfds, "load", load_noise)
    monkeypatch.setattr(
        GazeModel,
        "compile",
        lambda self, *args, **kwargs: compile_as_it_is(self, *args, run_eagerly=True, **kwargs),
    )
    monkeypatch.setattr(
        salclass_tf, "build_detector", lambda name, **_: build_detector("vgg16", **_SMALL)
    )
    monkeypatch.setattr(
        salclass_tf,
        "build_classifier",
        lambda name, classes, **_: build_classifier("vgg16", classes, top="pool", **_SMALL),
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _blocks():
    text = (_ROOT / "docs" / "python.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _picture(path):
    pixels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path)
    return pixels


@pytest.mark.slow
def test_documented_path_goes_from_load_to_fit_and_to_a_server(tiny, capsys):
    train, *rest = _blocks()
    assert len(train.splitlines()) <= 15
    assert train.count("epochs=10") == 2 and "// 10" in train
    space = {}
    exec(train.replace("epochs=10", "epochs=2").replace("// 10", "// 2"), space)
    history = space["model"].history.history
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    assert int(space["model"].optimizer.iterations) == len(space["batches"]) == 2 * (12 * 10 // 16)

    pixels = _picture(tiny / "heron.jpg")
    _picture(tiny / "tern.png")
    space |= {
        "images": np.zeros((2, 40, 40, 3), np.uint8),
        "maps": np.zeros((2, 40, 40, 1), np.float32),
        "labels": np.array([0, 2]),
    }
    for block in rest:
        exec(block, space)
    assert space["out"]["saliency"].shape == (2, 40, 40, 1)
    assert set(space["out"]["top_classes"].ravel()) == {"red", "green", "blue"}
    assert "(2, 40, 40, 1)" in capsys.readouterr().out
    served = tf.saved_model.load(str(tiny / "served" / "birds" / "1"))
    answer = served.signatures["serving_image"](image=tf.constant(pixels[None]))
    assert answer["probabilities"].shape == (1, 3)


@pytest.mark.slow
def test_notebook_runs_cell_by_cell(tiny, monkeypatch, capsys):
    matplotlib.use("Agg")
    cells = json.loads(_NOTEBOOK.read_text())["cells"]
    space = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
    assert capsys.readouterr().out.splitlines()[-1] == "True"
    assert (tiny / "critters" / "1" / "saved_model.pb").is_file()
    titles = [axis.get_title() for axis in space["axes"][0]]
    assert all(re.fullmatch(r"(red|green|blue) \d+%", title) for title in titles)
    space["plt"].close("all")


def test_notebook_is_stored_without_outputs():
    notebook = json.loads(_NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            ast.parse("".join(cell["source"]))
