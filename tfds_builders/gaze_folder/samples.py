"""Raw gaze samples, as eye trackers export them: a line for each moment."""

import csv
import dataclasses
import itertools
import math
import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import images, placement, sample_formats

_LOST = ("", ".", "na", "nan", "-")
_IMAGE_NAMES = (*images.SUFFIXES, ".bmp", ".gif", ".tif", ".tiff", ".webp")


@dataclasses.dataclass(frozen=True)
class Presentation:
    """The samples of one viewer while one image was on the screen.

    Attributes:
        viewer: name of the person, empty where the file does not say.
        stem: name of the image, without folders and extension.
        time_ms: milliseconds, float64 [n].
        x: column on the screen, pixels, 0-based, NaN where the eye was lost, float64 [n].
        y: row on the screen, likewise.
        place: where the export says that the image was; None if it does not.
        source: file and first line.
    """

    viewer: str
    stem: str
    time_ms: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    place: placement.Place | None
    source: str


@dataclasses.dataclass(frozen=True)
class _Sample:
    """One line."""

    viewer: str
    stem: str
    numbers: tuple[float, float, float]
    place: tuple[float, ...]
    source: str


class SampleFile:
    """One export.

    Attributes:
        path: the file.
        skipped: what was wrong with each line left out; complete when all has been read.
        lines: lines read so far, without the header.
    """

    def __init__(self, path: pathlib.Path, viewer: str) -> None:
        """Opens nothing yet.

        Args:
            path: the file: tabs or commas, UTF-8 or UTF-16, a header.
            viewer: who looked, where the file itself does not say.
        """
        self.path = path
        self.skipped: list[str] = []
        self.lines = 0
        self._viewer = viewer

    def presentations(self) -> Iterator[Presentation]:
        """Reads the file; no more than one presentation is held at once.

        Yields:
            Presentations in the file's order. Lines without an image are left out: nothing was
            shown then.

        Raises:
            ValueError: if the header is of no known export, or the file is no text table.
        """
        with open(self.path, encoding=_encoding(self.path), newline="") as file:
            try:
                first = file.readline()
                delimiter = "\t" if "\t" in first else ","
                header = next(csv.reader([first], delimiter=delimiter), [])
                columns = sample_formats.find_columns(header, self.path)
                rows = csv.reader(file, delimiter=delimiter)
                groups = itertools.groupby(
                    self._samples(rows, columns), lambda s: (s.viewer, s.stem)
                )
                for (viewer, stem), samples in groups:
                    yield _present(viewer, stem, list(samples), columns)
            except (UnicodeDecodeError, csv.Error) as error:
                raise ValueError(
                    f"{self.path} must be a table in UTF-8 or UTF-16 ({error}); export it again"
                ) from error

    def _samples(self, rows: Iterator[list[str]], columns: sample_formats.Columns) -> Iterator:
        """Lines of the eye tracker; bad ones are listed."""
        for number, fields in enumerate(rows, 2):
            self.lines += 1
            source = f"{self.path}, line {number}"
            try:
                sample = self._parse(fields, columns, source)
            except ValueError as error:
                self.skipped.append(f"{source}: {error}")
                continue
            if sample is not None and sample.stem:
                yield sample

    def _parse(
        self, fields: list[str], columns: sample_formats.Columns, source: str
    ) -> _Sample | None:
        """Reads a line; None if another device than the eye tracker wrote it."""
        try:
            if columns.device is not None and fields[columns.device].lower() != "eye tracker":
                return None
            image = self.path.stem if columns.image is None else stem_of(fields[columns.image])
            viewer = self._viewer if columns.viewer is None else fields[columns.viewer].strip()
            eyes = [(number(fields[x]), number(fields[y])) for x, y in columns.eyes]
            place = tuple(number(fields[index]) for index in columns.place)
            time = number(fields[columns.time])
        except IndexError:
            raise ValueError(f"has only {len(fields)} fields; export the file again") from None
        if math.isnan(time):
            raise ValueError("has no time stamp; remove the line")
        return _Sample(viewer, image, (time, *average(eyes)), place, source)


def average(eyes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Returns the middle of the eyes that were seen.

    Args:
        eyes: x and y of each, NaN where it was lost.

    Returns:
        x and y, NaN where all were lost.
    """
    seen = [eye for eye in eyes if not math.isnan(sum(eye))] or [(math.nan, math.nan)]
    x, y = (sum(axis) / len(seen) for axis in zip(*seen, strict=True))
    return x, y


def milliseconds(
    time: npt.NDArray[np.float64], unit_ms: float | None, source: str
) -> npt.NDArray[np.float64]:
    """Converts time stamps, whose unit exports often leave out.

    Trackers sample 5 to 2000 times a second. So the interval tells the unit: it is up to 0.1 in
    seconds, up to 200 in milliseconds, more in microseconds, and above 200,000 in nanoseconds.

    Args:
        time: time stamps of one presentation, [n].
        unit_ms: milliseconds in their unit, None where unknown.
        source: where they come from, for the error message.

    Returns:
        Milliseconds, float64 [n].

    Raises:
        ValueError: if the unit is unknown and no time passes.
    """
    if unit_ms is None and len(time) > 1:
        steps = np.diff(time)
        if not (steps > 0).any():
            raise ValueError(f"{source}: time stamps must increase; got {time[:5]}. Sort the file")
        step = np.median(steps[steps > 0])
        unit_ms = float(np.select([step < 0.1, step < 200, step < 2e5], [1e3, 1.0, 1e-3], 1e-6))
    return time * (unit_ms or 1.0)


def _present(
    viewer: str, stem: str, samples: list[_Sample], columns: sample_formats.Columns
) -> Presentation:
    time, x, y = np.array([sample.numbers for sample in samples]).T
    first = samples[0]
    return Presentation(
        viewer=viewer,
        stem=stem,
        time_ms=milliseconds(time, columns.unit_ms, first.source),
        x=x,
        y=y,
        place=_placed(first),
        source=first.source,
    )


def _placed(sample: _Sample) -> placement.Place | None:
    """Where the image was, if the export says it."""
    if not sample.place or any(map(math.isnan, sample.place)):
        return None
    try:
        return placement.Place(*sample.place)
    except ValueError as error:
        raise ValueError(f"{sample.source}: {error}. Write a {placement.FILE} instead") from error


def stem_of(name: str) -> str:
    """Removes folders, of Windows too, and the extension of an image from its name.

    Args:
        name: a path, or a name without extension.

    Returns:
        The stem by which gaze is joined to images.
    """
    path = pathlib.PureWindowsPath(name.strip())
    return path.stem if path.suffix.lower() in _IMAGE_NAMES else path.name


def number(text: str) -> float:
    """Reads a number.

    Args:
        text: with a decimal point, or a mark of a lost eye.

    Returns:
        The number; NaN for a mark.

    Raises:
        ValueError: if it is neither, or not finite.
    """
    text = text.strip()
    if text.lower() in _LOST:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        raise ValueError(
            f"{text!r} must be a number with a decimal point, not a comma; export it so"
        ) from None
    if not math.isfinite(number):
        raise ValueError(f"numbers must be finite; got {text!r}. Remove the line")
    return number


def _encoding(path: str | os.PathLike) -> str:
    with open(path, "rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
