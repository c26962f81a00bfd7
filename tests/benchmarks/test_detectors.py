"""The table of all detectors: what is trained, what is kept, what stands in it."""

import csv
import json
import os
import re

import pytest

from benchmarks import detectors
from salclass_tf.config import recipes
from salclass_tf.detectors import list_detectors
from tfds_builders.gaze_critters import gaze_critters_dataset_builder as critters


def _configs(*flags):
    return detectors._chosen(detectors._parse(list(flags)))


def test_every_detector_has_the_recipe_of_the_set_and_the_numbers_asked_for():
    configs = _configs("--epochs=2", "--width=0.5")
    assert list(configs) == list_detectors()
    for name, chosen in configs.items():
        [stage] = chosen.stages.values()
        assert (chosen.detector, chosen.width, chosen.image_size) == (name, 0.5, 299)
        assert (stage.dataset, stage.epochs, stage.batch_size) == ("osie", 2, 8)
        assert stage.optimizer.name == "adam" and stage.saliency_loss == "mse"


def test_another_set_takes_the_place_of_the_presets_own():
    [chosen] = _configs("--dataset=mit1003", "--detectors=pdp").values()
    assert chosen.stages["saliency_pretrain"].dataset == "mit1003"


def test_published_losses_are_those_of_the_recipes():
    for name, chosen in _configs("--saliency_loss=published").items():
        loss = "mse" if name == "edn" else recipes.published(name).saliency_loss
        assert chosen.stages["saliency_pretrain"].saliency_loss == loss


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--detectors=vgg19,vgg11"], "detectors are some of deep_fix.*vgg19; got 'vgg11'"),
        (["--epochs=0"], "epochs of stage saliency_pretrain must be above 0; got 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_trained(flags, message, capsys):
    assert detectors.main(flags) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.match(f"error: {message}$", line)


@pytest.mark.slow  # three processes that import TensorFlow
def test_finished_detectors_are_kept_and_failed_ones_reported(tmp_path, capsys, monkeypatch):
    work = tmp_path / "work"
    for split, images in (("train", 24), ("test", 12)):
        monkeypatch.setitem(critters._FREE_VIEWING.images, split, images)
    builder = critters.Builder(config="free_viewing", data_dir=tmp_path / "sets")
    builder.download_and_prepare()
    flags = ["--dataset=gaze_critters/free_viewing", f"--data_dir={tmp_path / 'sets'}"]
    flags += ["--steps=1", "--image_size=20", "--width=0.02", f"--workdir={work}"]
    assert detectors.main([*flags, "--detectors=deep_gaze,junting"]) == 1
    said = capsys.readouterr()
    reason = "at least 23 pixels for detector deep_gaze; got 20"
    assert reason in said.err and reason in said.out
    table = json.loads((work / "detectors.json").read_text())
    *baselines, row = table["rows"]
    people, viewers, centre = (row["method"].partition(",")[0] for row in baselines)
    assert people == viewers == "human" and centre.startswith("centre bias")
    assert list(table["missing"]) == ["deep_gaze"]
    metrics = json.loads((work / "junting/saliency_pretrain/metrics.json").read_text())
    assert row["method"] == "junting" and row["images"] == metrics["test"]["images"] == 12
    for name in ("parameters", "peak_memory_gib", "epochs"):
        assert row[name] == metrics[name]
    # The stage scores maps in batches, by other code.
    assert row["cc"] == pytest.approx(metrics["test"]["cc"], abs=1e-3)
    assert row["nss"] == pytest.approx(metrics["test"]["nss"], abs=1e-3)
    assert 0 < row["shuffled_auc"] < 1 and 0 < row["auc_judd"] < 1 < row["images_per_second"]
    with (work / "detectors.csv").open(newline="") as file:
        assert [line["method"] for line in csv.DictReader(file)][-1] == "junting"
    text = (work / "detectors.md").read_text()
    assert f"| junting | mse | {row['parameters']:,} | {row['cc']:.3f} |" in text
    assert "| MIT300 | DeepFix | SALICON | published, Table 1 | 0.78 | 0.71 | 0.80 |" in text
    assert {line["method"] for line in table["published"]} >= {"eDN", "PDP", "JuntingNet"}

    kept = work / "junting/saliency_pretrain/model.keras"
    before = os.stat(kept).st_mtime_ns
    assert detectors.main([*flags, "--detectors=junting"]) == 0
    assert os.stat(kept).st_mtime_ns == before
    assert json.loads((work / "detectors.json").read_text())["rows"] == table["rows"]
