"""BIDS: `..._recording-eye1_physio.tsv.gz`, without a header, described by JSON files."""

import csv
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.common import user_files
from tfds_builders.gaze_folder import presentation
from tfds_builders.gaze_folder.readers import (
    cells,
    clock,
    columns,
    cutting,
    reader,
    table,
    timeline,
)

_NAME = re.compile(
    r"(?P<run>.*?)(?:_recording-(?P<recording>[A-Za-z0-9]+))?_(?:physio|eyetrack)\.tsv"
)
_X, _Y = ("x_coordinate", "x", "gaze_x"), ("y_coordinate", "y", "gaze_y")
_TIME = ("timestamp", "time", "eye_timestamp")
_IMAGE = ("stim_file", *columns.IMAGE_NAMES)
_PIXELS = ("", "pixel", "pixels", "px", "n/a")
_COMPANIONS = re.compile(
    r"(.*_(events|physio|eyetrack|physioevents|scans|channels|coordsystem)\.(json|tsv))"
    r"|(.*_physioevents\.tsv\.gz)|dataset_description\.json|participants\.(tsv|json)"
)


def is_recording(path: pathlib.Path) -> bool:
    """Whether a file is a recording by its name.

    Args:
        path: the file.

    Returns:
        True for `..._physio.tsv` and `..._eyetrack.tsv`, with `.gz` or without.
    """
    return bool(_NAME.match(path.name))


def is_companion(path: pathlib.Path) -> bool:
    """Whether a file describes a recording, or is the second eye of one.

    Args:
        path: the file.

    Returns:
        True if it is read together with another file.
    """
    if is_recording(path):
        return _other_eye(path, "eye2", "eye1") is not None
    return bool(_COMPANIONS.fullmatch(path.name))


class BidsReader(reader.Reader):
    """One run of a person: the samples of one or two files, and pictures from `_events.tsv`."""

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the run as a whole.

        Yields:
            A presentation for each line of `_events.tsv` with a picture; without that file one,
            of the picture after which the recording is named.

        Raises:
            ValueError: if a description is missing or the coordinates are no pixels.
        """
        time_ms, point, rate = self._recording(self.path)
        eyes = point[:, None]
        other = _other_eye(self.path, "eye1", "eye2")
        if other is not None:
            times, second, _ = self._recording(other)
            eyes = np.full((len(time_ms), 2, 2), np.nan)
            eyes[:, 0] = point
            where = np.searchsorted(time_ms, times - 1e-6)
            inside = where < len(time_ms)
            same = inside.copy()
            same[inside] = np.abs(time_ms[where[inside]] - times[inside]) < 0.01
            eyes[where[same], 1] = second[same]
        viewer = re.search(r"sub-([A-Za-z0-9]+)", self.path.name)
        yield from cutting.present(
            self.path,
            viewer.group(1) if viewer else self.setting.viewer,
            self._pictures(time_ms),
            time_ms,
            eyes,
            rate,
        )

    def _recording(
        self, path: pathlib.Path
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float | None]:
        """Time (ms of the run), places and sampling rate of one eye."""
        facts = _description(path)
        names = [str(name).lower() for name in facts["Columns"]]
        x, y = (_find(names, wanted, path) for wanted in (_X, _Y))
        stamp = next((names.index(name) for name in _TIME if name in names), None)
        self._check_units(path, facts, names[x])
        head = table.read_head(path)
        head = table.Head(path, head.encoding, tuple(names), (), "\t", decimal_comma=False)
        places = [place for place in (stamp, x, y) if place is not None]
        found = {place: [np.empty(0)] for place in places}
        for block in table.read_blocks(head, places, (), header_lines=0):
            self.lines += block.lines
            self.skipped += block.skipped
            for place in places:
                found[place].append(block.numbers[place])
        point = np.stack([np.concatenate(found[place]) for place in (x, y)], axis=1)
        rate = facts.get("SamplingFrequency")
        rate = float(rate) if isinstance(rate, int | float) and rate > 0 else None
        if stamp is not None:
            time = np.concatenate(found[stamp])
            time = time * _unit(time, rate, str(path))
            time = time - time[:1]
        elif rate is not None:
            time = np.arange(len(point)) * 1000 / rate
        else:
            raise ValueError(f"{path}: its JSON must have `SamplingFrequency` in hertz; add it")
        start = facts.get("StartTime", 0)
        return time + 1000 * (float(start) if isinstance(start, int | float) else 0), point, rate

    def _check_units(self, path: pathlib.Path, facts: dict[str, Any], x: str) -> None:
        """Coordinates must be pixels of the screen."""
        described = facts.get(x) or {}
        units = described.get("Units", "") if isinstance(described, dict) else ""
        units = str(facts.get("SampleCoordinateUnits", units)).lower()
        if units not in _PIXELS:
            raise ValueError(
                f"{path}: coordinates must be pixels of the screen; its JSON says {units!r}. "
                "Convert them"
            )

    def _pictures(self, time_ms: npt.NDArray[np.float64]) -> list[timeline.Shown]:
        """From `_events.tsv`: onset and duration in seconds, and the picture's file."""
        run = _NAME.match(self.path.name).group("run")
        path = self.path.with_name(f"{run}_events.tsv")
        if not path.exists():
            whole = cutting.whole(time_ms, 1)
            self.notes.append(
                f"{self.path}: there is no {path.name} that says which picture was shown when; all "
                f"is taken for {run}"
            )
            return [timeline.Shown(run, None, (0, whole.start_ms), (0, whole.end_ms), 1)]
        with user_files.opened_table(path) as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        own = self.setting.facts.image_variable
        names = [own] if own else [name for name in _IMAGE if rows and name in rows[0]]
        shown = []
        for number, row in enumerate(rows, 2):
            name = next((row[key] for key in names if row.get(key) not in (None, "", "n/a")), "")
            if name:
                begin = 1000 * cells.number(row["onset"])
                length = 1000 * cells.number(row.get("duration") or "n/a")
                shown.append((number, cells.stem_of(name), begin, length))
        if not shown:
            raise ValueError(
                f"{path} must name pictures in a column {' or '.join(_IMAGE[:3])}; it has "
                f"{', '.join(rows[0]) if rows else 'no line'}. Name the column in recording.json: "
                "`image_variable`"
            )
        ends = [*(begin for _, _, begin, _ in shown[1:]), float("inf")]
        last = float(time_ms[-1]) + clock.period(time_ms) if len(time_ms) else 0.0
        pictures = []
        for (number, stem, begin, length), following in zip(shown, ends, strict=True):
            end = min(following, last, begin + length if length > 0 else float("inf"))
            pictures.append(timeline.Shown(stem, None, (0, begin), (0, end), number))
        return pictures


