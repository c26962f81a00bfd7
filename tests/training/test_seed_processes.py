"""Seeds beside each other: how many, what they train, and what ends them."""

import dataclasses
import os
import signal
import threading
import time
import types

import pytest
import tensorflow as tf
from tiny_config import tiny_config

import salclass_tf
from salclass_tf import training
from salclass_tf.devices import Placement
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import child_process, seed_processes, stages
from salclass_tf.training.execution import Execution


@pytest.mark.parametrize(
    ("number", "gib", "seeds", "width", "many"),
    [
        (4, 100, 3, 0.125, 3),
        (2, 100, 3, 0.125, 2),
        (16, 8, 12, 0.125, 3),
        (4, 1, 3, 0.125, 1),
        (4, float("inf"), 3, 0.125, 3),  # a system that does not tell
        (4, 100, 3, 0.25, 1),  # its operations keep several cores busy
    ],
)
def test_cores_memory_and_width_decide(machine, one_device, number, gib, seeds, width, many):
    machine(number, gib)
    config = dataclasses.replace(tiny_config("dotted_noise"), width=width)
    assert seed_processes.how_many(config, seeds, one_device, Execution()) == many


def test_operations_that_threads_share_take_their_turns(machine, one_device, monkeypatch):
    machine(4, 100)
    narrow = dataclasses.replace(tiny_config("dotted_noise"), width=0.125)
    compiled = dataclasses.replace(narrow, compile="xla")
    assert seed_processes.how_many(compiled, 3, one_device, Execution()) == 1
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")
    assert seed_processes.how_many(narrow, 3, one_device, Execution()) == 1


def test_what_is_asked_for_is_done_where_it_can_be(machine, one_device):
    machine(1, 1)
    wide = dataclasses.replace(tiny_config("dotted_noise"), width=1.0)
    assert seed_processes.how_many(wide, 3, one_device, Execution(seeds_at_once=2)) == 2
    assert seed_processes.how_many(wide, 3, one_device, Execution(seeds_at_once=9)) == 3
    calling = Execution(callbacks=lambda stage: [])
    assert seed_processes.how_many(wide, 3, one_device, calling) == 1
    with pytest.raises(ValueError, match="without callbacks; got 2"):
        asked = dataclasses.replace(calling, seeds_at_once=2)
        seed_processes.how_many(wide, 3, one_device, asked)
    mirrored = Placement(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "as asked")
    with pytest.raises(ValueError, match="one CPU.*got 2 with strategy MirroredStrategy"):
        seed_processes.how_many(wide, 3, mirrored, Execution(seeds_at_once=2))


def runs(path, seeds=(0, 1)):
    """Runs of some seeds, as far as these tests know them: a process reads them without TensorFlow.

    What they are is in the slow test.
    """
    config = types.SimpleNamespace(width=0.125)
    return {
        seed: types.SimpleNamespace(config=config, workdir=str(path / f"{seed}")) for seed in seeds
    }


def instead(monkeypatch, code):
    """Has the processes run something that takes no time to start."""
    reading = "import sys, pickle, os, time, signal; sys.stdin.buffer.read(8); "
    reading += "run = pickle.load(sys.stdin.buffer); "
    # It is a template, of the name of a module.
    whole = (reading + code).replace("{", "{{").replace("}", "}}")
    monkeypatch.setattr(child_process, "_CODE", whole)


def test_others_go_on_where_one_fails_and_all_reasons_are_told(monkeypatch, tmp_path, capfd):
    code = (
        "name = os.path.basename(run.workdir); print('began', flush=True); "
        "name == '1' and os.kill(os.getpid(), signal.SIGKILL); "
        "name == '2' and (print('error: no room\\nfor it', flush=True), sys.exit(2)); "
        "name == '4' and sys.exit(130); "
        "open(run.workdir, 'w').close()"
    )
    instead(monkeypatch, code)
    with pytest.raises(ValueError, match="not every seed") as told:
        seed_processes.train(runs(tmp_path, (0, 1, 2, 3, 4)), 1)
    assert "seed 1: killed by SIGKILL" in str(told.value)
    assert "seed 2: no room\nfor it" in str(told.value) and "seed 3" not in str(told.value)
    assert "seed 4: began" in str(told.value)  # somebody has ended it, and not this process
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "3"]
    said = capfd.readouterr().err
    assert "seed 0: began\n" in said and "seed 3: began\n" in said


def test_a_signal_ends_those_under_way_and_begins_no_other(monkeypatch, tmp_path):
    code = "open(run.workdir, 'w').close(); time.sleep(60)"
    instead(monkeypatch, code)

    def stop():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        seed_processes.train(runs(tmp_path, (0, 1, 2)), 2)
    stopping.join()
    assert time.monotonic() - began < 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_a_signal_that_comes_while_a_process_starts_reaches_it(monkeypatch, tmp_path):
    instead(monkeypatch, "time.sleep(60)")
    start = seed_processes._start

    def interrupted(*given):
        process = start(*given)
        os.kill(os.getpid(), signal.SIGINT)
        return process

    monkeypatch.setattr(seed_processes, "_start", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        seed_processes.train(runs(tmp_path), 1)
    assert time.monotonic() - began < 30


def test_a_process_finds_the_package_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    instead(monkeypatch, "import salclass_tf; open(run.workdir, 'w').write(salclass_tf.__file__)")
    seed_processes.train(runs(tmp_path, (0,)), 1)
    assert (tmp_path / "0").read_text() == salclass_tf.__file__


def test_a_process_ends_with_the_one_that_began_it():
    """What a pipe that closes does, without the process at its other end."""
    read, write = os.pipe()
    ended = []
    before = signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    try:
        with os.fdopen(read, "rb") as stdin, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", stdin)
            watching = threading.Thread(target=child_process._watch_parent)
            watching.start()
            assert watching.is_alive() and not ended
            os.close(write)
            watching.join()
        assert ended == [True]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow  # three processes that import TensorFlow
def test_seeds_at_once_are_those_of_one_after_another(tiny_data_dir, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(stages.report, "draw", lambda *drawn: [])  # here; other processes draw
    tiny = tiny_config("dotted_noise", validation_share=0.25)
    tiny = dataclasses.replace(tiny, pretrain_classifier=True)
    weights = {}
    for at_once in (1, 2):
        execution = Execution(seeds_at_once=at_once)
        place = tmp_path / f"{at_once}"
        results = training.train_seeds(
            tiny, "classifier_rgb", (3, 4), place, tiny_data_dir, execution=execution
        )
        assert list(results) == [3, 4]
        folders = [place / "seeds" / f"seed_{seed}" / "classifier_rgb" for seed in (3, 4)]
        weights[at_once] = [FinishedStage(one).read_network().get_weights() for one in folders]
    said = capfd.readouterr().err
    assert "seed 3: stage classifier_rgb" in said and "seed 4: stage classifier_rgb" in said
    for alone, beside in zip(weights[1], weights[2], strict=True):
        for one, other in zip(alone, beside, strict=True):
            # Threads differ, and so does the order of sums.
            tf.debugging.assert_near(one, other, atol=1e-5)
    assert any((a != b).any() for a, b in zip(*weights[2], strict=True))
