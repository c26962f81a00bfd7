"""Which steps are done: a file for each in the work folder."""

import json
import os
import pathlib
import re

from salclass_tf.reproduction.steps import Place, Plan, Step


def to_do(plan: Plan, place: Place) -> set[str]:
    """Returns the names of the steps that are not done, or need one that is not.

    A step is done if it was finished with the same settings and its files are still there.
    """
    names: set[str] = set()
    for step in plan.steps:
        if names.intersection(step.needs) or not _is_done(step, place):
            names.add(step.name)
    return names


def seconds(step: Step, place: Place) -> float | None:
    """Returns how long a finished step took, None where it is not finished."""
    mark = _read(step, place)
    return mark["seconds"] if mark else None


def note(step: Step, place: Place, seconds: float) -> None:
    """Marks a step as done."""
    path = _path(step, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    content = {"step": step.name, "settings": step.fingerprint(place), "seconds": round(seconds, 1)}
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)


def forget(step: Step, place: Place) -> None:
    """Marks a step as not done."""
    _path(step, place).unlink(missing_ok=True)


def log_path(step: Step, number: int, place: Place) -> pathlib.Path:
    """Returns where the log of a step is."""
    return place.workdir / "logs" / f"{number:02}-{_slug(step)}.log"


def _is_done(step: Step, place: Place) -> bool:
    """Whether a step was finished with these settings and its files are there."""
    mark = _read(step, place)
    made = all((place.workdir / path).is_file() for path in step.work.makes)
    return made and mark.get("settings") == step.fingerprint(place)


def _read(step: Step, place: Place) -> dict:
    """What the mark of a step says; {} where there is none."""
    try:
        return json.loads(_path(step, place).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _path(step: Step, place: Place) -> pathlib.Path:
    return place.workdir / "done" / f"{_slug(step)}.json"


def _slug(step: Step) -> str:
    """The name of a step as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", step.name.lower()).strip("-")
