"""Stages, the loop and what a run leaves behind, on networks of a few hundred weights."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import shutil
import signal
import time
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config, training
from salclass_tf.data import sets
from salclass_tf.optimization import optimizers, schedules
from salclass_tf.runs import files
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import compilation, feeding, history, loop, networks, stages

ADAM = config.Optimizer("adam", learning_rate=1e-3, weight_decay=((0, 0.0),))


@pytest.fixture(scope="module")
def train(tiny_data_dir):
    """Trains a stage of a run of tiny networks in a folder.

    Pictures take a third of the time of such a stage: they are drawn where a test looks at them.
    """
    stage = config.Stage(
        "dotted_noise", ADAM, epochs=2, batch_size=4, crops=1, validation_share=0.25
    )
    settings = config.Config(
        preset="demo",
        stages=dict.fromkeys(config.STAGES, stage),
        detector="vgg16",
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "pool"}},
        width=1 / 32,
        image_size=32,
        short_side=36,
        precision="float32",
    )

    def run(workdir, stage="saliency_pretrain", numbers=None, pictures=False, **changes):
        changed = dataclasses.replace(settings, **changes).override(stage, {}, numbers or {})
        with pytest.MonkeyPatch.context() as patch:
            if not pictures:
                patch.setattr(stages.report, "draw", lambda *drawn: [])
            return training.run(changed, stage, workdir, tiny_data_dir)

    return run


@pytest.fixture
def tiny(train, tmp_path):
    """`train` in a folder of the test's own, if it names no other."""

    def run(stage="saliency_pretrain", workdir=tmp_path, **changes):
        return train(workdir, stage, **changes)

    return run


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    """The folder of a run that was trained in one go; not to be changed."""
    train(folder := tmp_path_factory.mktemp("undisturbed"))
    return folder


@pytest.fixture(scope="module")
def followed(train, undisturbed, tmp_path_factory):
    """The folder of that run and of a stage trained after it, in another process as it were."""
    folder = tmp_path_factory.mktemp("followed") / "run"
    shutil.copytree(undisturbed, folder)
    train(folder, "saliency", numbers={"epochs": 4})  # reads what the stage before has left
    return folder


@pytest.fixture
def one_step(train, tmp_path_factory, tmp_path):
    """The folder of a stage that has made one step, the test's own."""
    made = tmp_path_factory.getbasetemp() / "one_step"
    if not made.exists():
        train(made, max_steps=1)
    return shutil.copytree(made / "saliency_pretrain", tmp_path / "saliency_pretrain")


def weights(folder):
    return keras.models.load_model(folder / "model.keras", compile=False).get_weights()


@pytest.mark.slow
def test_joint_makes_what_it_needs_and_keeps_what_is_done(tiny, tmp_path, capsys):
    results = tiny("joint", pictures=True)
    assert list(results) == list(config.STAGES)
    assert capsys.readouterr().out.count("| SalClassNet, joint | dotted_noise") == 1
    for name in ("config.json", "history.csv", "model.keras", "curves.png", "examples.png"):
        assert (tmp_path / "joint" / name).stat().st_size > 0
    # Nine images, both mirrored: 4 steps of 4 in each epoch.
    seen = {
        name: [(one["stage"], one["images"], one["rates"]) for one in row["learned_from"]]
        for name, row in results.items()
    }
    kept = {name: row["kept_epoch"] for name, row in results.items()}

    def part(name):  # a VGG learns at 2e-4 at most
        return (name, 16 * kept[name], [[2e-4, 2e-4, 4 * kept[name]]])

    assert seen["joint"] == [part(n) for n in ("classifier_pretrain", "classifier", "joint")]
    longer = ("classifier_pretrain", "classifier_rgb", "classifier_rgb_longer")
    assert seen["classifier_rgb_longer"] == [part(name) for name in longer]
    test = results["joint"]["test"]
    assert test["images"] == 6 and 0 <= test["accuracy"] <= 1 and -1 <= test["cc"] <= 1
    # The network that was trained has taken on the weights of its parts again.
    before, part = results["joint"]["before_joint"], results["saliency"]["test"]
    assert before["mse"] == pytest.approx(part["mse"], rel=1e-5)
    assert before["mse"] != pytest.approx(test["mse"], rel=1e-5)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/model.keras")}
    tiny("joint", pictures=True)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/model.keras")} == before


