"""Tables and reports hold what was asked for, and nothing of other sets."""

import json
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from salclass_tf.data import sets
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import find, lineup
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.evaluation.tables.paper import Settings
from salclass_tf.evaluation.tables.report import Report


def maps_on(title):
    """A row of Table 4."""
    values = {"nss": np.array([1.0, 2.0])}
    labels = {"data set": title, "method": "ours", "model": "x"}
    reasons = {name: {} for name in values}
    return Scores(labels, ("a", "b"), np.array([1, 1]), values, reasons, {}, 0)


def classes_on(title):
    """A row of Table 5."""
    labels = {"data set": title, "method": "ours", "model": "x"}
    return Guesses.of_probabilities(labels, ("a", "b"), np.array([0, 1]), np.eye(2), ("c", "d"))


def written(folder, scores=(), guesses=()):
    """The report on some rows, and the JSON file of each table."""
    report = Report(folder)
    report.add_maps([(Method("ours", "x", "f"), row) for row in scores], "whole")
    report.add_classes(5, [(Method("ours", "x", "f"), row) for row in guesses])
    text, paths = report.write()
    return text, {path.stem: json.loads(path.read_text()) for path in paths if "json" in path.name}


def test_published_rows_are_those_of_the_evaluated_sets(tmp_path):
    text, files = written(tmp_path, [maps_on("osie/1.0.0 test")], [classes_on("osie/1.0.0 test")])
    assert "ublished" not in text
    assert files["table4"]["published"] == files["table5"]["published"] == []
    poet, saldogs = maps_on("poet/1.0.0 test"), classes_on("saldogs/1.0.0 test")
    text, files = written(tmp_path, [poet], [saldogs])
    assert "| POET | SalClassNet | published, Table 4 | 0.715 | 1.908 | 0.387 |" in text
    assert {row["dataset"] for row in files["table4"]["published"]} == {"POET"}
    assert "| SalDogs-test | SalClassNet | published, Table 5 | 0.705 |" in text
    assert text.count("published, Table") == 6 + 6
    report = Report(tmp_path)
    birds = classes_on("caltech_birds2011/1.0.0 test")
    report.add_classes(6, [(Method("ours", "x", "f"), birds)])
    text = report.write()[0]
    assert "| CUB-200-2011 | SalClassNet | published, Table 6 | 0.632 |" in text
    assert "Oxford Flower" not in text


def test_table_without_a_row_is_not_printed(tmp_path):
    text, files = written(tmp_path, [maps_on("osie/1.0.0 test")])
    assert "Table 4" in text and "Table 5" not in text
    assert set(files) == {"table4"} and not (tmp_path / "table5.csv").exists()


def test_nothing_to_show_is_an_error(tmp_path, monkeypatch):
    nothing = types.SimpleNamespace(maps=[], classes=[], transferred=[], failures=[], scored=[])
    nothing.map_uses = []
    nothing.notes = ["detector on osie: it has learned other classes"]
    monkeypatch.setattr(paper, "evaluate", lambda settings: nothing)
    with pytest.raises(ValueError, match="belongs into Table 5\n  detector on osie: it has"):
        paper.run(Settings(("runs/demo",), tables=(5,), output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_sets_of_a_run_are_those_of_its_last_stage(tiny_data_dir, monkeypatch):
    """Pretraining of an own study is on rendered pictures, which nobody asked for."""
    detector = Method("detector", "x", "1", trained_on="dotted_noise")
    before = Method("detector, pretrained", "x", "2", trained_on="dotted_maps")
    found = {"run": [detector, before], "run/saliency_pretrain": [before]}
    monkeypatch.setattr(find, "find", lambda text, *_: found[text])
    opened = lineup.open_all(["run"], data_dir=tiny_data_dir)
    assert [one.name for one, _ in opened.sets] == ["dotted_noise"]
    assert opened.methods == (detector, before)
    # Named by itself it was asked for.
    opened = lineup.open_all(["run", "run/saliency_pretrain"], data_dir=tiny_data_dir)
    assert [one.name for one, _ in opened.sets] == ["dotted_noise", "dotted_maps"]


def test_study_is_called_by_its_folder(tmp_path):
    folder = tmp_path / "birds_in_zoos"
    for kind in ("images", "heatmaps"):
        (folder / kind).mkdir(parents=True)
    for name in "abcd":
        Image.new("RGB", (12, 10), (90, 90, 90)).save(folder / "images" / f"{name}.png")
        grey = np.zeros((10, 12), np.uint8)
        grey[4:7, 5:9] = np.arange(100, 220, 10).reshape(3, 4)
        Image.fromarray(grey).save(folder / "heatmaps" / f"{name}.png")
    builder = tfds.builder("gaze_folder", data_dir=str(tmp_path / "sets"))
    config = tfds.download.DownloadConfig(manual_dir=str(folder))
    builder.download_and_prepare(download_config=config)
    assert sets.GazeSet("gaze_folder", builder).title == "birds_in_zoos (gaze_folder/1.0.0)"
