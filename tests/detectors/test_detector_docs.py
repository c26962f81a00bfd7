"""docs/detectors.md says what is there, and the example of docs/extending.md works."""

import inspect
import pathlib
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import detectors, losses, weights
from salclass_tf.detectors import build_detector, list_detectors, output_of
from salclass_tf.model import DetectorModel

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| ([\d,]+) \| (\w+) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


def _rows():
    return {row[0]: row for row in ROW.findall((DOCS / "detectors.md").read_text())}


def test_table_lists_every_detector_once():
    names = [row[0] for row in ROW.findall((DOCS / "detectors.md").read_text())]
    assert names == list_detectors()


@pytest.mark.parametrize("name", list_detectors())
def test_row_of_the_table_is_right(name):
    _, _, parameters, output, _, files = _rows()[name]
    with keras.StatelessScope(initialize_variables=False):
        counted = build_detector(name).count_params()
    keras.backend.clear_session()  # it would initialize the networks later
    assert int(parameters.replace(",", "")) == counted
    assert output == output_of(name)
    with pytest.raises(FileNotFoundError) as error:
        build_detector(name, image_size=65, width=0.02, weights="absent")
    offered = re.findall(r'"(\w+)"', str(error.value))
    assert offered == re.findall(r"`(\w+)`", files)


@pytest.mark.parametrize("name", list_detectors())
def test_detector_is_one_file_of_fewer_than_120_lines(name):
    build = detectors._DETECTORS[name][0]
    module = inspect.getmodule(getattr(build, "func", build))
    assert module.__package__ == "salclass_tf.detectors"
    assert len(inspect.getsource(module).splitlines()) < 120


@pytest.mark.parametrize("name", ["ml_net", "salicon", "salnet"])
def test_released_file_is_documented_as_it_is_fetched(name):
    public = weights.PUBLIC_FILES[name]
    [row] = [
        line
        for line in (DOCS / "detectors.md").read_text().splitlines()
        if line.startswith(f"| `{public.name}`")
    ]
    _, _, address, _, checksum, _ = row.split("|")
    assert public.url in address.replace(",", " ").split()
    known = public.sha256 or public.md5 or public.archive_md5
    assert checksum.strip() == "none published" if known is None else f"`{known}`" in checksum


def _blocks():
    """The Python code of docs/extending.md, by order."""
    text = (DOCS / "extending.md").read_text()
    return re.findall(r"```python\n(.+?)```", text.partition("## A classifier")[0], re.DOTALL)


def test_example_of_a_new_detector_works_as_it_stands(monkeypatch, tmp_path):
    source, line = _blocks()
    assert len(source.splitlines()) < 120
    module = types.ModuleType("levels")
    exec(compile(source, "docs/extending.md", "exec"), module.__dict__)
    [(name, entry)] = eval(line, {"levels": module}).items()
    monkeypatch.setitem(detectors._DETECTORS, name, entry)
    assert name in list_detectors() and output_of(name) in losses.OUTPUT_KINDS
    keras.utils.set_random_seed(0)
    detector = build_detector(name, image_size=49, width=0.1)
    images = np.random.default_rng(0).integers(0, 256, (2, 49, 49, 3), np.uint8)
    saliency = detector(images)
    assert saliency.shape == (2, 49, 49, 1) and np.ptp(saliency) > 0
    detector.save(tmp_path / "levels.keras")
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "levels.keras")(images), saliency
    )
    copy = build_detector(name, image_size=49, width=0.1, weights=tmp_path / "levels.keras")
    np.testing.assert_array_equal(copy(images), saliency)
    model = DetectorModel(detector)
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-30))
    before = detector.get_weights()
    batch = {"image": tf.constant(images, tf.float32), "saliency": tf.zeros((2, 49, 49, 1)) + 0.5}
    model.train_step(batch)
    for variable, old in zip(detector.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != old), variable.path
    with pytest.raises(ValueError, match="at least 16 pixels for detector levels; got 15"):
        build_detector(name, image_size=15)