def test_learning_shows_in_history_and_starts_from_the_stage_before(followed):
    first, second = (
        history.read(followed / name / "history.csv") for name in ("saliency_pretrain", "saliency")
    )
    assert len(first) == 2 and len(second) == 4
    assert second[-1]["loss"] < second[0]["loss"] < first[0]["loss"]
    assert second[0]["step"] == 4  # nine training images, crops and flips, batches of four


def test_stages_of_one_process_hand_their_networks_on_and_end_as_stages_apart(
    train, followed, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.delattr(FinishedStage, "read_network")
        train(tmp_path, "saliency", numbers={"epochs": 4})
    apart, together = followed / "saliency", tmp_path / "saliency"
    for one, other in zip(weights(apart), weights(together), strict=True):
        np.testing.assert_array_equal(one, other)
    results = [FinishedStage(folder).metrics for folder in (apart, together)]
    for key in ("test", "centre_bias", "made_from"):
        assert results[0][key] == results[1][key]


@pytest.mark.slow
def test_interrupted_run_ends_with_the_weights_of_an_undisturbed_one(
    tiny, undisturbed, tmp_path, monkeypatch
):
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
    folders = [workdir / "saliency_pretrain" for workdir in (undisturbed, tmp_path / "broken")]
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = [history.read(folder / "history.csv") for folder in folders]
    for one, other in zip(*rows, strict=True):
        one.pop("images_per_second"), other.pop("images_per_second")
        assert one == other


@contextlib.contextmanager
def stopped_at_step(step, monkeypatch):
    """Has training stopped by SIGTERM behind a step, and say so."""
    taken = loop.Loop._step

    def interrupted_step(self, batch):
        taken(self, batch)
        if self.position.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(loop.Interrupted, match="SIGTERM"):
        patch.setattr(loop.Loop, "_step", interrupted_step)
        yield


@pytest.mark.slow
def test_gaze_in_training_alone_goes_on_exactly_and_is_noted(tiny, tmp_path, monkeypatch):
    arguments = {
        "stage": "classifier_rgb",
        "numbers": {"attention_loss": 0.5, "crop_around": "gaze", "learning_rate": 0.05},
        "pretrain_classifier": False,
        "image_size": 64,  # the last features of VGG-16 have four cells then
        "short_side": 72,
    }
    results = tiny(workdir=tmp_path / "whole", **arguments)
    with stopped_at_step(3, monkeypatch):
        tiny(workdir=tmp_path / "broken", **arguments)
    tiny(workdir=tmp_path / "broken", **arguments)
    folders = [tmp_path / name / "classifier_rgb" for name in ("whole", "broken")]
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)
    noted = json.loads((folders[0] / "config.json").read_text())["stage"]
    assert (noted["attention_loss"], noted["crop_around"]) == (0.5, "gaze")
    assert [one["attention_loss"] for one in results["classifier_rgb"]["learned_from"]] == [0.5]
    rows = history.read(folders[0] / "history.csv")
    assert all(0 < row["attention_loss"] < 1 and 0 < row["val_attention_loss"] < 1 for row in rows)
    for row in rows:
        total = row["val_classification_loss"] + 0.5 * row["val_attention_loss"]
        assert row["val_loss"] == pytest.approx(total, rel=1e-5)
    assert results["classifier_rgb"]["gaze"]["train"] == {"images": 9, "without_gaze": 0}
    shown = logged(folders[0])["examples"]
    assert len(shown) == 2
    for step, (epoch, tensor) in enumerate(shown, 1):
        width, height, *pictures = tensor.string_val  # image, map, answer
        assert (epoch, int(width), int(height), len(pictures)) == (step, 192, 64, 4)
    network = keras.models.load_model(folders[0] / "model.keras", compile=False)
    assert [tensor.name for tensor in network.inputs] == ["image"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xla", "weight_gradients"])
def test_compiled_stage_goes_on_exactly_and_no_other_way(tiny, tmp_path, monkeypatch, form):
    monkeypatch.setattr(compilation, "_WORTH_GFLOP", 0.0)
    monkeypatch.setattr(compilation, "_WORTH_CHANNELS", 1)
    found, worth = [], compilation.worth_compiling
    monkeypatch.setattr(
        compilation, "worth_compiling", lambda model: found.append(worth(model)) or found[-1]
    )
    tiny(workdir=tmp_path / "whole", compile=form)
    with stopped_at_step(3, monkeypatch):
        tiny(workdir=tmp_path / "broken", compile=form)
    with pytest.raises(ValueError, match=f"compile: '{form}' there, 'none' asked for"):
        tiny(workdir=tmp_path / "broken", compile="none")
    tiny(workdir=tmp_path / "broken")  # auto: as it was begun
    folders = [
        workdir / "saliency_pretrain" for workdir in (tmp_path / "whole", tmp_path / "broken")
    ]
    settings = [json.loads((folder / "config.json").read_text()) for folder in folders]
    assert [noted["compile"] for noted in settings] == [form, form]
    assert any(found) == (form == "weight_gradients")
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_interrupted_validation_is_done_again_and_changes_nothing(
    tiny, undisturbed, tmp_path, monkeypatch
):
    score = loop.Loop._validate

    def interrupted(self, signals):
        if self.position.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return score(self, signals)

    monkeypatch.setattr(loop.Loop, "_validate", interrupted)
    with pytest.raises(loop.Interrupted, match="stopped by SIGINT at step 8"):
        tiny(workdir=tmp_path / "broken")
    monkeypatch.undo()
    tiny(workdir=tmp_path / "broken")
    folders = [workdir / "saliency_pretrain" for workdir in (undisturbed, tmp_path / "broken")]
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = [history.read(folder / "history.csv") for folder in folders]
    for one, other in zip(*rows, strict=True):
        assert one.pop("images_per_second") > 0 and other.pop("images_per_second") > 0
        assert one == other  # the means of training too, which validation had reset


def test_sigterm_while_a_stage_is_scored_ends_with_a_word_and_a_restart_does_that_alone(
    tiny, tmp_path, monkeypatch
):
    scores = stages._scores

    def interrupted(*given):
        os.kill(os.getpid(), signal.SIGTERM)
        return scores(*given)

    monkeypatch.setattr(stages, "_scores", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stopped by SIGTERM"):
        tiny(max_steps=1)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    monkeypatch.setattr(stages, "_scores", scores)
    kept = (tmp_path / "saliency_pretrain" / "model.keras").stat().st_mtime_ns
    assert tiny(max_steps=1)["saliency_pretrain"]["steps"] == 1
    assert (tmp_path / "saliency_pretrain" / "model.keras").stat().st_mtime_ns == kept


def test_nan_stops_the_run_and_says_where(tiny, tmp_path):
    with pytest.raises(loop.Diverged, match=r"step \d+ of stage saliency_pretrain"):
        tiny(numbers={"learning_rate": 1e30})
    assert not (tmp_path / "saliency_pretrain" / "metrics.json").exists()


def test_folder_of_another_configuration_is_refused_line_by_line(train, undisturbed):
    with pytest.raises(ValueError, match=r"stage\.epochs: 2 there, 1 asked for"):
        train(undisturbed, numbers={"epochs": 1})


def test_more_epochs_go_on_to_the_weights_of_one_go(tiny, undisturbed, tmp_path):
    tiny(numbers={"epochs": 1})
    found = tiny(numbers={"epochs": 2})["saliency_pretrain"]
    assert (found["epochs"], found["steps"]) == (2, 8)
    settings = json.loads((tmp_path / "saliency_pretrain" / "config.json").read_text())
    assert settings["stage"]["epochs"] == 2
    folders = [workdir / "saliency_pretrain" for workdir in (undisturbed, tmp_path)]
    for one, other in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(one, other)


def test_damaged_files_of_a_finished_stage_are_named_with_the_remedy(tiny, one_step):
    folder = one_step
    settings = (folder / "checkpoints" / "config.json").read_text()
    (folder / "config.json").write_text("[]")
    tiny(max_steps=1)  # its copy is as good
    (folder / "checkpoints" / "config.json").unlink()
    (folder / "config.json").write_text(settings)
    for name, content in (("config.json", "[]"), ("metrics.json", '{"stage": ')):
        whole = (folder / name).read_text()
        (folder / name).write_text(content)
        with pytest.raises(ValueError, match=rf"{name} is damaged \(.*\); restore it, or remove"):
            tiny(max_steps=1)
        (folder / name).write_text(whole)
    (folder / "model.keras").write_bytes((folder / "model.keras").read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cannot read the network .*model.keras.*cut short"):
        tiny("saliency", max_steps=1)


def test_small_file_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "metrics.json"
    files.write_json(path, {"epochs": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="cannot write .*metrics.json: No space left on device"):
        files.write_json(path, {"epochs": 2})
    assert files.read_json(path) == {"epochs": 1} and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("seconds", "saves"), [(0.1, 3), (0.0, 10)])
def test_checkpoints_by_the_clock_are_rarer_where_writing_is_slow(
    tiny, monkeypatch, seconds, saves
):
    run, execution = training.run, training.Execution(checkpoint_seconds=0.0)
    monkeypatch.setattr(training, "run", lambda *given: run(*given, execution=execution))
    monkeypatch.setattr(loop, "_SAVING_SHARE", 0.0002 if seconds else math.inf)
    times = []

    def save(self, step, position):
        times.append(step)
        time.sleep(seconds)

    monkeypatch.setattr(loop.Checkpoints, "save", save)
    tiny()
    # Eight steps in two epochs: after the first step, and at the end of each epoch; or always.
    assert len(times) == saves


@pytest.mark.slow
def test_same_seed_same_numbers_and_another_seed_others(tiny, one_step, tmp_path):
    first = json.loads((one_step / "metrics.json").read_text())["test"]
    again, other = (
        tiny(workdir=tmp_path / str(seed), seed=seed, max_steps=1)["saliency_pretrain"]["test"]
        for seed in (0, 1)
    )
    assert first == again != other


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


def test_folder_from_before_there_were_losses_is_the_same_run(tiny, one_step):
    folder = one_step
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


def test_stopped_in_the_validation_after_its_last_step_a_stage_still_ends(
    tiny, tmp_path, monkeypatch
):
    """With a limit of steps nothing is left to train then, and all is left to keep."""
    validate = loop.Loop._validate

    def stopped(self, signals):
        os.kill(os.getpid(), signal.SIGTERM)
        return validate(self, signals)

    monkeypatch.setattr(loop.Loop, "_validate", stopped)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM at step 2"):
        tiny(max_steps=2)
    monkeypatch.setattr(loop.Loop, "_validate", validate)
    made = tiny(max_steps=2)["saliency_pretrain"]
    assert (made["steps"], made["epochs"], made["kept_epoch"]) == (2, 1, 1)
    assert (made["train_split"], made["validation_split"]) == ("train[:9]", "train[9:]")
    [row] = history.read(tmp_path / "saliency_pretrain" / "history.csv")
    assert row["step"] == 2 and np.isfinite([row["loss"], row["val_loss"]]).all()


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.25, "the epoch to keep is chosen on train[9:], 3 images, held back from training"),
        (0.0, "the last epoch is kept"),
    ],
)
def test_what_decides_on_an_epoch_is_said(share, said, tiny_data_dir):
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    assert stages._choice(noise, share).startswith(said)


