"""EyeLink's ASC files, as `edf2asc` writes them: samples, events and messages in order of time."""

import dataclasses
import math
import pathlib
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfds_builders.common import user_files
from tfds_builders.gaze_folder import presentation
from tfds_builders.gaze_folder.readers import (
    clock,
    messages,
    own_fixations,
    reader,
    table,
    timeline,
)

_PLACES = {1: (0, 1, 2), 2: (0, 1, 2, 4, 5)}  # of time, x, y; the pupil's size follows each pair
_AT_ONCE = 100_000  # lines
_DIGITS = frozenset(b"0123456789")


@dataclasses.dataclass
class _Recorded:
    """From a START to its END."""

    start_ms: float
    line: int
    eyes: int
    end_ms: float = math.nan
    last_line: int = 0
    rate: float | None = None
    columns: list[npt.NDArray[np.float64]] = dataclasses.field(default_factory=list)
    fixations: list[tuple[str, float, float, float, float]] = dataclasses.field(
        default_factory=list
    )

    def join(self) -> npt.NDArray[np.float64]:
        """Time, x and y of each eye, float64 [n, 1 + 2 eyes]."""
        if len(self.columns) != 1:
            width = len(_PLACES[self.eyes])
            self.columns = [np.concatenate([np.empty((0, width)), *self.columns])]
        return self.columns[0]


