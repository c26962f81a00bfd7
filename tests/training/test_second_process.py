"""Stages in a second process: which, when, with what, and what ends them."""

import contextlib
import dataclasses
import os
import signal
import threading
import time
import types

import pytest
import tensorflow as tf
from tiny_config import tiny_config

from salclass_tf import training
from salclass_tf.config import ROLES
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import child_process, plan, second_child, second_process, stages
from salclass_tf.training.execution import Execution

STAGES = (
    *("saliency_pretrain", "saliency", "classifier_rgb", "classifier_rgb_longer", "classifier"),
    "joint",
)


def planned(path, todo=STAGES, width=0.125):
    """A plan in which some stages are left to do."""
    config = dataclasses.replace(
        tiny_config("dotted_noise"), width=width, pretrain_detector=True, compare_rgb=True
    )
    pretraining = dataclasses.replace(config.stages["saliency"], dataset="dotted_maps")
    config = dataclasses.replace(config, stages=config.stages | {"saliency_pretrain": pretraining})
    jobs = tuple(plan.job(config, name, path, asked_for=name == "joint") for name in STAGES)
    left = tuple(one for one in jobs if one.name in todo)
    return plan.Plan(jobs, left, {}, frozenset(), frozenset())


def chosen(given, one_device, **execution):
    own, shared = second_process._chosen(given, one_device, Execution(**execution))
    return [one.name for one in own], [one.name for one in shared]


def test_stages_of_the_detector_are_set_aside_and_those_for_comparison_alone_are_shared(
    machine, one_device, tmp_path
):
    machine(2, 100)
    for todo, own, shared in (
        (STAGES, ["saliency_pretrain", "saliency"], ["classifier_rgb_longer"]),
        (STAGES[1:], ["saliency"], ["classifier_rgb_longer"]),
        (("saliency", "classifier_rgb_longer", "joint"), ["saliency"], ["classifier_rgb_longer"]),
        (("saliency", "joint"), [], []),
        (("classifier_rgb", "classifier", "joint"), [], []),
        (("saliency",), [], []),
        ((), [], []),
    ):
        found = chosen(planned(tmp_path, todo), one_device, stages_at_once=None)
        assert found == (own, shared), todo


def test_a_detector_that_starts_from_joint_training_is_made_after_it(
    machine, one_device, monkeypatch, tmp_path
):
    machine(2, 100)
    row = dataclasses.replace(ROLES["saliency"], starts_from=("joint",))
    monkeypatch.setitem(ROLES, "finetuned", row)
    given = planned(tmp_path)
    config = given.jobs[0].config
    config = dataclasses.replace(
        config, stages=config.stages | {"finetuned": config.stages["saliency"]}
    )
    last = plan.job(config, "finetuned", tmp_path, asked_for=True)
    given = dataclasses.replace(given, jobs=(*given.jobs, last), todo=(*given.todo, last))
    assert "finetuned" not in chosen(given, one_device, stages_at_once=2)[0]
    order = [one.name for one in second_process.SecondProcess().order(given.todo)]
    assert order == [*STAGES, "finetuned"]


def test_cores_memory_width_and_threads_decide(machine, one_device, monkeypatch, tmp_path):
    for number, gib, width, threads, aside in (
        (2, 100, 0.125, None, True),
        (1, 100, 0.125, None, False),
        (4, 4, 0.125, None, False),
        (4, 100, 0.25, None, False),
        (4, 100, 0.25, "1", False),  # as clusters set it
        (4, 100, 0.125, "2", False),
    ):
        machine(number, gib)
        if threads:
            monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)
        found = chosen(planned(tmp_path, width=width), one_device, stages_at_once=None)
        assert bool(found[0]) == aside, (number, gib, width)


def test_what_is_asked_for_is_done_where_it_can_be(machine, one_device, tmp_path):
    machine(1, 1)
    assert chosen(planned(tmp_path, width=1.0), one_device, stages_at_once=2)[0]
    machine(8, 100)
    assert not chosen(planned(tmp_path), one_device, stages_at_once=1)[0]
    assert not chosen(planned(tmp_path), one_device)[0]  # Python's default
    with pytest.raises(ValueError, match="stages_at_once is for one CPU.*got 2"):
        chosen(planned(tmp_path), one_device, stages_at_once=2, callbacks=lambda stage: [])


def test_features_of_two_stages_are_not_kept_at_the_same_time(machine, one_device, tmp_path):
    machine(2, 100)
    given = planned(tmp_path)
    kept = [
        dataclasses.replace(one, config=dataclasses.replace(one.config, cache_features="disk"))
        for one in given.todo
    ]
    given = dataclasses.replace(given, todo=tuple(kept))
    assert not chosen(given, one_device, stages_at_once=2)[0]


