"""A stage that would learn from black maps is refused, or says so in the log and in its report."""

import pytest
from dotted_sets import SeldomSeen
from tiny_config import tiny_config

from salclass_tf import training
from salclass_tf.data import sets
from salclass_tf.training import checks, gaze_check, report


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Where two sets are prepared."""
    folder = str(tmp_path_factory.mktemp("data"))
    for name in ("none", "half"):
        SeldomSeen(config=name, data_dir=folder).download_and_prepare()
    return folder


def test_run_without_gaze_is_refused_before_anything_is_written(data_dir, tmp_path):
    with pytest.raises(ValueError, match="has no gaze to learn from: in seldom.*, 11 of the 11 "):
        training.run(tiny_config("seldom_seen/none"), "saliency", tmp_path / "run", data_dir)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("numbers", [{"attention_loss": 0.5}, {"crop_around": "gaze"}])
def test_classifier_of_rgb_that_learns_from_gaze_needs_some(numbers, data_dir, tiny_data_dir):
    asked = tiny_config("seldom_seen/none").override("classifier_rgb", {}, numbers)
    opened = sets.open_set("seldom_seen/none", data_dir)
    with pytest.raises(ValueError, match="classifier_rgb has no gaze to learn from"):
        gaze_check.check(asked, "classifier_rgb", opened)
    plain = sets.open_set("dotted_noise", tiny_data_dir)
    plain.builder.info.metadata["sigma_px"] = 0.0
    with pytest.raises(ValueError, match="dotted_noise has none: leave out attention_loss and"):
        checks.check_set(asked, "classifier_rgb", plain)
    checks.check_set(tiny_config("dotted_noise"), "classifier_rgb", plain)


def test_epoch_cannot_be_chosen_on_black_maps(data_dir, monkeypatch):
    opened = sets.open_set("seldom_seen/half", data_dir)
    splits = {"train": "train", "validation": "test", "test": None}
    monkeypatch.setattr(sets.GazeSet, "split", lambda self, part, share: splits[part])
    with pytest.raises(ValueError, match="choose an epoch by: .*6 of the 6 images of part valid"):
        gaze_check.check(tiny_config("seldom_seen/half"), "saliency", opened)


def test_many_images_without_gaze_are_told_in_the_log_and_in_the_report(data_dir, caplog):
    config = tiny_config("seldom_seen/half", validation_share=0.25)
    opened = sets.open_set("seldom_seen/half", data_dir)
    opened.builder.info.metadata.update(dropped_off_image=77, folder="/my/study")
    gaze_check.check(config, "saliency", opened)
    found = gaze_check.facts(config, "saliency", opened)
    images = {part: count["images"] for part, count in found.items()}
    assert images == {"train": 9, "validation": 3, "test": 6}
    # TFDS shuffles the records: which of them are the last is its choice.
    assert found["train"]["without_gaze"] + found["validation"]["without_gaze"] == 6
    told = "6 of the 6 images of part test have no gaze"
    assert told in caplog.text and "77 fixations lie beside" in caplog.text
    assert "salclass gaze check /my/study" in caplog.text
    assert f"saliency: {told}" in report.gaze_notes({"saliency": {"gaze": found}, "joint": {}})


def test_stage_without_maps_needs_no_gaze(data_dir, tiny_data_dir, caplog):
    none = sets.open_set("seldom_seen/none", data_dir)
    gaze_check.check(tiny_config("seldom_seen/none"), "classifier_rgb", none)
    assert gaze_check.facts(tiny_config("seldom_seen/none"), "classifier_rgb", none) == {}
    gaze_check.check(
        tiny_config("dotted_noise"), "saliency", sets.open_set("dotted_noise", tiny_data_dir)
    )
    assert not caplog.records
