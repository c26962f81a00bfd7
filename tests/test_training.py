"""Stages, the loop and what a run leaves behind, on networks of a few hundred weights."""

import dataclasses
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config, training
from salclass_tf.training import history, loop

ADAM = config.Optimizer("adam", learning_rate=1e-3, weight_decay=((0, 0.0),))


@pytest.fixture
def tiny(tiny_data_dir, tmp_path):
    """A run of tiny networks; call it to train a stage."""
    stage = config.Stage(
        "dotted_noise", ADAM, epochs=2, batch_size=4, crops=1, validation_share=0.25
    )
    stages = dict.fromkeys(config.STAGES, stage)
    settings = config.Config(
        preset="demo",
        stages=stages,
        detector="vgg16",
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "pool"}},
        width=1 / 32,
        image_size=32,
        short_side=36,
        precision="float32",
    )

    def run(stage="saliency_pretrain", workdir=tmp_path, numbers=None, **changes):
        changed = dataclasses.replace(settings, **changes).override(stage, {}, numbers or {})
        return training.run(changed, stage, workdir, tiny_data_dir)

    return run


def weights(folder):
    return keras.models.load_model(folder / "model.keras", compile=False).get_weights()


@pytest.mark.slow
def test_joint_makes_what_it_needs_and_keeps_what_is_done(tiny, tmp_path, capsys):
    results = tiny("joint")
    made = ["saliency_pretrain", "saliency", "classifier_pretrain", "classifier_rgb", "classifier"]
    assert list(results) == [*made, "joint"]
    assert capsys.readouterr().out.count("SalClassNet, joint") == 1
    for name in ("config.json", "history.csv", "model.keras", "curves.png", "examples.png"):
        assert (tmp_path / "joint" / name).stat().st_size > 0
    test = results["joint"]["test"]
    assert test["images"] == 6 and 0 <= test["accuracy"] <= 1 and -1 <= test["cc"] <= 1
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/model.keras")}
    tiny("joint")
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/model.keras")} == before


def test_learning_shows_in_history_and_starts_from_the_stage_before(tiny, tmp_path):
    tiny("saliency", numbers={"epochs": 4})
    first, second = (
        history.read(tmp_path / name / "history.csv") for name in ("saliency_pretrain", "saliency")
    )
    assert len(first) == 2 and len(second) == 4
    assert second[-1]["loss"] < second[0]["loss"] < first[0]["loss"]
    assert second[0]["step"] == 4  # nine training images, crops and flips, batches of four


@pytest.mark.slow
def test_interrupted_run_ends_with_the_weights_of_an_undisturbed_one(tiny, tmp_path, monkeypatch):
    tiny(workdir=tmp_path / "whole")
    taken = loop.Loop._step

    def interrupted_step(self, batch):
        taken(self, batch)
        if self.position.step in (2, 5):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(loop.Loop, "_step", interrupted_step)
    for _ in range(2):
        with pytest.raises(loop.Interrupted, match="SIGTERM"):
            tiny(workdir=tmp_path / "broken")
    tiny(workdir=tmp_path / "broken")
    folders = [tmp_path / name / "saliency_pretrain" for name in ("whole", "broken")]
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = [history.read(folder / "history.csv") for folder in folders]
    for one, other in zip(*rows, strict=True):
        one.pop("images_per_second"), other.pop("images_per_second")
        assert one == other


@pytest.mark.slow
def test_torn_checkpoint_is_passed_over(tiny, tmp_path, monkeypatch):
    tiny(workdir=tmp_path / "whole")
    save = loop.Loop._save

    def stop_after_two(self):
        save(self)
        if self.position.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.Loop, "_save", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        tiny(workdir=tmp_path / "torn")
    monkeypatch.undo()
    folder = tmp_path / "torn" / "saliency_pretrain"
    newest = max((folder / "checkpoints").glob("*.data-*"), key=lambda p: p.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:100])
    tiny(workdir=tmp_path / "torn")
    for one, other in zip(weights(folder), weights(tmp_path / "whole" / folder.name), strict=True):
        np.testing.assert_array_equal(one, other)


def test_nan_stops_the_run_and_says_where(tiny, tmp_path):
    with pytest.raises(loop.Diverged, match=r"step \d+ of stage saliency_pretrain"):
        tiny(numbers={"learning_rate": 1e30})
    assert not (tmp_path / "saliency_pretrain" / "metrics.json").exists()


def test_folder_of_another_configuration_is_refused_line_by_line(tiny):
    tiny()
    with pytest.raises(ValueError, match=r"stage\.epochs: 2 there, 3 asked for"):
        tiny(numbers={"epochs": 3})


