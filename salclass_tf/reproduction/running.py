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
        marks.forget(step, place)
        _carry_out(step, place, log)
        seconds = time.monotonic() - started
        marks.note(step, place, seconds)
        _say(f"step {number} of {len(plan.steps)}: done in {seconds / 60:.1f} min")


def _carry_out(step: Step, place: Place, log: pathlib.Path) -> None:
    """Runs a step in a process and waits for it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # A fresh interpreter: TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_work, args=(step.work, place, log))
    process.start()
    with _stopping_together(process):
        process.join()
    if process.exitcode == 0:
        return
    if process.exitcode == _STOPPED:
        raise KeyboardInterrupt(f"step {step.name!r} is stopped")
    reason = {
        _FAILED: _last_error(log),
        _CRASHED: "it has an error of its own, see the log",
    }.get(process.exitcode, f"its process has ended with {process.exitcode}, for want of memory?")
    raise ValueError(
        f"step {step.name!r} failed: {reason}\nIts log is {log}. What is done stays; the same "
        "command goes on from there"
    )


@contextlib.contextmanager
def _stopping_together(process: multiprocessing.Process) -> Iterator[None]:
    """Hands SIGTERM on to the process, and waits for what it saves after Ctrl-C."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    except KeyboardInterrupt:
        # A terminal sends it to both.
        process.join()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


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
    except KeyboardInterrupt:
        sys.exit(_STOPPED)
    except Exception:
        traceback.print_exc()
        sys.exit(_CRASHED)


def _last_error(log: pathlib.Path) -> str:
    """What a step gave as its reason."""
    return re.split(r"^error: ", log.read_text(encoding="utf-8"), flags=re.MULTILINE)[-1].strip()


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
