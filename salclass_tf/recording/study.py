"""The study that `gaze_folder` reads, made of the sessions on disk."""

import csv
import io
import os
import pathlib
import shutil
from collections.abc import Iterable, Sequence

import numpy as np

from salclass_tf.recording import plan, storage, trial
from salclass_tf.recording.screen import Screen
from salclass_tf.runs import files

FOLDER = "study"
SET_ASIDE = "set_aside"
_RESPONSES = (
    "stem", "viewer", "response", "correct", "recognised", "recognition_time_ms", "attempt",
    "onset_s", "offset_s", "frames", "dropped_frames",
)  # fmt: skip
_TASKS = {
    "classification": "classification while the picture grows sharp",
    "free_viewing": "free viewing",
    "memory": "memory",
}


def copy_pictures(planned: plan.Plan, source: str | os.PathLike, recording: pathlib.Path) -> None:
    """Copies the pictures of a plan, byte for byte, so that they are there in every session.

    Args:
        planned: the plan.
        source: the folder that its pictures were found in.
        recording: the folder of the recording: `study/images` and `set_aside` are made there.
    """
    source = pathlib.Path(source)
    top = source / "images" if (source / "images").is_dir() else source
    for pictures_of in (planned.pictures, planned.set_aside):
        for picture in pictures_of.values():
            path = picture_path(planned, picture.stem, recording)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(top / picture.class_name / picture.file, path)


def picture_path(planned: plan.Plan, stem: str, recording: pathlib.Path) -> pathlib.Path:
    """Returns the file of a picture in the recording."""
    picture = planned.picture(stem)
    top = recording / FOLDER / "images" if stem in planned.pictures else recording / SET_ASIDE
    return top / picture.class_name / picture.file


def collect(recording: str | os.PathLike) -> pathlib.Path:
    """Makes the study of all trials on disk; files that are up to date stay untouched.

    Sessions of several machines are merged by copying their folders into `sessions/` first.

    Args:
        recording: folder with `plan.json` and `sessions/`.

    Returns:
        The folder of the study: `images/`, `samples/<code>/<stem>.csv`, `placement.csv`,
        `responses.csv`, `recording.json`.

    Raises:
        FileNotFoundError: if there is no plan.
        ValueError: if no trial is finished yet, a session belongs to another plan, or sessions
            differ in screen or tracker.
    """
    recording = pathlib.Path(recording)
    planned = plan.read_plan(recording)
    begun = storage.sessions(recording)
    trials = {session.code: _checked(session, begun[0], planned) for session in begun}
    if not any(trials.values()):
        raise ValueError(f"{recording} holds no finished trial yet; record a session first")
    study = recording / FOLDER
    for code, finished in trials.items():
        for one in finished:
            _put(study / "samples" / code / f"{one.stem}.csv", _samples(code, one))
    every = [(code, one) for code, finished in trials.items() for one in finished]
    _put(study / "placement.csv", _placement(one for _, one in every))
    _put(study / "responses.csv", _responses(every))
    files.write_json(study / "recording.json", _facts(planned, begun[0], [t for _, t in every]))
    return study


def _checked(
    session: storage.Session, first: storage.Session, planned: plan.Plan
) -> list[trial.Trial]:
    """The trials of a session that belongs to the study."""
    setup = session.setup()
    storage.check_same(first.setup(), setup, str(session.folder))
    if setup["plan"] != planned.digest:
        raise ValueError(
            f"{session.folder} belongs to another plan than {plan.FILE}; move it to the recording "
            "that it comes from"
        )
    stems = planned.person(session.code).stems
    trials = session.trials()
    for one in trials:
        if one.index >= len(stems) or one.stem != stems[one.index]:
            raise ValueError(f"{session.folder}: trial {one.index} is not the plan's; restore it")
    return trials


def _samples(code: str, one: trial.Trial) -> list[Sequence]:
    """A plain table of `gaze_folder`, with the blur at each moment."""
    table: list[Sequence] = [("t", "x", "y", "viewer", "stem", "blur_variance")]
    begins, variances = zip(*one.shown.levels, strict=True)
    for t_ms, x, y in zip(one.shown.t_ms, one.shown.x, one.shown.y, strict=True):
        level = int(np.searchsorted(begins, t_ms, side="right")) - 1
        where = ("", "") if x is None or y is None else (f"{x:.2f}", f"{y:.2f}")
        table.append((f"{t_ms:.3f}", *where, code, one.stem, f"{variances[max(level, 0)]:g}"))
    return table


def _placement(trials: Iterable[trial.Trial]) -> list[Sequence]:
    places = {one.stem: one.shown.place for one in trials}
    rows = [(stem, p.left, p.top, p.width, p.height) for stem, p in sorted(places.items())]
    return [("stem", "left", "top", "width", "height"), *rows]


def _responses(every: Iterable[tuple[str, trial.Trial]]) -> list[Sequence]:
    rows = []
    for code, one in sorted(every, key=lambda pair: (pair[1].stem, pair[0])):
        shown = one.shown
        stopped = "" if shown.stop_ms is None else f"{shown.stop_ms:.1f}"
        rows.append(
            (one.stem, code, one.response, _flag(one.correct), _flag(one.recognised), stopped)
            + (one.attempt, f"{shown.onset_s:.4f}", f"{shown.offset_s:.4f}")
            + (len(shown.flips_ms) - 1, shown.dropped_frames)
        )
    return [_RESPONSES, *rows]


def _flag(value: bool | None) -> str:
    return "" if value is None else str(int(value))


def _facts(
    planned: plan.Plan, session: storage.Session, trials: Sequence[trial.Trial]
) -> dict[str, object]:
    """The content of `recording.json`."""
    setup = session.setup()
    screen = Screen(**setup["screen"])
    # A degree in the pixels of each image file, since heat maps are drawn there.
    degrees = [
        screen.pixels_per_degree * planned.pictures[one.stem].width / one.shown.place.width
        for one in trials
    ]
    return {
        "task": _TASKS[planned.protocol.task],
        "tracker": setup["tracker"],
        "sampling_rate_hz": setup["sampling_rate_hz"],
        "viewing_time_s": planned.protocol.duration_s,
        "sigma_px": round(float(np.median(degrees)), 2),
        "pixels_per_degree": round(screen.pixels_per_degree, 3),
        "screen_width_px": screen.width_px,
        "screen_height_px": screen.height_px,
        "screen_width_cm": screen.width_cm,
        "viewing_distance_cm": screen.distance_cm,
    }


def _put(path: pathlib.Path, table: Sequence[Sequence]) -> None:
    """Writes a table in UTF-8, whole or not at all, if it is not there already."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    content = text.getvalue().encode()
    if path.exists() and path.read_bytes() == content:
        return
    files.write_bytes(path, content)