@pytest.mark.slow
def test_same_seed_same_numbers_and_another_seed_others(tiny, tmp_path):
    results = [
        tiny(workdir=tmp_path / str(i), seed=seed)["saliency_pretrain"]["test"]
        for i, seed in enumerate((0, 0, 1))
    ]
    assert results[0] == results[1] != results[2]


def test_detector_learns_from_a_set_that_ships_maps(tiny, tmp_path):
    stage = config.Stage("dotted_maps", ADAM, epochs=1, batch_size=4, crops=1)
    tiny("saliency_pretrain", stages={"saliency_pretrain": stage})
    scores = json.loads((tmp_path / "saliency_pretrain/metrics.json").read_text())
    assert scores["test"]["images"] == 6 and scores["test"]["nss"] is None  # there are no points
    assert scores["centre_bias"]["cc"] > 0 and -1 < scores["test"]["cc"] < 1


@pytest.fixture
def with_loss(tiny):
    """Call it to train `saliency_pretrain` for a step with another saliency loss."""

    def run(loss, dataset="dotted_noise"):
        stage = config.Stage(dataset, ADAM, 1, 4, crops=1, saliency_loss=loss)
        return tiny("saliency_pretrain", stages={"saliency_pretrain": stage}, max_steps=1)

    return run


def test_loss_at_fixations_trains_validates_and_names_its_folder(with_loss, tmp_path):
    with_loss("nss")
    [row] = history.read(tmp_path / "saliency_pretrain" / "history.csv")
    assert {"saliency_loss", "mse", "cc", "val_saliency_loss", "val_mse", "val_cc"} <= set(row)
    assert row["mse"] != row["saliency_loss"] and np.isfinite(row["val_saliency_loss"])
    with pytest.raises(ValueError, match=r"stage\.saliency_loss: 'nss' there, 'mse' asked for"):
        with_loss("mse")


def test_loss_at_fixations_refuses_a_set_of_maps_and_names_those_that_work(with_loss, tmp_path):
    with pytest.raises(ValueError, match="dotted_maps ships maps.*bhattacharyya, cc, chi_squared"):
        with_loss("log_likelihood", "dotted_maps")
    with pytest.raises(ValueError, match="'emd'; choose one of bhattacharyya"):
        with_loss("emd")
    assert not list(tmp_path.glob("*/config.json"))


def test_folder_from_before_there_were_losses_is_the_same_run(tiny, tmp_path):
    tiny(max_steps=1)
    folder = tmp_path / "saliency_pretrain"
    known = json.loads((folder / "config.json").read_text())
    for name in ("saliency_loss", "iterations"):
        del known["stage"][name]
    for name in ("staircase", "final_learning_rate", "final_momentum", "nesterov"):
        del known["stage"]["optimizer"][name]
    del known["stage"]["optimizer"]["bias_multiplier"]
    (folder / "config.json").write_text(json.dumps(known))
    made = (folder / "model.keras").stat().st_mtime_ns
    tiny(max_steps=1)
    assert (folder / "model.keras").stat().st_mtime_ns == made
    with pytest.raises(ValueError, match="learning_rate: 0.001 there, 0.5 asked for"):
        tiny(max_steps=1, numbers={"learning_rate": 0.5})


def test_iterations_of_a_recipe_end_a_stage(tiny):
    stage = config.Stage("dotted_noise", ADAM, 9, 4, crops=1, iterations=2)
    made = tiny("saliency_pretrain", stages={"saliency_pretrain": stage})
    assert made["saliency_pretrain"]["steps"] == 2


def test_batch_larger_than_the_set_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="batch"):
        tiny(numbers={"batch_size": 64})


def test_stage_with_classes_refuses_a_set_without(tiny, tiny_data_dir, monkeypatch):
    from salclass_tf import sources

    monkeypatch.setattr(sources.GazeSet, "class_names", ())
    with pytest.raises(ValueError, match="needs classes"):
        tiny("classifier_pretrain")


def test_steps_stop_a_stage(tiny):
    assert tiny(max_steps=1)["saliency_pretrain"]["steps"] == 1


def test_saved_settings_are_what_decides_the_stage(tiny, tmp_path):
    tiny()
    saved = json.loads((tmp_path / "saliency_pretrain" / "config.json").read_text())
    assert saved["seed"] == 0 and saved["stage"]["optimizer"]["learning_rate"] == 1e-3
    assert "alpha" not in saved  # it decides nothing before the joint stage


def test_precision_that_was_asked_for_is_what_trains(tiny, tmp_path):
    tiny(precision="mixed_bfloat16", max_steps=1)
    kept = keras.models.load_model(tmp_path / "saliency_pretrain" / "model.keras", compile=False)
    assert kept.get_layer("block1_conv1").compute_dtype == "bfloat16"


