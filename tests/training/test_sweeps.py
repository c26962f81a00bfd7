"""The sweep of alpha: one joint stage per value, from parts that are made once."""

import csv
import dataclasses
import json

import pytest
from tiny_config import tiny_config

from salclass_tf import training
from salclass_tf.runs.files import write_json
from salclass_tf.training import loop, stages, sweeps

SCORES = {"accuracy": 0.5, "mean_class_accuracy": 0.25, "mse": 0.125, "cc": None, "nss": 1.5}


@pytest.fixture
def settings():
    return tiny_config("dotted_noise", validation_share=0.25)


def finish(folder, settings, stage="joint", accuracy=0.5):
    """Writes what a finished stage is known by."""
    test = SCORES | {"images": 6, "accuracy": accuracy}
    facts = {"dataset": "dotted_noise/1.0.0", "split": "test", "kept_epoch": 1, "test": test}
    write_json(folder / "config.json", settings.for_stage(stage))
    write_json(folder / "metrics.json", facts | {"before_joint": test | {"accuracy": 0.1}})


def finish_all(workdir, settings, alphas=()):
    for stage in ("saliency", "classifier"):
        finish(workdir / stage, settings, stage)
    for alpha in alphas:
        folder = workdir / "sweep" / f"alpha_{alpha:g}" / "joint"
        finish(folder, dataclasses.replace(settings, alpha=alpha), accuracy=alpha / 2)


def test_table_of_finished_values_is_csv_and_json_by_rising_alpha(settings, tmp_path, capsys):
    finish_all(tmp_path, settings, (0.05, 0.0, 1.0))
    rows = training.sweep_alpha(settings, (1.0, 0.0, 0.05), tmp_path)
    assert [row["alpha"] for row in rows] == [0.0, 0.05, 1.0]
    with (tmp_path / "sweep" / "alpha.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == [
        *("alpha", "accuracy", "mean_class_accuracy", "mse", "cc", "nss", "images"),
        *("kept_epoch", "folder"),
    ]
    assert [row["folder"] for row in read] == [
        f"sweep/alpha_{name}/joint" for name in ("0", "0.05", "1")
    ]
    assert [float(row["accuracy"]) for row in read] == [0.0, 0.025, 0.5] and read[0]["cc"] == ""
    table = json.loads((tmp_path / "sweep" / "alpha.json").read_text())
    assert table["rows"] == rows and table["rows"][0]["cc"] is None
    assert table["before_joint"]["accuracy"] == 0.1 and table["before_joint"]["alpha"] is None
    assert (table["dataset"], table["split"]) == ("dotted_noise/1.0.0", "test")
    assert (table["saliency_loss"], table["seed"]) == ("mse", 0)
    assert "| 0.05 | 6 | 0.025 | 0.250 |  | 1.500 | 0.125 |" in capsys.readouterr().out


def test_joint_stage_of_the_run_itself_is_taken_as_it_is(settings, tmp_path):
    finish_all(tmp_path, settings, (0.0,))
    finish(tmp_path / "joint", dataclasses.replace(settings, alpha=0.2), accuracy=0.75)
    rows = training.sweep_alpha(settings, (0.0, 0.2), tmp_path)
    assert [row["folder"] for row in rows] == ["sweep/alpha_0/joint", "joint"]
    assert rows[1]["accuracy"] == 0.75


def test_value_of_another_configuration_is_refused(settings, tmp_path):
    finish_all(tmp_path, settings, (0.0,))
    with pytest.raises(ValueError, match=r"alpha_0/joint belongs.*\n  seed: 0 there, 5 asked for"):
        finish_all(tmp_path, dataclasses.replace(settings, seed=5))
        training.sweep_alpha(dataclasses.replace(settings, seed=5), (0.0,), tmp_path)


@pytest.mark.parametrize(
    ("alphas", "named"),
    [((), "each once"), ((0.1, 0.1), "each once"), ((-1.0,), "-1.0"), ((float("nan"),), "nan")],
)
def test_values_that_cannot_be_meant_are_refused(settings, tmp_path, alphas, named):
    with pytest.raises(ValueError, match=named):
        training.sweep_alpha(settings, alphas, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_interrupted_sweep_keeps_what_it_has_and_goes_on(
    settings, tiny_data_dir, tmp_path, monkeypatch
):
    run, trained = stages._make, []

    def stopped_at_the_second(one, *rest):
        if one.config.alpha == 0.5 and one.name == "joint":
            raise loop.Interrupted("here")
        run(one, *rest)

    def counted(one, *rest):
        trained.append(one.folder.relative_to(tmp_path).as_posix())
        run(one, *rest)

    monkeypatch.setattr(stages, "_make", stopped_at_the_second)
    with pytest.raises(loop.Interrupted):
        training.sweep_alpha(settings, (0.0, 0.5), tmp_path, tiny_data_dir)
    kept = json.loads((tmp_path / f"{sweeps.TABLE}.json").read_text())
    assert [row["alpha"] for row in kept["rows"]] == [0.0]
    monkeypatch.setattr(stages, "_make", counted)
    rows = training.sweep_alpha(settings, (0.0, 0.5), tmp_path, tiny_data_dir)
    assert trained == ["sweep/alpha_0.5/joint"]
    assert kept["rows"][0] == rows[0]
    for alpha, row in zip((0.0, 0.5), rows, strict=True):
        folder = tmp_path / row["folder"]
        assert json.loads((folder / "config.json").read_text())["alpha"] == alpha
        test = json.loads((folder / "metrics.json").read_text())["test"]
        assert {key: row[key] for key in test} == test
