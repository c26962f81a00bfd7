"""One run for each seed, from shared pretraining; evaluated as one method."""

import csv
import dataclasses

import pytest
import tensorflow as tf
from tiny_config import tiny_config

from salclass_tf import training
from salclass_tf.devices import Placement
from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.tables import paper
from salclass_tf.runs.files import write_json
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import plan, stages


@pytest.mark.slow
def test_seeds_share_pretraining_and_are_one_method(tiny_data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stages.report, "draw", lambda *drawn: [])
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
    lines = {
        (line["method"], line["metric"]): line
        for line in csv.DictReader((output / "families.csv").open())
    }
    for metric in ("accuracy", "mean_class_accuracy"):
        tests = [one.metrics["test"][metric] for one in own]
        line = lines["vgg16, 3 channels", metric]
        assert float(line["mean"]) == pytest.approx(sum(tests) / 2) and line["seeds"] == "2"

    stage = f"OURS={tmp_path / 'seeds' / 'classifier_rgb'}"
    again = paper.evaluate(dataclasses.replace(settings, models=(stage,)))
    assert [(method.name, method.family) for method, _ in again.classes] == [
        *(("OURS, seed 3", "OURS"), ("OURS, seed 4", "OURS"))
    ]
    tests = [one.metrics["test"]["accuracy"] for one in own]
    assert [row.scores().values["accuracy"].mean() for _, row in again.classes] == tests


@pytest.fixture
def settled(monkeypatch):
    """Stages that are carried out, in place of their training."""
    placement = Placement(tf.distribute.get_strategy(), "as it is")
    monkeypatch.setattr(stages, "settle", lambda config, execution: (placement, config))
    done = []
    monkeypatch.setattr(stages, "carry_out", lambda planned, *given: done.append(planned))
    return done


def test_what_is_wrong_with_the_last_seed_is_said_before_the_first_is_trained(
    settled, monkeypatch, tmp_path
):
    def refuse(config, stage, folder, *given):
        if config.seed == 5:
            raise ValueError(f"{folder} belongs to another configuration")
        return plan.Plan((), (), {}, frozenset(), frozenset())

    monkeypatch.setattr(plan, "plan", refuse)
    with pytest.raises(ValueError, match="seed_5 belongs to another"):
        training.train_seeds(tiny_config("dotted_noise"), "saliency", (3, 5), tmp_path)
    assert settled == []


def test_maps_and_missing_gaze_of_each_seed_are_told(settled, monkeypatch, tmp_path, capsys):
    def finished(config, stage, folder, *given):
        test = dict.fromkeys(("accuracy", "mean_class_accuracy", "cc", "nss", "mse"), 0.5)
        uses = {"own map": config.seed / 8, "no map": 0.25}
        gaze = {"train": {"images": 10, "without_gaze": 9}}
        write_json(folder / stage / "metrics.json", {"test": test, "map_use": uses, "gaze": gaze})
        jobs = (plan.job(config, stage, folder, True),)
        return plan.Plan(jobs, (), {}, frozenset(), frozenset())

    monkeypatch.setattr(plan, "plan", finished)
    training.train_seeds(tiny_config("dotted_noise"), "classifier", (3, 5), tmp_path)
    told = capsys.readouterr().out
    for seed, accuracy in ((3, "0.375"), (5, "0.625")):
        part = told.partition(f"seed {seed}:\n")[2].partition("seed ")[0]
        assert f"| classifier, RGB + true map | {accuracy} | 0.250 |" in part
        assert "classifier: 9 of the 10 images of part train have no gaze" in part
