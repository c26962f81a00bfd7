"""What is refused before anything is rendered, downloaded, built or trained."""

import dataclasses

import pytest
import tensorflow as tf

from salclass_tf import config, training
from salclass_tf.data import sets
from salclass_tf.data.set_record import SetRecord
from salclass_tf.devices import Placement
from salclass_tf.runs.files import write_json
from salclass_tf.training import plan
from salclass_tf.training.folder_state import State

ONE = Placement(tf.distribute.get_strategy(), "as it is")


@pytest.fixture
def nothing_is_made(monkeypatch):
    """Fails where a set is prepared."""

    def refuse(*given):
        raise AssertionError("a data set was prepared")

    monkeypatch.setattr(sets, "prepare", refuse)


def test_order_is_what_each_stage_needs():
    assert plan.order(config.build_config("paper"), "joint") == list(config.STAGES)
    assert plan.order(config.build_config("demo"), "joint") == [
        *("saliency_pretrain", "saliency", "classifier_rgb", "classifier_rgb_longer"),
        *("classifier", "joint"),
    ]


def test_bad_own_folder_is_named_before_the_demos_pictures_are_rendered(tmp_path, nothing_is_made):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "notes.txt").write_text("no image, no gaze")
    run = config.build_config("demo", "gaze_folder", "saliency")
    with pytest.raises(ValueError, match=r"gaze_folder.*bad"):
        training.run(run, "saliency", tmp_path / "run", str(tmp_path / "sets"), str(bad))
    assert not (tmp_path / "run").exists() and not (tmp_path / "sets").exists()


def test_set_without_classes_is_refused_before_it_is_downloaded(tmp_path, nothing_is_made):
    run = config.build_config("demo", "mit1003", "joint")
    with pytest.raises(ValueError, match="needs classes; data set mit1003 has none"):
        plan.plan(run, "joint", tmp_path, ONE, str(tmp_path / "sets"))


def test_missing_weights_are_named_before_data_are_made(tmp_path, nothing_is_made):
    run = config.build_config("demo").override("joint", {"detector_weights": "no_such.h5"}, {})
    with pytest.raises((ValueError, OSError), match=r"no_such\.h5"):
        plan.plan(run, "joint", tmp_path, ONE, str(tmp_path / "sets"))


def test_folder_of_ones_own_is_read_once_for_all_stages(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(sets, "peek", lambda name, *places: read.append(name) or SetRecord())
    run = config.build_config("demo", "gaze_folder")
    jobs = [plan.job(run, name, tmp_path, False) for name in plan.order(run, "joint")]
    plan.check_same_data(jobs, str(tmp_path), str(tmp_path))
    assert read == ["gaze_critters/free_viewing", "gaze_folder"]


def test_sets_that_are_there_come_first_and_rendered_ones_last(tiny_data_dir, tmp_path):
    run = config.build_config("demo", "dotted_noise").override("saliency", {}, {"batch_size": 4})
    planned = plan.plan(run, "saliency", tmp_path, ONE, tiny_data_dir)
    assert list(planned.found) == ["dotted_noise", "gaze_critters/free_viewing"]
    assert [one.name for one in planned.todo] == ["saliency_pretrain", "saliency"]
    assert planned.data_known == {"saliency"}


def test_pretraining_on_a_set_of_ones_own_is_taken_by_the_stages_after_it(tmp_path):
    asked = config.build_config("demo", "osei_of_mine", "saliency_pretrain")
    folder = tmp_path / "saliency_pretrain"
    write_json(folder / "config.json", asked.for_stage("saliency_pretrain"))
    write_json(folder / "metrics.json", {"dataset": "osei_of_mine/1.0.0"})
    after = plan.job(config.build_config("demo"), "saliency_pretrain", tmp_path, asked_for=False)
    assert after.state() is State.DONE and after.has_other_data_by_choice
    plan.check_same_data([after], str(tmp_path), None)
    again = dataclasses.replace(after, asked_for=True)
    with pytest.raises(ValueError, match="stage.dataset: 'osei_of_mine' there"):
        again.state()