@pytest.fixture
def started(machine, one_device, monkeypatch, tmp_path):
    """A process that runs some code in place of the stages, in a `with`."""
    machine(2, 100)
    start_process = second_process.started
    folder = f"open(os.path.join({str(tmp_path)!r}, name), 'w').close()"

    @contextlib.contextmanager
    def begin(code):
        start = f"import sys, os, time, signal; leave = lambda name: {folder}; "
        length = (
            "n = int.from_bytes(sys.stdin.buffer.read(8), 'little'); sys.stdin.buffer.read(n); "
        )
        monkeypatch.setattr(child_process, "_CODE", start + length + code)
        execution = Execution(stages_at_once=2)
        with start_process(planned(tmp_path), one_device, execution) as aside:
            yield aside, {one.name: one for one in planned(tmp_path).todo}

    return begin


def wait_for(path):
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)


def test_it_begins_when_told_and_is_waited_for_where_it_is_needed(started, tmp_path):
    code = "leave('ready'); sys.stdin.buffer.readline() == b'begin\\n' and leave('begun')"
    with started(code) as (aside, jobs):
        assert aside.makes(jobs["saliency"]) and not aside.makes(jobs["classifier"])
        assert aside.datasets == {"dotted_maps"}  # the other set is one that both need
        wait_for(tmp_path / "ready")
        aside.wait_before(jobs["classifier"])
        time.sleep(0.5)
        assert not (tmp_path / "begun").exists()
        aside.begin()
        aside.wait_before(jobs["joint"])
        assert (tmp_path / "begun").exists()


def test_its_failure_is_told_before_the_next_stage_in_its_own_words(started, tmp_path, capfd):
    code = "print('error: no room\\nfor it', flush=True); leave('said'); sys.exit(2)"
    with started(code) as (aside, jobs):
        wait_for(tmp_path / "said")
        while aside._child._process.poll() is None:
            time.sleep(0.02)
        with pytest.raises(ValueError, match="^saliency_pretrain, saliency: no room\nfor it"):
            aside.wait_before(jobs["classifier"])  # which does not need it
    assert "beside: error: no room" in capfd.readouterr().err
    with started("os.kill(os.getpid(), signal.SIGKILL)") as (aside, jobs):
        with pytest.raises(ValueError, match="SIGKILL.*--stages_at_once=1"):
            aside.wait_before(jobs["joint"])


def test_it_saves_and_ends_where_the_other_stages_fail(started, tmp_path, capfd):
    code = (
        "signal.signal(signal.SIGTERM, "
        "lambda *_: (leave('asked'), time.sleep(1), leave('saved'), print('saved', flush=True), "
        "sys.exit(130))); "
        "leave('ready'); time.sleep(600)"
    )

    def lose_patience():
        wait_for(tmp_path / "asked")
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyError), started(code) as (aside, _):
        aside.begin()
        wait_for(tmp_path / "ready")
        threading.Thread(target=lose_patience).start()
        raise KeyError("a failure")
    assert (tmp_path / "saved").exists()
    assert "beside: saved" in capfd.readouterr().err


def test_it_is_killed_where_it_has_nothing_to_save_and_a_user_asks_again(started, tmp_path):
    code = (
        "signal.signal(signal.SIGTERM, lambda *_: leave('asked')); leave('ready'); "
        "[time.sleep(1) for _ in range(600)]"
    )

    def lose_patience():
        wait_for(tmp_path / "asked")
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    with pytest.raises(KeyError), started(code):
        wait_for(tmp_path / "ready")
        threading.Thread(target=lose_patience).start()
        raise KeyError("a failure")
    assert time.monotonic() - began < 300


def test_others_are_kept_out_until_it_has_ended(started, tmp_path, one_device, monkeypatch):
    code = (
        "signal.signal(signal.SIGTERM, lambda *_: (leave('saved'), sys.exit(130))); "
        "leave('ready'); time.sleep(600)"
    )
    inside = []

    def fail(*given):
        wait_for(tmp_path / "ready")
        raise KeyError("a failure")

    @contextlib.contextmanager
    def lock(folder):
        try:
            yield
        finally:
            inside.append((tmp_path / "saved").exists())

    monkeypatch.setattr(stages, "make", fail)
    monkeypatch.setattr(stages, "sole_user", lock)
    monkeypatch.setattr(stages, "prepare_sets", lambda *given: {})
    monkeypatch.setattr(plan, "check_same_data", lambda *given: None)
    monkeypatch.setattr(plan, "check_data", lambda *given: None)
    monkeypatch.setattr(second_process, "started", lambda *given: _first(started(code)))
    with pytest.raises(KeyError):
        stages.carry_out(planned(tmp_path), one_device, Execution(), None, None)
    assert inside == [True]


@contextlib.contextmanager
def _first(pair):
    with pair as (aside, _):
        yield aside


