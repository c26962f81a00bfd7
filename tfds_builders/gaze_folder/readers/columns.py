"""Columns of exports with a line for each sample: their names, and where a file has them."""

import dataclasses
from collections.abc import Mapping, Sequence

from tfds_builders.gaze_folder.readers import clock

Eye = tuple[str, str]

IMAGE_NAMES = ("stem", "image", "image_name", "image_file", "stimulus", "picture")
"""How the user's own variable for the image may be called, in lower case, the best first."""

VIEWER_NAMES = ("viewer", "participant", "subject", "participant name")
"""How a column for the person may be called, likewise."""


@dataclasses.dataclass(frozen=True)
class OwnFixations:
    """Columns in which the tracker says which samples are a fixation of its own.

    Attributes:
        index: number of the fixation, the same in all its lines.
        x: where it is.
        y: likewise.
        duration: how long it is in all.
        kind: column that tells fixations from other events; "" if every numbered line is one.
        kinds: what stands there, in lower case.
        start: when it begins, "" if its first line tells.
        in_media: whether x and y count from the place of the image.
    """

    index: str
    x: str
    y: str
    duration: str
    kind: str = ""
    kinds: tuple[str, ...] = ("fixation",)
    start: str = ""
    in_media: bool = False


@dataclasses.dataclass(frozen=True)
class SampleFormat:
    """Names of the columns of one kind of export, in lower case and without units.

    Attributes:
        name: what the export is called.
        time: the time stamp, the best name first.
        eyes: alternatives, the best first; each the (x, y) of one eye or of both.
        viewer: the person, the best name first; the folder of the file stands in for it.
        image: the image, likewise; the file's own name stands in for it.
        device: which sensor a line is from, (column, value); other lines are left out.
        filled: column that is empty in lines without a sample; "" if there is none.
        place: left, top, width and height of the image on the screen.
        validity: columns that say whether an eye was seen, for each alternative of `eyes`.
        valid: what stands there then, in lower case.
        shares: whether x and y are shares of the screen.
        upwards: whether y counts from below.
        image_pixels: whether x and y are pixels (or shares) of the image itself.
        screen: columns of the screen's width and height, or of both as `1920 x 1080`.
        needed: further columns without which a file is of another kind.
        own: the tracker's own fixations; None if the export has none.
        time_unit: of the time stamps if no header says it; None if the interval tells.
        users_own: whether users choose the columns; what else they have is worth a note then.
    """

    name: str
    time: tuple[str, ...]
    eyes: tuple[tuple[Eye, ...], ...]
    viewer: tuple[str, ...] = VIEWER_NAMES
    image: tuple[str, ...] = IMAGE_NAMES
    device: tuple[str, str] = ("sensor", "eye tracker")
    filled: str = ""
    place: tuple[str, ...] = ()
    validity: tuple[tuple[str, ...], ...] = ()
    valid: tuple[str, ...] = ("1", "true", "valid")
    shares: bool = False
    upwards: bool = False
    image_pixels: bool = False
    screen: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    own: OwnFixations | None = None
    time_unit: float | None = None
    users_own: bool = False


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where a file has what; places count from 0, None where a column is missing.

    Attributes:
        time: the time stamp.
        unit_ms: milliseconds in a unit of it; None if neither header nor format say.
        eyes: x and y of each recorded eye.
        validity: for each eye, or nothing.
        shares: whether x and y are shares.
        viewer: the person.
        image: the image.
        device: the sensor.
        filled: what is empty in lines without a sample.
        place: left, top, width and height; empty without them.
        screen: width and height of the screen; empty without them.
        own: index, x, y, duration, kind and start of the tracker's fixations; empty without them.
        own_unit_ms: milliseconds in a unit of their duration.
        eye: which eye a line is of, where a line has one.
    """

    time: int
    unit_ms: float | None
    eyes: tuple[tuple[int, int], ...]
    validity: tuple[int, ...]
    shares: bool
    viewer: int | None
    image: int | None
    device: int | None
    filled: int | None
    place: tuple[int, ...]
    screen: tuple[int, ...]
    own: tuple[int | None, ...]
    own_unit_ms: float
    eye: int | None

    def numbers(self) -> list[int]:
        """Places of all columns with numbers."""
        places = [self.time, *(place for eye in self.eyes for place in eye), *self.place]
        if self.own:
            index, x, y, duration, _, start = self.own
            places += [p for p in (index, x, y, duration, start) if p is not None]
        return places

    def texts(self) -> list[int]:
        """Places of all columns with text."""
        places = [self.viewer, self.image, self.device, self.filled, self.eye]
        places += [*self.validity, *self.screen, self.own[4] if self.own else None]
        return [place for place in places if place is not None]


def unread(known: SampleFormat, found: Columns, header: Sequence[str]) -> tuple[str, ...]:
    """Names the columns that nothing is read from, where users choose the columns.

    Args:
        known: the kind; of a tracker's export, which has dozens that nobody misses, none is named.
        found: the columns that are read.
        header: names of all.
    """
    if not known.users_own:
        return ()
    read = {*found.numbers(), *found.texts()}
    return tuple(name for place, name in enumerate(header) if name and place not in read)


def where_of(header: Sequence[str]) -> dict[str, int]:
    """Places of columns by their names.

    Args:
        header: names with or without units in brackets.

    Returns:
        Places by name in lower case without unit; of equal names the first one's.
    """
    names = [clock.without_unit(name)[0] for name in header]
    return {name: names.index(name) for name in names if name}


def lacking(known: SampleFormat, where: Mapping[str, int]) -> list[str]:
    """Lists what a file lacks to be of a kind.

    Args:
        known: the kind.
        where: places of the file's columns by name.

    Returns:
        Names of columns, the best of several; empty if it is of this kind.
    """
    missing = [] if any(name in where for name in known.time) else [known.time[0]]
    if _eyes(known, where) is None:
        missing += known.eyes[0][0]
    return missing + [name for name in known.needed if name not in where]


def find_columns(known: SampleFormat, header: Sequence[str]) -> Columns:
    """Finds the columns of a kind of export.

    Args:
        known: the kind, of which the file is.
        header: names with or without units in brackets.

    Returns:
        Their places.
    """
    where = where_of(header)
    time = next(where[name] for name in known.time if name in where)
    number = _eyes(known, where)
    eyes = _present(known.eyes[number], where)
    unit = clock.without_unit(header[time])[1]
    share = clock.without_unit(header[eyes[0][0]])[1] == "normalized"
    validity = known.validity[number] if known.validity else ()
    valid = [where[name] for name in validity if name in where]
    return Columns(
        time=time,
        unit_ms=clock.MILLISECONDS.get(unit, known.time_unit),
        eyes=eyes,
        validity=tuple(valid) if len(valid) in (1, len(eyes)) else (),
        shares=known.shares or share,
        viewer=_first(known.viewer, where),
        image=_first(known.image, where),
        device=where.get(known.device[0]),
        filled=where.get(known.filled),
        place=_all(known.place, where),
        screen=_all(known.screen, where),
        own=_own(known.own, where),
        own_unit_ms=_own_unit(known.own, header, where),
        eye=_first(("eye", "eye_recorded", "which_eye"), where) if len(eyes) == 1 else None,
    )


def _present(eyes: Sequence[Eye], where: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    return tuple((where[x], where[y]) for x, y in eyes if x in where and y in where)


def _eyes(known: SampleFormat, where: Mapping[str, int]) -> int | None:
    """Number of the first alternative that is there as a whole, otherwise in part."""
    counts = [len(_present(eyes, where)) for eyes in known.eyes]
    whole = [n for n, count in enumerate(counts) if count == len(known.eyes[n])]
    part = [number for number, count in enumerate(counts) if count]
    return next(iter(whole + part), None)


def _first(names: Sequence[str], where: Mapping[str, int]) -> int | None:
    return next((where[name] for name in names if name in where), None)


def _all(names: Sequence[str], where: Mapping[str, int]) -> tuple[int, ...]:
    there = all(name in where for name in names)
    return tuple(where[name] for name in names) if there else ()


def _own(own: OwnFixations | None, where: Mapping[str, int]) -> tuple[int | None, ...]:
    if own is None or not _all((own.index, own.x, own.y, own.duration), where):
        return ()
    if own.kind and own.kind not in where:
        return ()
    names = (own.index, own.x, own.y, own.duration, own.kind, own.start)
    return tuple(where.get(name) for name in names)


def _own_unit(own: OwnFixations | None, header: Sequence[str], where: Mapping[str, int]) -> float:
    if own is None or own.duration not in where:
        return 1.0
    unit = clock.without_unit(header[where[own.duration]])[1]
    return clock.MILLISECONDS.get(unit, 1e3 if own.duration == "fpogd" else 1.0)
