"""Files of COCO-Search18 and COCO-FreeView: trials in JSON, a viewer and a picture each."""

import collections
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_NEEDED = ("name", "subject", "condition", "X", "Y", "T", "split")
_SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
_UNKNOWN = -1


@dataclasses.dataclass(frozen=True)
class Trial:
    """What one viewer did with one picture.

    Attributes:
        name: file name of the picture without extension.
        viewer: the authors' number of the person.
        task: what was searched for; "" in free viewing.
        split: "train", "validation" or "test".
        xyt: fixations in order of time, column, row, milliseconds, float64 [n, 3].
        correct: 1 or 0, whether the answer was right; -1 where nobody was asked.
        reaction_time_ms: until the answer, -1 where unknown.
        box: x, y, width and height of the target in pixels; None where there is none.
    """

    name: str
    viewer: int
    task: str
    split: str
    xyt: npt.NDArray[np.float64]
    correct: int = _UNKNOWN
    reaction_time_ms: float = _UNKNOWN
    box: tuple[float, float, float, float] | None = None


def read_trials(path: str | os.PathLike, condition: str) -> list[Trial]:
    """Reads a file of trials.

    Args:
        path: JSON, a list of objects.
        condition: what all of them must be: "present", "absent" or "freeview".

    Returns:
        The trials, in the file's order.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it is something else; the message names the entry.
    """
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
        if not isinstance(entries, list) or not entries:
            raise ValueError(f"it holds {type(entries).__name__} of no entries")
    except ValueError as error:
        raise ValueError(
            f"{path} must be a JSON list of trials ({error}); fetch it again"
        ) from error
    trials = []
    for number, entry in enumerate(entries):
        try:
            trials.append(_read_entry(entry, condition))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, entry {number}: {error}. The file belongs to another edition of the set"
            ) from error
    return trials


def by_picture(trials: Iterable[Trial]) -> dict[tuple[str, str], list[Trial]]:
    """Gathers the trials of each picture and task.

    Args:
        trials: in any order.

    Returns:
        (task, name) -> its trials by viewer, sorted.

    Raises:
        ValueError: if a picture is in two splits.
    """
    found = collections.defaultdict(list)
    for trial in trials:
        found[trial.task, trial.name].append(trial)
    for (task, name), gathered in found.items():
        splits = sorted({trial.split for trial in gathered})
        if len(splits) > 1:
            raise ValueError(
                f"picture {name} {task} must be in one split; trials put it into "
                f"{' and '.join(splits)}. Use the files of one edition together"
            )
        gathered.sort(key=lambda trial: trial.viewer)
    return dict(sorted(found.items()))


def by_split(records: Iterable[Any]) -> dict[str, list[Any]]:
    """Divides records by the authors' splits; splits without records are left out.

    Args:
        records: with `trials` each; where there are none, the gaze is held back: the test split.

    Returns:
        Records by split, in their order.
    """
    splits: dict[str, list[Any]] = {"train": [], "validation": [], "test": []}
    for record in records:
        splits[record.trials[0].split if record.trials else "test"].append(record)
    return {split: listed for split, listed in splits.items() if listed}


def columns(trials: Iterable[Trial]) -> dict[str, np.ndarray]:
    """Returns the fixations of trials on one picture, viewer after viewer.

    Args:
        trials: of the picture.

    Returns:
        `x`, `y`, `duration_ms`, float64 [n], and `viewer`, int64 [n]: what `fixation_rows` takes.
    """
    trials = list(trials)
    x, y, duration_ms = np.concatenate([np.empty((0, 3)), *(trial.xyt for trial in trials)]).T
    viewer = np.repeat(
        np.array([trial.viewer for trial in trials], np.int64), [len(t.xyt) for t in trials]
    )
    return {"x": x, "y": y, "duration_ms": duration_ms, "viewer": viewer}


def _read_entry(entry: Mapping[str, Any], condition: str) -> Trial:
    """Checks and packs one entry."""
    if not isinstance(entry, dict):
        raise ValueError(f"a trial must be an object; got {entry!r}")
    missing = [key for key in _NEEDED if key not in entry]
    if missing:
        raise ValueError(f"a trial must have {', '.join(_NEEDED)}; it lacks {missing[0]}")
    if entry["condition"] != condition:
        raise ValueError(f"condition must be {condition!r} throughout; got {entry['condition']!r}")
    if entry["split"] not in _SPLITS:
        raise ValueError(f"split must be one of {', '.join(_SPLITS)}; got {entry['split']!r}")
    lengths = {key: len(entry[key]) for key in "XYT"} | {
        "length": entry.get("length", len(entry["X"]))
    }
    if len(set(lengths.values())) > 1:
        raise ValueError(f"X, Y and T must have `length` numbers each; got {lengths}")
    box = entry.get("bbox")
    if box is not None and (len(box) != 4 or min(box[2:]) <= 0):
        raise ValueError(f"bbox must be x, y, width, height of something; got {box}")
    reaction_time = entry.get("RT")
    return Trial(
        name=str(entry["name"]).rsplit(".", 1)[0],
        viewer=int(entry["subject"]),
        task=str(entry.get("task", "")) if condition != "freeview" else "",
        split=_SPLITS[entry["split"]],
        xyt=np.array([entry[key] for key in "XYT"], np.float64).T.reshape(-1, 3),
        correct=int(entry.get("correct", _UNKNOWN)),
        reaction_time_ms=_UNKNOWN if reaction_time is None else float(reaction_time),
        box=None if box is None else tuple(float(value) for value in box),
    )