@pytest.mark.parametrize("mixed", [False, True])
def test_history_has_the_rate_that_an_epoch_was_trained_with(mixed):
    optimizer = optimizers.SGD(schedules.stepwise([(0, 0.1), (1, 0.01)], 3), momentum=0.9)
    if mixed:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    variable = keras.Variable(np.ones(2, np.float32))
    optimizer.build([variable])
    rates = []
    for _ in range(4):
        optimizer.apply([tf.ones(2)], [variable])
        rates.append(networks.rate_of_last_step(optimizer))
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.01])
    assert networks.rate_of_last_step(optimizers.SGD(0.3)) == pytest.approx(0.3)


def test_batch_larger_than_the_set_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="batch"):
        tiny(numbers={"batch_size": 64})


def test_stage_with_classes_refuses_a_set_without(tiny, tiny_data_dir, monkeypatch):
    monkeypatch.setattr(sets.GazeSet, "class_names", ())
    with pytest.raises(ValueError, match="needs classes"):
        tiny("classifier_pretrain")


def test_steps_stop_a_stage(one_step):
    assert json.loads((one_step / "metrics.json").read_text())["steps"] == 1


def test_saved_settings_are_what_decides_the_stage(undisturbed):
    saved = json.loads((undisturbed / "saliency_pretrain" / "config.json").read_text())
    assert saved["seed"] == 0 and saved["stage"]["optimizer"]["learning_rate"] == 1e-3
    assert "alpha" not in saved  # it decides nothing before the joint stage