class AscReader(reader.Reader):
    """One file of a person; `timeline` tells which picture was shown when."""

    def __init__(self, path: pathlib.Path, setting: reader.Setting) -> None:
        """Opens nothing yet.

        Args:
            path: the file.
            setting: what is known about it; without a viewer the file's name stands for one.
        """
        viewer = setting.viewer or path.name.removesuffix(".gz").rsplit(".", 1)[0]
        super().__init__(path, dataclasses.replace(setting, viewer=viewer))
        self._recorded: list[_Recorded] = []
        self._open: _Recorded | None = None
        self._told: list[tuple[int, str]] = []
        self._rows: list[bytes] = []
        self._row_lines: list[int] = []

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file as a whole: a name of a picture may stand behind its samples.

        Yields:
            Presentations in the order of time.

        Raises:
            ValueError: if nothing was recorded, the samples are not gaze on the screen, or messages
                can be read in two ways.
        """
        number = self._read()
        if not self._recorded:
            raise ValueError(
                f"{self.path}, line {number}: there must be START and END, and nothing is left of "
                "the file. Convert the EDF file again, with samples and events"
            )
        pictures = self._timeline()
        eye = self._eye_of_fixations()
        without = 0
        for shown in pictures.pictures():
            if not shown.stem and pictures.names_pictures:
                without += 1
                continue
            yield self._present(shown, eye)
        if without:
            self.notes.append(f"{self.path}: {without} trials name no picture; they do not count")
        if not pictures.names_pictures:
            self.notes.append(
                f"{self.path}: no message names a picture, so that all is taken for "
                f"{self.path.stem}; {pictures.hint()}"
            )

    def _read(self) -> int:
        """Sorts the lines; returns how many there are."""
        number = 0
        with table.open_bytes(self.path) as file:
            for number, line in enumerate(file, 1):
                if line[0] in _DIGITS:
                    if self._open is not None:
                        self._rows.append(line)
                        self._row_lines.append(number)
                        if len(self._rows) >= _AT_ONCE:
                            self._parse_rows()
                elif line[0] in b"MESsI":
                    self._read_event(number, line.decode("utf-8", "replace"))
        if self._open is not None:
            self._cut_off(number)
        return number

    def _read_event(self, number: int, line: str) -> None:
        """A line that is no sample."""
        word, *fields = line.split()
        if word == "MSG" and len(fields) > 1:
            self._told.append((number, line.split(None, 1)[1].strip()))
        elif word == "START":
            if self._open is not None:
                self._cut_off(number - 1)
            source = f"{self.path}, line {number}"
            self._open = _Recorded(_number(fields, source), number, _recorded_eyes(fields, source))
        elif word == "SAMPLES" and self._open is not None:
            self._read_samples_line(number, fields)
        elif word == "EFIX" and self._open is not None:
            self._read_fixation(fields)
        elif word == "END" and self._open is not None:
            self._close(_number(fields, f"{self.path}, line {number}"), number)

    def _read_samples_line(self, number: int, fields: list[str]) -> None:
        if "GAZE" not in fields:
            raise ValueError(
                f"{self.path}, line {number}: samples must be gaze on the screen (GAZE); "
                f"got {' '.join(fields)}. Convert the EDF file again"
            )
        if "RATE" in fields[:-1]:
            rate = fields[fields.index("RATE") + 1 :]
            self._open.rate = _number(rate, f"{self.path}, line {number}")

    def _read_fixation(self, fields: list[str]) -> None:
        """`EFIX eye start end duration x y pupil`; one without a place does not count."""
        try:
            start, _, duration, x, y = map(float, fields[1:6])
        except ValueError:
            return
        self._open.fixations.append((fields[0], start, duration, x, y))

    def _close(self, end_ms: float, line: int) -> None:
        self._parse_rows()
        time = self._open.join()[:, 0]
        # END has the time of the last sample, which counts for a period more.
        self._open.end_ms = float(max([end_ms, *(time[-1:] + clock.period(time))]))
        self._open.last_line = line
        self._recorded.append(self._open)
        self._open = None

    def _cut_off(self, line: int) -> None:
        """Ends a recording whose END is missing with its last sample."""
        begun = self._open
        skipped = len(self.skipped)
        self._parse_rows()
        torn = f"{self.path}, line {line}:"
        if len(self.skipped) > skipped and self.skipped[-1].startswith(torn):
            self.skipped.pop()  # the line at which the file breaks off
        time = begun.join()[:, 0]
        ends = [fixation[1] + fixation[2] for fixation in begun.fixations]
        last = max([begun.start_ms, *ends, *(time[-1:] + clock.period(time))])
        self._close(float(last), line)
        self.notes.append(
            f"{self.path}: the recording that begins in line {begun.line} has no END; it is cut "
            f"off at {last:.0f} ms, {last - begun.start_ms:.0f} ms behind its START"
        )

    def _parse_rows(self) -> None:
        """Turns lines of samples into numbers; bad ones are listed."""
        if not self._rows:
            return
        raw = b"".join(self._rows).replace(b" ", b"")
        if b"\t" not in self._rows[0].strip():
            raw = re.sub(rb"[ ]+", b"\t", b"".join(row.lstrip() for row in self._rows))
        if not raw.isascii():  # a damaged line, which is listed
            raw = raw.decode("utf-8", "replace").encode()
        if not raw.endswith(b"\n"):
            raw += b"\n"
        width = raw.split(b"\n", 1)[0].count(b"\t") + 1
        head = table.Head(self.path, "utf-8", ("",) * width, (), "\t", decimal_comma=False)
        places = _PLACES[self._open.eyes]
        block = table.parse(raw, np.array(self._row_lines), head, places, ())
        self.lines += block.lines
        self.skipped += block.skipped
        self._open.columns.append(np.stack([block.numbers[place] for place in places], axis=1))
        self._rows, self._row_lines = [], []

    def _timeline(self) -> timeline.Timeline:
        stretches = [
            messages.Stretch(one.start_ms, one.end_ms, one.line, one.last_line)
            for one in self._recorded
        ]
        where = messages.stretch_of([line for line, _ in self._told], stretches)
        told = []
        for (line, text), stretch in zip(self._told, where, strict=True):
            time, _, words = text.replace("\t", " ").partition(" ")
            if words and time.replace(".", "", 1).isdecimal():
                told.append(messages.Message(float(time), words.strip(), line, stretch))
        return timeline.Timeline(str(self.path), told, stretches, self.setting.facts)

    def _eye_of_fixations(self) -> str:
        """The eye that fixated for longer: both would count everything twice."""
        time = {"L": 0.0, "R": 0.0}
        for one in self._recorded:
            for eye, _, duration, _, _ in one.fixations:
                time[eye] = time.get(eye, 0.0) + duration
        return max(time, key=time.get) if any(time.values()) else ""

    def _present(self, shown: timeline.Shown, eye: str) -> presentation.Presentation:
        """What was recorded while a picture was shown."""
        numbers = range(math.floor(shown.onset[0]), math.floor(shown.offset[0]) + 1)
        parts = [self._recorded[number] for number in numbers]
        begins = [shown.onset[1], *(one.start_ms for one in parts[1:])]
        ends = [one.end_ms for one in parts]
        if shown.offset[0] == numbers[-1]:
            ends[-1] = shown.offset[1]
        samples, fixations = [], []
        for one, begin, end in zip(parts, begins, ends, strict=True):
            rows = one.join()
            samples.append(rows[(rows[:, 0] >= begin) & (rows[:, 0] < end)])
            own = np.array([f[1:] for f in one.fixations if f[0] == eye]).reshape(-1, 4)
            least = self.setting.facts.minimum_duration_ms
            fixations.append(own_fixations.cut(own, begin, end, least))
        eyes = min(one.eyes for one in parts)
        rows = np.concatenate([part[:, : 1 + 2 * eyes] for part in samples])
        return presentation.Presentation(
            viewer=self.setting.viewer,
            stem=shown.stem or user_files.composed(self.path.stem),
            time_ms=rows[:, 0].copy(),
            eyes=rows[:, 1:].reshape(-1, eyes, 2),
            place=shown.place,
            source=f"{self.path}, line {shown.line}",
            onset_ms=begins[0],
            offset_ms=ends[-1],
            sampling_rate_hz=parts[0].rate,
            own_fixations=np.concatenate(fixations) if eye else None,
        )


def _number(fields: list[str], source: str) -> float:
    """The number that begins the rest of a line."""
    try:
        number = float(fields[0])
    except (IndexError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"{source}: a number must follow; got {' '.join(fields)!r}. Convert the EDF file again"
        )
    return number


def _recorded_eyes(fields: list[str], source: str) -> int:
    """How many eyes `START` names."""
    count = len({"LEFT", "RIGHT"} & set(fields))
    if not count:
        raise ValueError(f"{source}: START must name LEFT, RIGHT or both; got {' '.join(fields)}")
    return count
