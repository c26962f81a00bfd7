"""The example of docs/evaluation.md runs as it stands, and scores as evaluate.py does."""

import pathlib
import re
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from dotted_sets import DottedNoise
from map_files import write_maps

from salclass_tf.data import sets
from salclass_tf.evaluation.methods import map_folders, method
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables import scoring

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"


@pytest.fixture
def printed(tiny_data_dir, tmp_path, monkeypatch, capsys):
    """What the example prints of true maps and of noise, and what it leaves in its names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps").mkdir()
    write_maps(tmp_path / "maps" / "ours", tiny_data_dir)
    shutil.copytree(tmp_path / "maps" / "ours", tmp_path / "maps" / "theirs")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "maps" / "theirs").iterdir():
        np.save(path, rng.random((44, 52)))
    load = tfds.load
    monkeypatch.setattr(
        tfds,
        "load",
        lambda name, split: load(DottedNoise.name, split=split, data_dir=tiny_data_dir),
    )
    section = DOCS.read_text().split("## As a library")[1]
    code = re.search(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line]) <= 15
    space = {}
    exec(code.replace("sigma=24", "sigma=4"), space)
    return space, capsys.readouterr().out


def test_example_scores_as_the_command_does(printed, tmp_path, tiny_data_dir):
    space, text = printed
    noise = EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", None)
    for name in ("ours", "theirs"):
        [maps] = map_folders.from_folder(tmp_path / "maps" / name)
        expected = scoring.score_method(
            maps, noise, frozenset({method.SALIENCY}), tuple(space[name].values)
        ).maps
        assert space[name].images == expected.images
        for measure, values in expected.values.items():
            np.testing.assert_allclose(space[name].values[measure], values, atol=1e-5)
    assert text.count("Estimate(") == 2 and "Comparison(measure='nss'" in text
