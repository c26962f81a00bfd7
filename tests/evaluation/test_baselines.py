"""Rows of tables that need no model, against formulas, and on a picture with one odd spot."""

import json
import pathlib
import sys

import commands
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from salclass_tf import metrics
from salclass_tf.data import pipeline, sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.baselines import gaussian, spectral_residual
from salclass_tf.evaluation.methods import baseline_choice
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.paper import Settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURES = ("shuffled_auc", "nss", "cc", "sim", "kl", "auc")


def test_gaussian_is_that_of_the_paper_at_its_aspect():
    height, width = 300, 400
    found = gaussian.centred_gaussian((height, width))
    # Coordinates of Clarke and Tatler: half the width is 1; covariance 0.22 and 0.45 x 0.22.
    y, x = np.mgrid[:height, :width]
    places = (np.dstack([x, y]) - [(width - 1) / 2, (height - 1) / 2]) / (width / 2)
    density = scipy.stats.multivariate_normal(cov=np.diag([0.22, 0.45 * 0.22])).pdf(places)
    np.testing.assert_allclose(found / found.max(), density / density.max(), atol=1e-9)


def test_gaussian_is_stretched_to_the_image():
    wide = gaussian.centred_gaussian((31, 161))
    np.testing.assert_allclose(wide, wide[::-1, ::-1], atol=1e-15)
    assert wide[15, 80] == 1
    assert wide[0, 80] == pytest.approx(np.exp(-((15 / (gaussian.SIGMA_HEIGHT * 31)) ** 2) / 2))
    assert wide[15, 0] == pytest.approx(np.exp(-((80 / (gaussian.SIGMA_WIDTH * 161)) ** 2) / 2))


@pytest.fixture(scope="module")
def rows(tiny_data_dir, tmp_path_factory):
    """The table of baselines alone, and its report."""
    output = tmp_path_factory.mktemp("tables")
    settings = Settings(
        *((), ("dotted_noise",), (4,), MEASURES),
        baselines=("uniform", "gaussian", "centre", "human"),
        output=output,
        data_dir=tiny_data_dir,
    )
    report = paper.run(settings)
    found = json.loads((output / "table4.json").read_text())["rows"]
    return {row["labels"]["method"].split()[0]: row["metrics"] for row in found}, report


def test_rows_need_no_model(rows):
    assert list(rows[0]) == ["uniform", "Gaussian", "centre", "human,"]
    assert "human, true maps" not in rows[1]


def test_what_is_undefined_for_a_constant_map_says_so(rows):
    found, report = rows
    for name in ("nss", "cc"):
        assert found["uniform"][name]["mean"] is None
        assert [*found["uniform"][name]["without_score"]] == ["constant map"]
    assert found["uniform"]["auc"]["mean"] == found["uniform"]["shuffled_auc"]["mean"] == 0.5
    (line,) = (
        line
        for line in report.splitlines()
        if line.startswith("| dotted_noise") and "| uniform |" in line
    )
    assert line.count("| constant map ") == 2 and "nan" not in line.lower()


def test_maps_are_scored_on_whole_images(rows):
    """Without a network there is no crop."""
    y, x = np.mgrid[:44, :52]
    spread = ((y - 21.5) / 0.2098 / 44) ** 2 + ((x - 25.5) / 0.2345 / 52) ** 2
    nss, kl = [], []
    for index in range(6):
        rng = np.random.default_rng([1, index])  # as `DottedNoise` draws
        rng.integers(0, 100, (44, 52, 3), np.uint8)
        xy = rng.integers(10, 34, 2)
        nss.append(metrics.nss(np.exp(-spread / 2), [xy]))
        truth = np.exp(-((y - xy[1]) ** 2 + (x - xy[0]) ** 2) / 2 / 4**2)
        kl.append(scipy.stats.entropy(truth.ravel(), np.ones(truth.size)))
    assert rows[0]["Gaussian"]["nss"]["mean"] == pytest.approx(np.mean(nss), abs=1e-3)
    assert rows[0]["uniform"]["kl"]["mean"] == pytest.approx(np.mean(kl), abs=1e-5)


def test_maps_are_cropped_as_images_are(tiny_data_dir):
    noise = EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", Geometry(40, 44))
    [method] = baseline_choice.of(noise, ("gaussian",))
    [batch] = noise.batches(None, *method.extras)
    found = method.load(noise)(batch)["saliency"]
    # The image is 44 pixels high: nothing is resized, and the crop begins at row 2, column 6.
    expected = gaussian.centred_gaussian((44, 52))[2:42, 6:46]
    np.testing.assert_allclose(found[..., 0], np.repeat(expected[None], 6, 0), atol=1e-6)


def test_set_of_maps_has_no_viewers(tiny_data_dir):
    maps = EvaluatedSet(sets.open_set("dotted_maps", tiny_data_dir), "test", Geometry(24, 30))
    names = ("human", "uniform", "uniform")
    assert [method.name for method in baseline_choice.of(maps, names)] == ["uniform"]
    assert baseline_choice.left_out(maps, names) == [
        "human on dotted_maps/1.0.0 test: no fixation points"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("itti", "no maintained Python package computes itti"),
        ("gbvs", "--model=gbvs=FOLDER"),
        ("center", "baselines are some of true_maps, human, centre, .*got 'center'"),
        ("spectral_residual", "pip install -r requirements-baselines.txt"),
    ],
)
def test_baseline_that_cannot_be_had_is_named(name, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match=message):
        Settings((), ("osie",), baselines=("uniform", name))


def test_spectral_residual_finds_the_odd_one(tiny_data_dir):
    pytest.importorskip("cv2")
    image = np.zeros((96, 160, 3), np.uint8)
    image[:, ::8] = (0, 90, 0)
    image[30:46, 100:116] = (255, 40, 0)
    found = spectral_residual.spectral_residual(image)
    assert found.shape == (96, 160) and 0 <= found.min() < found.max() <= 1
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row - 38) < 12 and abs(column - 108) < 12
    noise = EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", Geometry(40, 44))
    [method] = baseline_choice.of(noise, ("spectral_residual",))
    [batch] = noise.batches(None, *method.extras)
    maps = method.load(noise)(batch)["saliency"]
    assert maps.shape == (6, 40, 40, 1)
    example = next(iter(pipeline.open_split(noise.gaze_set.builder, "test")))
    whole = spectral_residual.spectral_residual(tf.io.decode_image(example["image"], 3).numpy())
    # The image is 44 pixels high: nothing is resized, and the crop begins at row 2, column 6.
    np.testing.assert_allclose(maps[0, ..., 0], whole[2:42, 6:46], atol=1e-6)


@pytest.mark.slow
def test_command_needs_no_run(tmp_path, tiny_data_dir):
    command = ["evaluate.py", "--baselines=uniform,centre", "--dataset=dotted_noise"]
    command += [f"--output={tmp_path}/out", f"--data_dir={tiny_data_dir}"]
    done = commands.run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| uniform |" in done.stdout and "Table 5" not in done.stdout
    assert f"written: {tmp_path}/out/scores.csv" in done.stdout
