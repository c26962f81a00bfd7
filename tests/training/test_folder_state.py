"""What a folder holds against what was asked for: done, another's, or the beginning of more."""

import dataclasses
import json

import pytest

from salclass_tf import config
from salclass_tf.runs.files import write_json
from salclass_tf.training import folder_state
from salclass_tf.training.folder_state import State


@pytest.fixture
def run():
    """The demo, its stage `saliency` with four epochs and a patience of ten."""
    return config.build_config("demo")


def write(folder, run, finished=True, checkpoint=True, epochs=4, steps=40):
    """Writes what training leaves in a folder."""
    write_json(folder / "config.json", run.for_stage("saliency"))
    if finished:
        write_json(folder / "metrics.json", {"epochs": epochs, "steps": steps})
    if checkpoint:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / f"ckpt-{steps}.index").touch()


def look(run, folder, asked_for=True, **numbers):
    changed = run.override("saliency", {}, numbers)
    return folder_state.look(changed, "saliency", folder, asked_for)


def test_same_settings_are_done_or_to_do(run, tmp_path):
    assert look(run, tmp_path) is State.TO_DO
    write(tmp_path, run, finished=False)
    assert look(run, tmp_path) is State.TO_DO
    write_json(tmp_path / "metrics.json", {})
    assert look(run, tmp_path) is State.DONE


@pytest.mark.parametrize("finished", [True, False])
def test_more_epochs_go_on_and_fewer_are_another_run(run, tmp_path, finished):
    write(tmp_path, run, finished)
    assert look(run, tmp_path, epochs=6) is State.GOES_ON
    assert look(run, tmp_path, epochs=6, patience=20) is State.GOES_ON
    with pytest.raises(ValueError, match=r"stage\.epochs: 4 there, 3 asked for"):
        look(run, tmp_path, epochs=3)
    with pytest.raises(ValueError, match="batch_size: 16 there, 8 asked for"):
        look(run, tmp_path, epochs=6, batch_size=8)


def test_fixed_views_are_another_training_and_where_features_are_kept_is_not(run, tmp_path):
    write(tmp_path, run, finished=False)
    file = tmp_path / "config.json"
    settings = json.loads(file.read_text())
    assert not settings["stage"].pop("fixed_views")  # folders of older builds do not have it
    write_json(file, settings)
    assert look(run, tmp_path) is State.TO_DO
    with pytest.raises(ValueError, match=r"stage\.fixed_views: False there, True asked for"):
        folder_state.look(
            run.override("saliency", {}, {}, fixed_views=True), "saliency", tmp_path, True
        )
    fixed = run.override("saliency", {"cache_features": "disk"}, {})
    write_json(file, fixed.for_stage("saliency"))
    for place in ("memory", "none"):
        asked = run.override("saliency", {"cache_features": place}, {}, fixed_views=True)
        assert folder_state.look(asked, "saliency", tmp_path, True) is State.TO_DO


def test_a_stage_that_is_only_needed_does_not_go_on(run, tmp_path):
    write(tmp_path, run)
    assert look(run, tmp_path, asked_for=False, epochs=6) is State.DONE


def test_rate_that_falls_until_the_last_epoch_cannot_go_on(run, tmp_path):
    stage = run.stages["saliency"]
    optimizer = dataclasses.replace(stage.optimizer, steps=(), final_learning_rate=1e-5)
    stage = dataclasses.replace(stage, optimizer=optimizer)
    linear = dataclasses.replace(run, stages=run.stages | {"saliency": stage})
    write(tmp_path, linear)
    with pytest.raises(ValueError, match="cannot go on: its rate or momentum .* 6 epochs"):
        look(linear, tmp_path, epochs=6)
    assert look(linear, tmp_path, patience=12) is State.GOES_ON


def test_what_cannot_go_on_is_said(run, tmp_path):
    gone, short, stale = (tmp_path / name for name in ("gone", "short", "stale"))
    write(gone, run, checkpoint=False)
    with pytest.raises(ValueError, match="its checkpoints are gone"):
        look(run, gone, epochs=6)
    tried = dataclasses.replace(run, max_steps=40)
    write(short, tried)
    with pytest.raises(ValueError, match="ended after the 40 steps"):
        look(tried, short, epochs=6)
    write(stale, run, epochs=3)
    with pytest.raises(ValueError, match="ended after 3 of 4 epochs.*--patience"):
        look(run, stale, epochs=6)
    assert look(run, stale, epochs=6, patience=30) is State.GOES_ON


def test_folder_from_before_a_number_existed_is_the_same_run(run, tmp_path):
    write(tmp_path, run)
    known = json.loads((tmp_path / "config.json").read_text())
    for name in ("iterations", "saliency_loss", "frozen", "crop_around", "attention_loss"):
        del known["stage"][name]
    del known["stage"]["optimizer"]["bias_multiplier"]
    (tmp_path / "config.json").write_text(json.dumps(known))
    assert look(run, tmp_path) is State.DONE
    assert folder_state.differences(run, "saliency", tmp_path) == []


def test_steps_of_the_rate_that_no_epoch_reached_do_not_matter(run, tmp_path):
    stage = run.stages["saliency"]
    constant = dataclasses.replace(stage.optimizer, learning_rate=7e-4, steps=())
    without = dataclasses.replace(stage, optimizer=constant, epochs=3)
    write(tmp_path, dataclasses.replace(run, stages=run.stages | {"saliency": without}), epochs=3)
    assert look(run, tmp_path, epochs=3) is State.DONE  # the second step is that of epoch 3
    assert look(run, tmp_path, epochs=4) is State.GOES_ON
    with pytest.raises(ValueError, match="learning_rate: 0.0007 there, 0.0001 asked for"):
        look(run, tmp_path, epochs=3, learning_rate=1e-4)
