"""Carries a plan out: each step in a process of its own, what is done is not done again."""

import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import time

from salclass_tf.commandline import BAD_INPUT, INTERRUPTED
from salclass_tf.reproduction.plan import Place, Plan, Step
from salclass_tf.runs.files import read_json, write_json
from salclass_tf.runs.seeds import FAMILY, seeds_in

_BAD_FLAG = 1  # exit code of absl


def run(plan: Plan, place: Place) -> None:
    """Gives the commands of a plan that are not done, in order.

    A step has a log in `<workdir>/logs`, and a mark in `<workdir>/done`.

    Raises:
        ValueError: if a step fails; what is done stays.
        KeyboardInterrupt: if this process is asked to stop, by SIGINT (Ctrl-C) or SIGTERM; the
            step under way has saved what it can.
    """
    todo, count = to_do(plan, place), len(plan.steps)
    _say(f"{count} steps, {count - len(todo)} of them done before")
    for step in todo:  # later ones are made from what is made again now
        write_json(_mark(step, place), _attempts(step, place) | {"finished": False})
    for step in todo:
        number = plan.steps.index(step) + 1
        log = place.workdir / "logs" / f"{number:02}-{_slug(step)}.log"
        usual = "" if step.minutes is None else f", about {step.minutes:g} min"
        _say(f"step {number} of {count}: {step.name}{usual}; log: {log}")
        started, code, stopped = time.monotonic(), None, False
        try:
            code, stopped = _carry_out(step, place, log)
        finally:
            spent = time.monotonic() - started
            total = round(_attempts(step, place)["seconds"] + spent, 1)
            facts = {"seconds": total, "finished": code == 0}
            write_json(_mark(step, place), _attempts(step, place) | facts)
        _check(step, code, stopped, log)
        _say(f"step {number} of {count}: done in {spent / 60:.1f} min")
        if stopped:
            raise KeyboardInterrupt(f"stopped after step {step.name!r}")


def check_seeds(plan: Plan, place: Place) -> None:
    """Checks that no other seeds lie where tables and figures take all that there are.

    Raises:
        ValueError: naming the folder, the seeds and the remedy.
    """
    paths = {pathlib.PurePath(path) for step in plan.steps for path in step.models.values()}
    folders = {one for path in paths for one in (path, *path.parents) if one.name == FAMILY}
    for folder in sorted(folders):
        others = sorted(seeds_in(place.workdir / folder).keys() - set(plan.seeds))
        if others:
            asked, there = (",".join(map(str, one)) for one in (plan.seeds, others))
            raise ValueError(
                f"{place.workdir / folder} has seeds {there}, which are not in --seeds={asked}: "
                "add them, remove their folders, or give another --workdir"
            )


def to_do(plan: Plan, place: Place) -> list[Step]:
    """Returns the first step that is not done with these flags, and all after it.

    Those after it keep what is still right, and so take little time.
    """
    done = [_attempts(step, place).get("finished") and step.is_made(place) for step in plan.steps]
    return list(plan.steps[[*map(bool, done), False].index(False) :])


def seconds(step: Step, place: Place) -> float:
    """Returns how long all attempts at a step with the same flags have taken."""
    return _attempts(step, place)["seconds"]


def outline(plan: Plan, place: Place) -> str:
    """Returns what a plan would do, without doing it."""
    todo = to_do(plan, place)
    lines = [f"preset {plan.preset}, in {place.workdir}"]
    for number, step in enumerate(plan.steps, start=1):
        usual = "" if step.minutes is None else f"{step.minutes:g} min"
        state = "to do" if step in todo else "done"
        lines.append(f"{number:3}  {state:5}  {usual:>7}  {step.name}: {step}")
    known = [step.minutes for step in todo if step.minutes is not None]
    if known:
        lines.append(f"about {sum(known):g} minutes to go on two slow cores")
    return "\n".join(lines)


def _attempts(step: Step, place: Place) -> dict:
    """The mark of a step, a new one where there is none or where its flags were others."""
    flags = step.arguments(Place(pathlib.Path(), split=place.split, steps=place.steps))
    with contextlib.suppress(OSError, ValueError):
        mark = read_json(_mark(step, place))
        if mark.get("flags") == flags:
            return mark
    return {"flags": flags, "seconds": 0.0}


def _carry_out(step: Step, place: Place, log: pathlib.Path) -> tuple[int, bool]:
    """Runs a step; returns its exit code, and whether a signal has asked to stop.

    SIGINT and SIGTERM are handed on to the step. A terminal sends Ctrl-C to both processes, most
    else to this one alone, so the step may get one twice. That does no harm: training notes
    signals and saves before it ends, and everything else writes its files whole or not at all.
    """
    received: list[int] = []
    running: list[subprocess.Popen] = []

    def hand_on(number: int, _frame: object) -> None:
        received.append(number)
        for process in running:
            process.send_signal(number)

    before = {n: signal.signal(n, hand_on) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {step}", file=file, flush=True)
            command = [sys.executable, *step.arguments(place)]
            running.append(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT))
            if received:  # before there was a process to hand it to
                running[0].terminate()
            return running[0].wait(), bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check(step: Step, code: int, stopped: bool, log: pathlib.Path) -> None:
    """Raises what the exit code of a step means."""
    if code == 0:
        return
    if stopped or code == INTERRUPTED:
        raise KeyboardInterrupt(f"step {step.name!r} is stopped")
    reason = _last_error(log) if code in (BAD_INPUT, _BAD_FLAG) else ""
    if code < 0:
        memory = ", probably because memory ran out" if -code == signal.SIGKILL else ""
        reason = f"its process was ended by {signal.Signals(-code).name}{memory}"
    raise ValueError(
        f"step {step.name!r} failed: {reason or 'it has an error of its own, see the log'}\nIts "
        f"log is {log}. What is done stays; the same command goes on from there"
    )


def _last_error(log: pathlib.Path) -> str:
    """What the last attempt gave as its reason; "" where it gave none."""
    text = log.read_text(encoding="utf-8", errors="replace")
    attempt = re.split(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", text, flags=re.MULTILINE)[-1]
    return attempt.split("\nerror: ")[-1].strip() if "\nerror: " in attempt else ""


def _mark(step: Step, place: Place) -> pathlib.Path:
    return place.workdir / "done" / f"{_slug(step)}.json"


def _slug(step: Step) -> str:
    """The name of a step as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-")


def _say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