@pytest.mark.usefixtures("bfloat16")
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


def test_stage_of_a_network_that_has_been_trained_anew_is_no_longer_done(tiny, one_step, tmp_path):
    tiny("saliency", max_steps=1)
    tiny("saliency", max_steps=1)
    shutil.move(one_step, tmp_path / "aside")
    tiny("saliency", max_steps=1)  # the same again, to the bit
    shutil.rmtree(one_step)
    with pytest.raises(
        ValueError, match="saliency was made from another saliency_pretrain.*remove"
    ):
        tiny("saliency", max_steps=1, stages=with_rate("saliency_pretrain", 0.1))
    with pytest.raises(ValueError, match="made from another"):
        tiny("saliency", max_steps=1, stages=with_rate("saliency_pretrain", 0.1))
    shutil.rmtree(tmp_path / "saliency")
    tiny("saliency", max_steps=1, stages=with_rate("saliency_pretrain", 0.1))


def with_rate(name, rate):
    """The stages of a tiny run, one of them at another rate."""
    stage = config.Stage(
        "dotted_noise", ADAM, epochs=2, batch_size=4, crops=1, validation_share=0.25
    )
    faster = dataclasses.replace(stage, optimizer=dataclasses.replace(ADAM, learning_rate=rate))
    return dict.fromkeys(config.STAGES, stage) | {name: faster}


