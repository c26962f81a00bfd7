"""Which steps are done: a file for each in the work folder."""

import json
import pathlib
import re
import time

from salclass_tf.reproduction.steps import Place, Plan, Step
from salclass_tf.runs.files import write_json


def to_do(plan: Plan, place: Place) -> set[str]:
    """Returns the names of the steps that are not done, or need one that is not.

    A step is done if it was finished with the same settings, its files are still there, and no
    step that it needs has been repeated since.
    """
    names: set[str] = set()
    for step in plan.steps:
        if names.intersection(step.needs) or not _is_done(step, place):
            names.add(step.name)
    return names


def seconds(step: Step, place: Place) -> float | None:
    """Returns how long a step has taken in all, None where it was never begun.

    All its attempts with the same settings count; those that a crash of this program or of the
    machine ended do not.
    """
    return _read(step.name, place).get("seconds")


def begin(step: Step, place: Place) -> None:
    """Marks a step as under way, which is not done; see `seconds` for what it has taken before."""
    mark = _read(step.name, place)
    goes_on = mark.get("settings") == step.fingerprint(place) and (
        mark.get("unfinished", False) or _is_made(step, place)
    )
    before = mark["seconds"] if goes_on else 0.0
    _write(step, place, {"seconds": before, "unfinished": True})


def add_time(step: Step, place: Place, seconds: float) -> None:
    """Adds what an attempt at a step has taken, whatever became of it."""
    mark = _read(step.name, place)
    _write(step, place, mark | {"seconds": round(mark["seconds"] + seconds, 1)})


def finish(step: Step, place: Place) -> None:
    """Marks a step as done, from what the steps that it needs have made by now."""
    mark = _read(step.name, place)
    del mark["unfinished"]
    needs = {name: _read(name, place).get("finished") for name in step.needs}
    _write(step, place, mark | {"needs": needs, "finished": time.time_ns()})


def log_path(step: Step, number: int, place: Place) -> pathlib.Path:
    """Returns where the log of a step is."""
    return place.workdir / "logs" / f"{number:02}-{_slug(step.name)}.log"


def _is_done(step: Step, place: Place) -> bool:
    """Whether a step was finished with these settings, from what is there now."""
    mark = _read(step.name, place)
    finished = mark.get("settings") == step.fingerprint(place) and not mark.get("unfinished")
    needs = mark.get("needs", {})
    fresh = all(_read(name, place).get("finished") == when for name, when in needs.items())
    return finished and fresh and _is_made(step, place)


def _is_made(step: Step, place: Place) -> bool:
    """Whether the files of a step are there."""
    return all((place.workdir / path).is_file() for path in step.work.makes)


def _read(name: str, place: Place) -> dict:
    """What the mark of a step says; {} where there is none."""
    try:
        return json.loads(_path(name, place).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _write(step: Step, place: Place, facts: dict) -> None:
    """Writes a mark, whole or not at all."""
    content = {"step": step.name, "settings": step.fingerprint(place)} | facts
    write_json(_path(step.name, place), content)


def _path(name: str, place: Place) -> pathlib.Path:
    return place.workdir / "done" / f"{_slug(name)}.json"


def _slug(name: str) -> str:
    """The name of a step as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
