"""Reports say by which images the epoch of a network was chosen."""

import json
import types

import finished_stages
import pytest

from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables.report import Report


def written(tmp_path, chosen_on, split, trained_on="dots"):
    report = Report(tmp_path)
    method = Method("ours", "", "", trained_on=trained_on, chosen_on=chosen_on)
    report.add_choices([(method, types.SimpleNamespace(name="dots", split=split))] * 2)
    report.write()
    return (tmp_path / "report.md").read_text()


def test_what_was_held_back_is_named_once(tmp_path):
    text = written(tmp_path, "train[450:]", "test")
    assert text.count("- ours: train[450:] of dots, held back from training\n") == 1
    assert "chosen" not in written(tmp_path, None, "test")


@pytest.mark.parametrize(
    ("chosen_on", "split", "trained_on", "flattered"),
    [
        ("validation", "validation", "dots", True),
        ("validation", "validation[:5]", "dots", True),
        ("train[450:]", "train[:10]", "dots", True),
        ("validation", "test", "dots", False),
        ("validation", "validation", "others", False),
    ],
)
def test_scores_on_images_that_chose_the_network_are_marked(
    chosen_on, split, trained_on, flattered, tmp_path
):
    text = written(tmp_path, chosen_on, split, trained_on)
    assert (f"**scored on {split} of the same set**" in text) == flattered


def test_stages_tell_what_chose_their_epoch(tmp_path):
    finished_stages.write_stage(tmp_path, "saliency")
    path = tmp_path / "saliency" / "metrics.json"
    written = json.loads(path.read_text())
    for facts, chosen_on in (
        ({"validation_split": "train[9:]"}, "train[9:]"),
        ({"validation_split": None, "split": "validation"}, None),
        ({"split": "validation"}, "validation"),  # a run of before: it chose where it was tested
        ({"split": "test"}, None),
    ):
        path.write_text(json.dumps(written | facts))
        [method] = runs.from_stage(tmp_path / "saliency")
        assert method.chosen_on == chosen_on