def test_sets_of_its_own_are_prepared_last_among_those_of_their_cost(monkeypatch, one_device):
    costs = {"its": 1, "ours": 1, "dear": 2}
    prepared = []
    monkeypatch.setattr(plan, "cost", costs.get)
    monkeypatch.setattr(stages.sets, "prepare", lambda one, manual_dir: prepared.append(one))
    found = plan.Plan((), (), {name: name for name in costs}, frozenset(), frozenset())
    stages.prepare_sets(found, one_device, None, None, {"its"})
    assert prepared == ["ours", "its", "dear"]


@pytest.mark.parametrize(
    ("said", "number"), [(b"", signal.SIGTERM), (b"begin\nclassifier_rgb\n", signal.SIGKILL)]
)
def test_it_ends_with_the_other_process(monkeypatch, said, number):
    """Before the word to begin it is asked to stop, after it there is no time for that."""
    read, write = os.pipe()
    killed, sent = threading.Event(), []
    monkeypatch.setattr(os, "kill", lambda *given: (sent.append(given), killed.set()))
    with os.fdopen(read, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        words = child_process.Words()
        os.write(write, said)
        for word in said.decode().split():
            words.wait(word)
        assert not sent
        os.close(write)
        assert killed.wait(60)
    assert sent == [(os.getpid(), number)]


def test_it_waits_for_stages_that_the_other_process_makes(machine, one_device, tmp_path):
    machine(2, 100)
    waited = types.SimpleNamespace(wait=lambda name: names.append(name))
    names, given = [], planned(tmp_path)
    jobs = {one.name: one for one in given.todo}
    own, shared = second_process._chosen(given, one_device, Execution(stages_at_once=2))
    claim = second_process.Claim()
    others = tuple(jobs[name] for name in ("classifier_rgb", "classifier", "joint"))
    run = second_process.SecondRun(given.jobs, own, shared, others, claim, None, None, Execution())
    first = second_child.FirstProcess(waited, run)
    first.wait_before(jobs["saliency"])  # which starts from what it has made itself
    assert not names and not first.makes(jobs["saliency"])
    assert not first.makes(jobs["classifier_rgb_longer"])  # nobody had asked: it is its own
    first.wait_before(jobs["classifier_rgb_longer"])
    assert names == ["classifier_rgb"]
    done = dataclasses.replace(run, others=others[1:])  # RGB had been made before
    second_child.FirstProcess(waited, done).wait_before(jobs["classifier_rgb_longer"])
    assert names == ["classifier_rgb"]
    os.close(claim.descriptor)


def test_who_is_free_first_makes_what_is_shared(started):
    asking = """
for number in range(3, 99):
    try:
        os.read(number, 1) == b"x" and leave("got")
    except OSError:  # not open
        pass
"""
    for first in ("ours", "its"):
        with started("sys.stdin.readline()" * (first == "ours") + asking) as (aside, jobs):
            longer = jobs["classifier_rgb_longer"]
            order = [one.name for one in aside.order(list(jobs.values()))]
            assert order[-3:] == ["classifier", "classifier_rgb_longer", "joint"]
            if first == "its":
                aside.wait()
            assert aside.makes(longer) == (first == "its")
            assert aside.makes(longer) == (first == "its")  # asked again
            assert ("longer" in aside.names) == (first == "its")
            aside.begin()


def test_what_it_is_to_do_comes_before_the_word(monkeypatch):
    read, write = os.pipe()
    given = {"stages": list(range(50_000))}  # more than a pipe holds
    content = child_process.pickle.dumps(given)
    whole = child_process._LENGTH.pack(len(content)) + content + b"begin"
    writing = threading.Thread(target=lambda: (os.write(write, whole), os.close(write)))
    writing.start()
    with os.fdopen(read, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert child_process.read() == given
        assert child_process._read(99) == b"begin"
    writing.join()


@pytest.mark.slow  # every stage twice, and a process that imports TensorFlow
def test_networks_are_those_of_one_stage_after_another(tiny_data_dir, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(stages.report, "draw", lambda *drawn: [])  # here; the other process draws
    tiny = tiny_config("dotted_noise", validation_share=0.25)
    beside, after = tmp_path / "beside", tmp_path / "after"
    execution = Execution(stages_at_once=2)
    results = training.run(tiny, "joint", beside, tiny_data_dir, execution=execution)
    said = capfd.readouterr().err
    assert "beside: stage saliency done" in said and "beside: stage classifier" not in said
    alone = training.run(tiny, "joint", after, tiny_data_dir)
    assert list(results) == list(alone) == ["saliency", "classifier", "joint"]
    networks = [FinishedStage(place / "joint").read_network() for place in (after, beside)]
    for alone, beside in zip(*(one.get_weights() for one in networks), strict=True):
        # Threads differ, and so does the order of sums.
        tf.debugging.assert_near(alone, beside, atol=1e-5)