def test_what_a_later_stage_lacks_is_said_before_the_first_one_trains(tiny, tmp_path):
    with pytest.raises(ValueError, match="batch"):
        tiny("joint", numbers={"batch_size": 64})
    assert not list(tmp_path.glob("*/config.json"))


def test_nan_weights_after_the_last_step_are_not_kept(tiny, tmp_path, monkeypatch):
    taken = loop.Loop._step

    def poisoned(self, batch):
        taken(self, batch)
        if self.position.step == 4:
            variable = self.model.trainable_variables[0]
            variable.assign(variable * np.nan)

    monkeypatch.setattr(loop.Loop, "_step", poisoned)
    with pytest.raises(loop.Diverged, match="step 4"):
        tiny()
    assert not (tmp_path / "saliency_pretrain" / "model.keras").exists()


def test_prerequisite_trained_with_other_numbers_is_taken_as_it_is(tiny, tmp_path):
    tiny(numbers={"epochs": 1})
    results = tiny("saliency")
    assert results["saliency_pretrain"]["epochs"] == 1


def test_corrupt_picture_is_named(tiny, monkeypatch):
    from salclass_tf import data

    opened = data.open_split

    def broken(builder, split):
        def spoil(example):
            torn = tf.strings.substr(example["image"], 0, 60)
            is_it = tf.equal(example["image/id"], "5")
            return example | {"image": tf.where(is_it, torn, example["image"])}

        return opened(builder, split).map(spoil)

    monkeypatch.setattr(data, "open_split", broken)
    with pytest.raises(ValueError, match="5"):
        tiny()


def test_maps_of_test_images_go_to_tensorboard_every_epoch(tiny, tmp_path):
    tiny()
    [log] = (tmp_path / "saliency_pretrain" / "tensorboard").iterdir()
    steps = []
    for record in tf.data.TFRecordDataset(str(log)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            if value.tag == "examples":
                width, height, *pictures = value.tensor.string_val
                assert (int(width), int(height), len(pictures)) == (96, 32, 4)
                steps.append(event.step)
    assert steps == [1, 2]


def test_keras_callbacks_see_the_run_and_may_end_it(tiny_data_dir, tiny, tmp_path, monkeypatch):
    seen = []

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(("batch", batch, np.isfinite(float(logs["loss"]))))

        def on_epoch_end(self, epoch, logs=None):
            seen.append(("epoch", epoch, "val_loss" in logs))
            self.model.stop_training = True

    watching = training.Execution(callbacks=lambda stage: [Watching()])
    run = training.run
    monkeypatch.setattr(training, "run", lambda *given: run(*given, execution=watching))
    assert tiny()["saliency_pretrain"]["epochs"] == 1
    assert seen == [*(("batch", i, True) for i in range(4)), ("epoch", 0, True)]


@pytest.mark.parametrize(("name", "value"), [("checkpoint_steps", 0), ("keep_checkpoints", -1)])
def test_execution_refuses_what_cannot_be_meant(name, value):
    with pytest.raises(ValueError, match=name):
        training.Execution(**{name: value})


def test_a_network_that_cannot_be_written_is_said(tiny, tmp_path, monkeypatch):
    def full(self, path):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(OSError, match="No space left on device.*same command goes on"):
        tiny()
    assert not list((tmp_path / "saliency_pretrain").glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["truncated", "deleted"])
def test_lost_data_file_is_named_after_saving(tiny_data_dir, tiny, tmp_path, monkeypatch, damage):
    data_dir = tmp_path / "data"
    shutil.copytree(tiny_data_dir, data_dir)
    [shard] = (data_dir / "dotted_noise").rglob("*train.tfrecord*")
    whole = shard.read_bytes()
    taken, run = loop.Loop._epoch, training.run

    def spoiled(self, signals):
        if self.position.epoch == 1:
            shard.unlink()
            if damage == "truncated":
                shard.write_bytes(whole[: len(whole) // 2])
        taken(self, signals)

    monkeypatch.setattr(loop.Loop, "_epoch", spoiled)
    monkeypatch.setattr(training, "run", lambda *a: run(*a[:3], str(data_dir)))
    with pytest.raises(ValueError, match=f"{shard.name}.*run is saved"):
        tiny(workdir=tmp_path / "run")
    monkeypatch.setattr(loop.Loop, "_epoch", taken)
    shard.write_bytes(whole)
    tiny(workdir=tmp_path / "run")
    monkeypatch.setattr(training, "run", run)
    tiny(workdir=tmp_path / "whole")
    ends = [weights(tmp_path / name / "saliency_pretrain") for name in ("run", "whole")]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)