def _description(path: pathlib.Path) -> dict[str, Any]:
    """The JSON of a recording; what stands in one of a folder above holds below it too."""
    parts = path.name.removesuffix(".gz").removesuffix(".tsv").split("_")
    suffix, entities = parts[-1], set(parts[:-1])
    facts: dict[str, Any] = {}
    for folder in [*reversed(path.parents[:4])]:
        for found in sorted(folder.glob(f"*{suffix}.json"), key=lambda one: len(one.name)):
            if set(found.name.removesuffix(".json").split("_")[:-1]) <= entities:
                facts |= _read_json(found)
    if not isinstance(facts.get("Columns"), list):
        name = path.name.removesuffix(".gz").removesuffix(".tsv") + ".json"
        raise ValueError(
            f"{path} has no header, so that {name} must name its `Columns`; put it beside the file"
        )
    return facts


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file ({error}); save it again") from error
    if not isinstance(facts, dict):
        raise ValueError(f"{path} must be a JSON object; got {str(facts)[:80]}")
    return facts


def _find(names: list[str], wanted: tuple[str, ...], path: pathlib.Path) -> int:
    for name in wanted:
        if name in names:
            return names.index(name)
    raise ValueError(f"{path}: `Columns` of its JSON must have {wanted[0]}; got {', '.join(names)}")


def _unit(time: npt.NDArray[np.float64], rate: float | None, source: str) -> float:
    """Milliseconds in a unit of the time stamps; the sampling rate tells it where it is known."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    if rate is None or not len(steps):
        return clock.unit_of(time, source)
    ratio = 1000 / rate / float(np.median(steps))
    return float(10.0 ** (3 * round(np.log10(ratio) / 3)))


def _other_eye(path: pathlib.Path, this: str, other: str) -> pathlib.Path | None:
    """The file of the other eye, if this is one's and the other is there."""
    mark = f"_recording-{this}_"
    if mark not in path.name:
        return None
    found = path.with_name(path.name.replace(mark, f"_recording-{other}_"))
    return found if found.exists() else None