def test_prerequisite_trained_with_other_numbers_is_taken_as_it_is(tiny, undisturbed, tmp_path):
    folder = tmp_path / "saliency_pretrain"
    shutil.copytree(undisturbed / folder.name, folder)
    made = (folder / "model.keras").stat().st_mtime_ns
    changed = with_rate(folder.name, 0.1)
    assert tiny("saliency", numbers={"epochs": 1}, stages=changed)["saliency"]["steps"] == 4
    assert (folder / "model.keras").stat().st_mtime_ns == made


def test_corrupt_picture_is_named(tiny, monkeypatch):
    from salclass_tf.data import pipeline

    opened = pipeline.open_split

    def broken(builder, split):
        def spoil(example):
            torn = tf.strings.substr(example["image"], 0, 60)
            is_it = tf.equal(example["image/id"], "5")
            return example | {"image": tf.where(is_it, torn, example["image"])}

        return opened(builder, split).map(spoil)

    monkeypatch.setattr(pipeline, "open_split", broken)
    with pytest.raises(ValueError, match="5"):
        tiny()


def logged(folder):
    """What TensorBoard reads: tag -> (epoch, value) pairs."""
    [log] = (folder / "tensorboard").iterdir()
    values = {}
    for record in tf.data.TFRecordDataset(str(log)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            values.setdefault(value.tag, []).append((event.step, value.tensor))
    return values


def test_every_epoch_goes_to_tensorboard_with_rate_throughput_and_maps(undisturbed):
    found = logged(undisturbed / "saliency_pretrain")
    rows = history.read(undisturbed / "saliency_pretrain" / "history.csv")
    shown = ("loss", "cc", "val_loss", "val_cc", "learning_rate", "images_per_second")
    for name in shown:
        values = [(step, float(tf.make_ndarray(tensor))) for step, tensor in found[name]]
        assert values == [(row["epoch"], pytest.approx(row[name])) for row in rows]
    assert [row["learning_rate"] for row in rows] == pytest.approx([1e-3, 1e-3])
    for step, (epoch, tensor) in enumerate(found["examples"], 1):
        width, height, *pictures = tensor.string_val
        assert (epoch, int(width), int(height), len(pictures)) == (step, 96, 32, 4)
    assert len(found["examples"]) == 2


# epoch by epoch; an equal value is no improvement
ACCURACY = (0.5, 0.4, 0.4, 0.6, 0.6, 0.5, 0.9)
ERROR = (1.0, 0.9, 0.95, 0.95, 0.9, 0.9, 0.1)


@pytest.mark.parametrize(
    ("monitored", "ends", "kept"),
    [
        (("accuracy", "saliency_loss"), 6, 4),  # joint: both stale for two epochs; best accuracy
        (("saliency_loss",), 4, 2),
        (("accuracy",), 3, 1),
    ],
)
def test_stale_epochs_are_those_without_anything_better(monitored, ends, kept):
    values, written = {"accuracy": ACCURACY, "saliency_loss": ERROR}, []
    stage = types.SimpleNamespace(position=loop.Position(), _just_kept=False)
    stage._write_network = lambda: written.append(stage.position.epoch)
    while stage.position.stale_epochs < 2:
        stage.position.epoch += 1
        row = {f"val_{name}": values[name][stage.position.epoch - 1] for name in monitored}
        loop.Loop._keep_best(stage, row)
    assert (stage.position.epoch, stage.position.best_epoch, written[-1]) == (ends, kept, kept)


def test_stage_stops_when_all_monitored_is_stale_and_keeps_its_own_best(
    tiny, tiny_data_dir, tmp_path, monkeypatch
):
    values = {"accuracy": ACCURACY, "saliency_loss": ERROR}
    ends, kept = 6, 4

    def scripted(self, signals):
        return {f"val_{name}": values[name][self.position.epoch] for name in values}

    weights_by_epoch = []

    class Watching(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights_by_epoch.append(self.model.detector.get_weights())

    run, execution = training.run, training.Execution(callbacks=lambda stage: [Watching()])
    monkeypatch.setattr(training, "run", lambda *given: run(*given, execution=execution))
    monkeypatch.setattr(loop.Loop, "_validate", scripted)
    stage = config.Stage("dotted_noise", ADAM, 20, 4, crops=1, mirror="none", patience=2)
    made = tiny(stages={"saliency_pretrain": stage})["saliency_pretrain"]
    assert (made["epochs"], made["kept_epoch"]) == (ends, kept)
    for one, other in zip(
        weights(tmp_path / "saliency_pretrain"), weights_by_epoch[kept - 1], strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [3, 5])
def test_batch_that_devices_cannot_share_evenly_is_refused(tiny, tmp_path, monkeypatch, size):
    run, execution = training.run, training.Execution(strategy="mirrored")  # two devices
    monkeypatch.setattr(training, "run", lambda *given: run(*given, execution=execution))
    with pytest.raises(ValueError, match=f"saliency_pretrain .* 2 devices .* got {size}"):
        tiny(numbers={"batch_size": size})
    assert not list(tmp_path.glob("*/config.json"))


def test_every_device_has_a_share_of_a_validation_batch(tiny_data_dir):
    gaze_set = sets.open_set("dotted_noise", tiny_data_dir)
    stage = config.Stage("dotted_noise", ADAM, 1, 4, crops=1, validation_share=0.25)
    run = config.Config("demo", {"saliency": stage}, image_size=32, short_side=36)
    for replicas, size in ((1, 16), (3, 18), (24, 24)):
        feed = feeding.build_feed(run, "saliency", gaze_set, replicas)
        [batch] = feed.validation
        assert batch["image"].shape[0] == size and float(sum(batch["weight"])) == 3


@pytest.mark.slow
def test_two_devices_train_validate_and_show_as_one_does(tiny, undisturbed, tmp_path, monkeypatch):
    run, execution = training.run, training.Execution(strategy="mirrored")
    monkeypatch.setattr(training, "run", lambda *given: run(*given, execution=execution))
    tiny()
    folders = [workdir / "saliency_pretrain" for workdir in (undisturbed, tmp_path)]
    for one, other in zip(*(history.read(f / "history.csv") for f in folders), strict=True):
        one.pop("images_per_second"), other.pop("images_per_second")
        assert one == pytest.approx(other, rel=1e-3)
    assert len(logged(folders[1])["examples"]) == 2


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
@pytest.mark.parametrize(("damage", "during"), [("truncated", "_epoch"), ("deleted", "_validate")])
def test_lost_data_file_is_named_after_saving(
    tiny_data_dir, tiny, undisturbed, tmp_path, monkeypatch, damage, during
):
    data_dir = tmp_path / "data"
    shutil.copytree(tiny_data_dir, data_dir)
    [shard] = (data_dir / "dotted_noise").rglob("*train.tfrecord*")
    whole = shard.read_bytes()
    taken, run = getattr(loop.Loop, during), training.run

    def spoiled(self, signals):
        if self.position.epoch == 1:
            shard.unlink()
            if damage == "truncated":
                shard.write_bytes(whole[: len(whole) // 2])
        return taken(self, signals)

    monkeypatch.setattr(loop.Loop, during, spoiled)
    monkeypatch.setattr(training, "run", lambda *a: run(*a[:3], str(data_dir)))
    with pytest.raises(ValueError, match=f"{shard.name}.*is saved. Remove .*goes on"):
        tiny(workdir=tmp_path / "run")
    monkeypatch.setattr(loop.Loop, during, taken)
    [newest] = (tmp_path / "run").rglob(f"ckpt-{4 if during == '_epoch' else 8}.index")
    shard.write_bytes(whole)
    tiny(workdir=tmp_path / "run")
    ends = [weights(w / "saliency_pretrain") for w in (tmp_path / "run", undisturbed)]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)
