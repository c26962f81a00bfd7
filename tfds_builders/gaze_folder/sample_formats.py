"""The columns in which eye trackers export raw samples."""

import dataclasses
import os
import re
from collections.abc import Sequence

Eye = tuple[str, str]

IMAGE_NAMES = ("stem", "image", "image_name")
"""How the user's own variable for the image may be called, in lower case, the best first."""


@dataclasses.dataclass(frozen=True)
class SampleFormat:
    """Names of the columns of one kind of export, in lower case and without units.

    Attributes:
        time: the time stamp.
        eyes: alternatives, the best first; each the (x, y) of one eye, or of two to be averaged.
        viewer: the person; empty where the folder of the file names it.
        image: the image, the best name first; the file's own name stands in for a missing column.
        device: which sensor a line is from; only those of an eye tracker count.
        place: left, top, width and height of the image on the screen.
    """

    time: str
    eyes: tuple[tuple[Eye, ...], ...]
    viewer: str = "viewer"
    image: tuple[str, ...] = IMAGE_NAMES
    device: str = "sensor"
    place: tuple[str, ...] = ()


TOBII = SampleFormat(
    time="recording timestamp",
    eyes=(
        (("gaze point x", "gaze point y"),),
        (("gaze point left x", "gaze point left y"), ("gaze point right x", "gaze point right y")),
    ),
    viewer="participant name",
    image=("presented media name", "presented stimulus name"),
    place=(
        "presented media position x",
        "presented media position y",
        "presented media width",
        "presented media height",
    ),
)
"""Tobii Pro Lab, "Data export", TSV."""

EYELINK_REPORT = SampleFormat(
    time="timestamp",
    eyes=((("left_gaze_x", "left_gaze_y"), ("right_gaze_x", "right_gaze_y")),),
    viewer="recording_session_label",
)
"""EyeLink Data Viewer, "Sample Report"."""

EYELINK_ASC = SampleFormat(time="time", eyes=((("xpl", "ypl"), ("xpr", "ypr")), (("xp", "yp"),)))
"""An EyeLink EDF or ASC file as the R package `eyelinker` names its columns."""

PLAIN = SampleFormat(time="t", eyes=((("x", "y"),),))
"""A time and a point on the screen."""

_FORMATS = (TOBII, EYELINK_REPORT, EYELINK_ASC, PLAIN)
# Not [MCS norm] or [DACS mm]: those are other quantities.
_UNIT = re.compile(r"\s*[\[(]\s*(?:dacs|rcs)?\s*(px|ms|s|us|[\u00b5\u03bc]s)\s*[\])]$")
_MILLISECONDS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "\u00b5s": 1e-3, "\u03bcs": 1e-3}


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where a file has what; places count from 0.

    Attributes:
        time: place of the time stamp.
        unit_ms: milliseconds in a unit of the time stamp; None if the header does not say.
        eyes: places of x and y of each recorded eye.
        viewer: place of the person's name, None without one.
        image: place of the image's name, None without one.
        device: place of the sensor's name, None without one.
        place: places of left, top, width and height; empty without them.
    """

    time: int
    unit_ms: float | None
    eyes: tuple[tuple[int, int], ...]
    viewer: int | None
    image: int | None
    device: int | None
    place: tuple[int, ...]


def find_columns(header: Sequence[str], path: str | os.PathLike) -> Columns:
    """Recognises an export by its header.

    Args:
        header: names of the columns, with or without units in brackets.
        path: the file, for the error message.

    Returns:
        The columns of the first format that fits.

    Raises:
        ValueError: if none does.
    """
    units = [_UNIT.search(name.lower()) for name in header]
    names = [_UNIT.sub("", name.lower()).strip() for name in header]
    where = {name: names.index(name) for name in names}
    for known in _FORMATS:
        eyes = _eyes(known, where)
        if known.time in where and eyes:
            time = where[known.time]
            images = [where[name] for name in known.image if name in where]
            placed = all(name in where for name in known.place)
            return Columns(
                time=time,
                unit_ms=_MILLISECONDS.get(units[time].group(1)) if units[time] else None,
                eyes=eyes,
                viewer=where.get(known.viewer),
                image=images[0] if images else None,
                device=where.get(known.device),
                place=tuple(where[name] for name in known.place) if placed else (),
            )
    raise ValueError(
        f"{path} must have the columns of an eye tracker's export: {_describe()}; got "
        f"{', '.join(header)}. Add the missing ones, separated by tabs or commas"
    )


def _eyes(known: SampleFormat, where: dict[str, int]) -> tuple[tuple[int, int], ...]:
    """Columns of the first alternative of which at least one eye is there."""
    for alternative in known.eyes:
        found = tuple((where[x], where[y]) for x, y in alternative if x in where and y in where)
        if found:
            return found
    return ()


def _describe() -> str:
    lists = [[known.time, *known.eyes[0][0]] for known in _FORMATS]
    return ", or ".join("/".join(names) for names in lists)
