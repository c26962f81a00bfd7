"""One run for each seed, from shared pretraining; evaluated as one method."""

import csv
import dataclasses

import pytest
from tiny_config import tiny_config

from salclass_tf import training
from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.tables import paper
from salclass_tf.runs.finished_stage import FinishedStage


@pytest.mark.slow
def test_seeds_share_pretraining_and_are_one_method(tiny_data_dir, tmp_path, capsys):
    tiny = tiny_config("dotted_noise", validation_share=0.25)
    tiny = dataclasses.replace(tiny, pretrain_classifier=True)
    results = training.train_seeds(tiny, "classifier_rgb", (3, 4), tmp_path, tiny_data_dir)
    assert "seeds" in capsys.readouterr().out
    folders = [tmp_path / "seeds" / f"seed_{seed}" for seed in (3, 4)]
    shared = FinishedStage(tmp_path / "classifier_pretrain")
    own = [FinishedStage(folder / "classifier_rgb") for folder in folders]
    assert shared.settings["seed"] == 0 and [one.settings["seed"] for one in own] == [3, 4]
    for folder in folders:
        copied = FinishedStage(folder / "classifier_pretrain")
        assert copied.fingerprint == shared.fingerprint
    assert own[0].weights_identity != own[1].weights_identity
    assert list(results[4]) == ["classifier_pretrain", "classifier_rgb"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.keras")}
    training.train_seeds(tiny, "classifier_rgb", (3, 4), tmp_path, tiny_data_dir)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.keras")} == before

    methods = find.find(f"all={tmp_path / 'seeds'}")
    assert methods[0].name == "all: vgg16, 3 channels, seed 3"
    assert methods[0].family == methods[1].family == "all: vgg16, 3 channels"
    output = tmp_path / "tables"
    settings = paper.Settings(
        (str(tmp_path / "seeds"),), tables=(5,), output=output, data_dir=tiny_data_dir
    )
    report = paper.run(settings)
    assert "## Over seeds and images" in report
    (line,) = (
        line
        for line in csv.DictReader((output / "families.csv").open())
        if line["method"] == "vgg16, 3 channels"
    )
    tests = [one.metrics["test"]["accuracy"] for one in own]
    assert float(line["mean"]) == pytest.approx(sum(tests) / 2) and line["seeds"] == "2"
