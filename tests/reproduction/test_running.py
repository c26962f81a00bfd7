"""How the steps of a reproduction are run: once, each in its process, stopped and gone on with."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pretended_steps
import pytest

from salclass_tf.reproduction import running
from salclass_tf.reproduction.plan import Place

ROOT = pathlib.Path(__file__).resolve().parents[2]


def calls(workdir) -> list[str]:
    """Names of the steps that were carried out."""
    path = workdir / "calls.txt"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(autouse=True)
def checkout_for_processes(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def run_again(workdir, *settings) -> str:
    """Runs the pretended plan; returns the names of the steps that it carried out."""
    before = len(calls(workdir))
    running.run(pretended_steps.plan(*settings), Place(workdir))
    return "".join(calls(workdir)[before:])


def test_each_step_runs_once_in_a_process_of_its_own_with_a_log(tmp_path, capfd):
    assert run_again(tmp_path) == "abcd"
    processes = [line.split()[1] for line in (tmp_path / "calls.txt").read_text().splitlines()]
    assert len({*processes, str(os.getpid())}) == 5
    assert (tmp_path / "logs" / "02-b.log").read_text().strip().endswith("pretends b")
    out = capfd.readouterr().out
    assert "step 2 of 4: b; log: " in out and "pretends b" not in out
    assert run_again(tmp_path) == ""
    assert "4 steps, 4 of them done before" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda folder: None, ""),
        (lambda folder: (folder / "b.txt").unlink(), "bcd"),
        (lambda folder: (folder / "done" / "c.json").unlink(), "cd"),
        (lambda folder: (folder / "done" / "a.json").write_text('{"step"'), "abcd"),
    ],
)
def test_what_is_missing_is_made_again_with_all_after_it(tmp_path, change, again):
    run_again(tmp_path)
    change(tmp_path)
    assert run_again(tmp_path) == again


def test_changed_flags_are_carried_out_again_with_all_after_them(tmp_path):
    run_again(tmp_path)
    assert run_again(tmp_path, 0, 1, 0, 0) == "bcd"
    assert run_again(tmp_path, 0, 1, 0, 0) == ""
    assert run_again(tmp_path, 0, 1, 0, 5) == "d"


def test_repeated_step_has_the_later_ones_repeated_even_after_a_failure_between(tmp_path):
    run_again(tmp_path)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.trouble").write_text("mistake")
    with pytest.raises(ValueError, match="step 'b' failed"):
        run_again(tmp_path)
    (tmp_path / "b.trouble").unlink()
    # c and d are as they were, but made from an a that is gone.
    assert run_again(tmp_path) == "bcd"
    assert run_again(tmp_path) == ""


def test_steps_of_older_runs_are_given_again_which_keeps_what_they_made(tmp_path):
    run_again(tmp_path)
    for path in (tmp_path / "done").glob("*.json"):
        mark = json.loads(path.read_text())
        old = {"step": path.stem, "settings": "0123", "seconds": mark["seconds"]}
        path.write_text(json.dumps(old))
    assert run_again(tmp_path) == "abcd"
    assert run_again(tmp_path) == ""


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("mistake", "points.csv is torn:\n  line 3\nMend it\n"),
        ("bug", "it has an error of its own, see the log\n"),
        ("no_memory", "its process was ended by SIGKILL, probably because memory ran out\n"),
    ],
)
def test_failed_step_is_named_with_its_log_and_the_finished_ones_stay(tmp_path, trouble, reason):
    (tmp_path / "b.trouble").write_text(trouble)
    log = tmp_path / "logs" / "02-b.log"
    with pytest.raises(ValueError) as caught:
        run_again(tmp_path)
    assert str(caught.value) == (
        f"step 'b' failed: {reason}Its log is {log}. What is done stays; the same command goes on "
        "from there"
    )
    assert calls(tmp_path) == ["a", "b"]
    assert ("RuntimeError: of our own" in log.read_text()) == (trouble == "bug")
    # The log has two attempts now; the reason is that of the second.
    (tmp_path / "b.trouble").write_text("mistake")
    with pytest.raises(ValueError, match="^step 'b' failed: points.csv is torn") as caught:
        run_again(tmp_path)
    assert str(caught.value).count("torn") == 1
    (tmp_path / "b.trouble").unlink()
    assert run_again(tmp_path) == "bcd"


def test_times_of_all_attempts_add_up_until_the_flags_change(tmp_path, monkeypatch):
    plan, place, ends = pretended_steps.plan(), Place(tmp_path), []
    clock = [0.0]
    monkeypatch.setattr(running.time, "monotonic", lambda: clock[0])

    def pretend(step, place, log):
        clock[0] += 60
        if ends and ends.pop(0):
            raise ends.pop(0)
        (place.workdir / step.makes[0]).write_text("made")
        return 0, False

    monkeypatch.setattr(running, "_carry_out", pretend)
    for error in (ValueError("torn"), KeyboardInterrupt("stopped")):
        ends[:] = [False, True, error]
        with pytest.raises(type(error)):
            running.run(plan, place)
        (tmp_path / "a.txt").unlink()
    running.run(plan, place)
    # a: its file was gone each time. b: two failures and the end.
    assert [running.seconds(step, place) for step in plan.steps] == [180, 180, 60, 60]
    changed = pretended_steps.plan(0, 1, 0, 0)
    running.run(changed, place)
    assert [running.seconds(step, place) for step in changed.steps] == [180, 60, 120, 120]


def start(workdir, trouble):
    """Starts the pretended plan in a process and waits until its step b is under way."""
    (workdir / "b.trouble").write_text(trouble)

    def set_signals():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # a shell's background ignores Ctrl-C

    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/support/pretended_steps.py"), str(workdir)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=set_signals,
    )
    wait_for(workdir / "waiting")
    return process


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("to_all", [True, False], ids=["terminal", "one process"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_waits_for_what_is_saved_and_goes_on(tmp_path, number, to_all):
    process = start(tmp_path, "wait")
    (os.killpg if to_all else os.kill)(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "step 'b' is stopped; the same command goes on" in output
    assert "error" not in output and "Traceback" not in output
    assert (tmp_path / "saved").exists() and not (tmp_path / "b.txt").exists()
    (tmp_path / "b.trouble").unlink()
    assert run_again(tmp_path) == "bcd"


def test_step_that_knows_no_signal_is_stopped_too(tmp_path):
    process = start(tmp_path, "wait_unprepared")
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "step 'b' is stopped" in output, output


def test_signal_at_the_end_of_a_step_stops_before_the_next(tmp_path):
    process = start(tmp_path, "finish_after_signal")
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "stopped after step 'b'; the same command goes on" in output
    assert calls(tmp_path) == ["a", "b"]
    (tmp_path / "b.trouble").unlink()
    assert run_again(tmp_path) == "cd"
