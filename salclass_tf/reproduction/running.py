"""Carries a plan out: each step in a process of its own, what is done is not done again."""

import contextlib
import logging
import multiprocessing
import os
import pathlib
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator

from salclass_tf.reproduction import marks
from salclass_tf.reproduction.steps import Place, Plan, Step, Work

# Exit codes of a step's process.
_FAILED, _CRASHED, _STOPPED = 2, 1, 130


def run(plan: Plan, place: Place) -> None:
    """Does every step of a plan that is not done, in order.

    A step has a process of its own, so that its memory is free when it ends, and a log in
    `<workdir>/logs`.

    Args:
        plan: the steps.
        place: where everything lies.

    Raises:
        ValueError: if a step fails; what is done stays.
        KeyboardInterrupt: if this process is asked to stop, by SIGINT (Ctrl-C) or SIGTERM; the
            step under way has saved what it can.
    """
    todo = marks.to_do(plan, place)
    _say(f"{len(plan.steps)} steps, {len(plan.steps) - len(todo)} of them done before")
    for number, step in enumerate(plan.steps, start=1):
        if step.name not in todo:
            continue
        log = marks.log_path(step, number, place)
        usual = "" if step.minutes is None else f", about {step.minutes:g} min"
        _say(f"step {number} of {len(plan.steps)}: {step.name}{usual}; log: {log}")
        started = time.monotonic()
        marks.begin(step, place)
        try:
            stopped = _carry_out(step, place, log)
        finally:
            seconds = time.monotonic() - started
            marks.add_time(step, place, seconds)
        marks.finish(step, place)
        _say(f"step {number} of {len(plan.steps)}: done in {seconds / 60:.1f} min")
        if stopped:
            raise KeyboardInterrupt(f"stopped after step {step.name!r}")


def _carry_out(step: Step, place: Place, log: pathlib.Path) -> bool:
    """Runs a step in a process and waits for it.

    Returns:
        Whether a signal has asked to stop; the step is done all the same.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # A fresh interpreter: TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_work, args=(step.work, place, log))
    with _handing_signals_on(process) as received:
        process.start()
        if received:  # before there was a process to hand it to
            process.terminate()
        process.join()
    code = process.exitcode
    if code == 0:
        return bool(received)
    if received or code == _STOPPED:
        raise KeyboardInterrupt(f"step {step.name!r} is stopped")
    raise ValueError(
        f"step {step.name!r} failed: {_reason(code, log)}\nIts log is {log}. What is done stays; "
        "the same command goes on from there"
    )


@contextlib.contextmanager
def _handing_signals_on(process: multiprocessing.Process) -> Iterator[list[int]]:
    """Hands SIGINT and SIGTERM on to a process in place of dying of them; yields those received.

    A terminal sends Ctrl-C to both processes, most else sends signals to this one alone, so the
    other may get one twice. That does no harm: training notes signals and saves before it ends,
    and whatever else is under way writes its files whole or not at all.
    """
    received: list[int] = []

    def hand_on(number: int, _frame: object) -> None:
        received.append(number)
        if process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    before = {n: signal.signal(n, hand_on) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason(code: int, log: pathlib.Path) -> str:
    """Why a process has ended with an exit code."""
    if code == _FAILED:
        return _last_error(log)
    if code < 0:
        memory = ", for want of memory?" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{memory}"
    return "it has an error of its own, see the log"


def _work(work: Work, place: Place, log: pathlib.Path) -> None:
    """What runs in the process: everything that it prints goes into the log."""
    with log.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("salclass_tf").setLevel(logging.INFO)
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {work}", flush=True)
    try:
        from salclass_tf.reproduction.carrying_out import carry_out  # imports TensorFlow

        carry_out(work, place)
    except (ValueError, OSError) as error:
        print(f"\nerror: {error}", flush=True)
        sys.exit(_FAILED)
    except KeyboardInterrupt as stop:
        print(f"\n{stop or 'interrupted'}", flush=True)
        sys.exit(_STOPPED)
    except Exception:
        traceback.print_exc()
        sys.exit(_CRASHED)


def _last_error(log: pathlib.Path) -> str:
    """What a step gave as its reason."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return re.split(r"^error: ", text, flags=re.MULTILINE)[-1].strip()


def _say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def outline(plan: Plan, place: Place) -> str:
    """Returns what a plan would do, without doing it.

    Args:
        plan: the steps.
        place: where everything lies.
    """
    todo = marks.to_do(plan, place)
    lines = [f"preset {plan.preset}, in {place.workdir}"]
    for number, step in enumerate(plan.steps, start=1):
        usual = "" if step.minutes is None else f"{step.minutes:g} min"
        state = "to do" if step.name in todo else "done"
        lines.append(f"{number:3}  {state:5}  {usual:>7}  {step.name}: {step.work}")
    known = [step.minutes for step in plan.steps if step.name in todo and step.minutes is not None]
    if known:
        lines.append(f"about {sum(known):g} minutes to go on two slow cores")
    return "\n".join(lines)
