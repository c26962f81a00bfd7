"""Joint training under each height of the map: what is trained, shared and compared."""

import json

import numpy as np
import pytest

from benchmarks import map_scales, several_seeds
from salclass_tf import training
from salclass_tf.runs import stage_copies
from salclass_tf.runs.finished_stage import FinishedStage


def test_ways_differ_in_how_joint_reads_the_map_alone():
    given = map_scales._parse(["--epochs=3", "--dataset=gaze_critters/attended"])
    runs = map_scales.configs(given)
    first = runs["none"]
    assert first.stages["classifier"].epochs == first.stages["classifier_rgb"].epochs == 3
    for way, run in runs.items():
        assert (run.map_scale, run.fit_map_normalization) == map_scales.WAYS[way]
        for stage in ("saliency", "classifier", "classifier_rgb_longer"):
            assert run.for_stage(stage) == first.for_stage(stage)
        assert (run.for_stage("joint") == first.for_stage("joint")) == (way == "none")


def test_stages_before_joint_are_those_of_the_first_way(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(
        training, "train_seeds", lambda run, stage, seeds, at, data: done.append((stage, seeds, at))
    )
    monkeypatch.setattr(stage_copies, "copy_stage", lambda a, b: done.append((a, b)))
    given = map_scales._parse([f"--workdir={tmp_path}"])
    map_scales._train(given, map_scales.configs(given), (0, 4))
    trained = [number for number, one in enumerate(done) if len(one) == 3]
    assert [done[n] for n in trained] == [
        ("joint", (0, 4), tmp_path / way) for way in map_scales.WAYS
    ]
    copied = {(a.relative_to(tmp_path), b.relative_to(tmp_path)) for a, b in done[1 : trained[1]]}
    assert {str(b) for _, b in copied} == {
        "none_fitted/saliency_pretrain",
        *(
            f"none_fitted/seeds/seed_{seed}/{stage}"
            for seed in (0, 4)
            for stage in (
                *("saliency_pretrain", "saliency", "classifier_rgb", "classifier_rgb_longer"),
                "classifier",
            )
        ),
    }
    assert all(a.parts == ("none", *b.parts[1:]) for a, b in copied)


def test_every_way_stands_beside_the_map_as_it_is(tmp_path, monkeypatch):
    """Networks that name one picture more right by each way and seed."""
    asked = []

    class Trained:
        def __init__(self, folder, data_dir, stage):
            self.folder = folder
            (folder / stage).mkdir(parents=True)
            way, seed = folder.parts[-3], int(folder.name[-1])
            self.right = 3 + list(map_scales.WAYS).index(way) + seed
            scores = {"cc": 0.5, "nss": None if way == "peak" else 2.0, "mse": 0.02 * (seed + 1)}
            (folder / stage / "metrics.json").write_text(json.dumps({"test": scores}))

        def central_batches(self, part):
            asked.append(part)
            return self.right

    monkeypatch.setattr(several_seeds, "Trained", Trained)
    monkeypatch.setattr(several_seeds, "right", lambda answer, count: np.arange(10) < count)
    monkeypatch.setattr(FinishedStage, "read_network", lambda self: None)
    given = map_scales._parse([f"--workdir={tmp_path}"])
    first, second = map_scales._compared(given, (0, 1)).split("\n\n")
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in first.splitlines()[2:]}
    assert [float(cells[1]) for cells in rows.values()] == pytest.approx(
        [0.35, 0.45, 0.55, 0.65, 0.75]
    )
    assert rows["peak"][3].startswith("+0.200 [") and rows["none"][3].strip() == ""
    assert "| none | 0.500 | 2.000 | 0.030 |" in second and "| peak | 0.500 |  | 0.030 |" in second
    assert set(asked) == {"validation", "test"}
