"""Exports with a line for each sample."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import placement, presentation
from tfds_builders.gaze_folder.readers import (
    cells,
    clock,
    columns,
    eye_lines,
    own_fixations,
    reader,
    table,
)

_BACK_MS = 100  # a clock that goes back by more is that of another recording


@dataclasses.dataclass
class _Rows:
    """Successive lines in which images were shown; each array [n] or [n, ...].

    Attributes:
        viewer: names, a polars series; None without a column.
        image: likewise.
        place: left, top, width and height of the image, or nothing, [n, 4] or [n, 0].
        time: as in the file.
        eyes: places on the screen, [n, e, 2].
        own: index, x, y, duration and start of the tracker's fixation, NaN outside of one, [n, 5].
        right: whether a line is of the right eye; None if all are of both, or of one.
        line: number in the file.
        begins: whether a presentation begins at the line.
    """

    viewer: Any
    image: Any
    place: npt.NDArray[np.float64]
    time: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_] | None
    line: npt.NDArray[np.int64]
    begins: npt.NDArray[np.bool_]

    def pieces(self) -> Iterator["_Rows"]:
        """Cuts where presentations begin."""
        begins = np.flatnonzero(self.begins)
        if not len(begins) or begins[0]:
            begins = np.concatenate([[0], begins])
        for begin, end in zip(begins, [*begins[1:], len(self.line)], strict=True):
            parts = vars(self).items()
            yield _Rows(**{k: None if v is None else v[begin:end] for k, v in parts})

    def key(self) -> tuple:
        """What is the same in all lines of a presentation."""
        names = ("" if names is None else names[0] for names in (self.viewer, self.image))
        return (*names, *map(str, self.place[0]))


class SampleReader(reader.Reader):
    """A text table with a header, of a kind that `columns.SampleFormat` describes.

    A presentation is made of successive lines with one viewer, image and place of the image. Lines
    without an image are left out and end it: nothing was shown then. A clock that goes back ends
    it, too.
    """

    def __init__(
        self,
        path: pathlib.Path,
        setting: reader.Setting,
        known: columns.SampleFormat,
        head: table.Head,
    ) -> None:
        """Reads nothing yet.

        Args:
            path: the file.
            setting: what is known about it.
            known: its kind.
            head: its beginning.
        """
        super().__init__(path, setting)
        self.known = known
        self._head = head
        self._columns = columns.find_columns(known, head.header)
        self.ignored = columns.unread(known, self._columns, head.header)
        self._unit_ms = self._columns.unit_ms
        self._any = False
        # Of the block before: its last time stamp, and whether it ends while nothing was shown.
        self._last_time: float | None = None
        self._hidden = False

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file; no more than one presentation is held at once.

        Yields:
            Presentations in the file's order.

        Raises:
            ValueError: if the file is damaged, or each eye has lines of its own that nothing tells
                apart.
        """
        held: list[_Rows] = []
        for block in self._blocks():
            self.lines += block.lines
            self.skipped += block.skipped
            rows = self._rows(block)
            for piece in () if rows is None else rows.pieces():
                if held and (piece.begins[0] or piece.key() != held[0].key()):
                    yield self._present(held)
                    held = []
                held.append(piece)
        if held:
            yield self._present(held)
        if not self._any:
            what = "has a header only" if not self.lines else "has no sample on any image"
            self.notes.append(f"{self.path} {what}; nothing of it counts")

    def _blocks(self) -> Iterator[table.Block]:
        found = self._columns
        return table.read_blocks(self._head, found.numbers(), found.texts())

    def _rows(self, block: table.Block) -> _Rows | None:
        """The lines of a block that show an image; None if there are none."""
        images = self._images(block)
        kept = self._kept(block)
        shown = np.ones(len(kept), bool) if images is None else (images != "").to_numpy()
        hides = kept & ~shown
        lines = np.flatnonzero(kept & shown)
        if not len(lines):
            self._hidden = self._hidden or bool(hides.any())
            return None
        found = self._columns
        eyes = [self._eye(block, number) for number in range(len(found.eyes))]
        viewers = None if found.viewer is None else block.texts[found.viewer]
        # Mostly all of them, which need no copy.
        taken = slice(None) if len(lines) == len(kept) else lines
        rows = _Rows(
            viewer=None if viewers is None else viewers[taken],
            image=None if images is None else images[taken],
            place=self._numbers(block, found.place)[taken],
            time=block.numbers[found.time][taken],
            eyes=np.stack(eyes, axis=1)[taken],
            own=self._own(block)[taken],
            right=self._right(block, taken),
            line=block.line[taken],
            begins=np.zeros(len(lines), bool),
        )
        rows.begins = self._begins(rows, np.concatenate([[0], np.cumsum(hides)])[lines])
        self._last_time = float(rows.time[-1])
        self._hidden = bool(hides[lines[-1] :].any())
        return rows

    def _begins(self, rows: _Rows, hidden: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Where viewer, image or place change, nothing was shown before, or the clock goes back.

        Of the first line of a block the key of the lines before tells whether it goes on.
        """
        begins = np.diff(hidden, prepend=0) > 0
        begins[0] |= self._hidden or self._goes_back(rows.time)
        back = np.diff(rows.time) * self._unit(rows.time) < -_BACK_MS
        begins[1:] |= back if rows.right is None else back & (np.diff(rows.right) == 0)
        for names in (rows.viewer, rows.image):
            if names is not None:
                begins[1:] |= names.ne_missing(names.shift()).to_numpy()[1:]
        for place in rows.place.T:
            same = (place[1:] == place[:-1]) | (np.isnan(place[1:]) & np.isnan(place[:-1]))
            begins[1:] |= ~same
        return begins

    def _goes_back(self, time: npt.NDArray[np.float64]) -> bool:
        """Whether the clock goes back between two blocks."""
        if self._last_time is None:
            return False
        return (time[0] - self._last_time) * (self._unit_ms or 1.0) < -_BACK_MS

    def _kept(self, block: table.Block) -> npt.NDArray[np.bool_]:
        """Lines of the eye tracker with a time stamp; others are listed."""
        found = self._columns
        kept = np.ones(len(block.line), bool)
        if found.device is not None:
            device = block.texts[found.device].str.to_lowercase()
            kept &= (device == self.known.device[1]).to_numpy()
        if found.filled is not None:
            kept &= (block.texts[found.filled] != "").to_numpy()
        without = kept & np.isnan(block.numbers[found.time])
        self.skipped += [
            f"{self.path}, line {line}: has no time stamp; remove the line"
            for line in block.line[without]
        ]
        return kept & ~without

    def _images(self, block: table.Block) -> Any:
        """Names of images, a polars series [n], "" where there is none; None without a column."""
        found = self._columns.image
        if found is None:
            return None
        names = block.texts[found]
        marks = names.is_in(["-", "."])
        return names.set(marks, "") if marks.any() else names

    def _eye(self, block: table.Block, number: int) -> npt.NDArray[np.float64]:
        """X and y of an eye in pixels of the screen (or image), [n, 2]."""
        found = self._columns
        x, y = (block.numbers[place] for place in found.eyes[number])
        point = np.stack([x, y], axis=1)
        if found.shares and self.known.upwards:
            point[:, 1] = 1 - point[:, 1]
        if found.shares and not self.known.image_pixels:
            # Shares count from the outer edge of the first pixel, pixels from its middle.
            point = point * self._size(block) - 0.5
        if found.validity:
            code = block.texts[found.validity[min(number, len(found.validity) - 1)]]
            seen = code.str.to_lowercase().str.strip_suffix(".0").is_in(self.known.valid)
            point[~seen.to_numpy()] = np.nan
        lost = np.isnan(point[:, 0]) | np.isnan(point[:, 1])
        point[lost] = np.nan
        return point

    def _size(self, block: table.Block) -> tuple[float, float]:
        """Width and height of the screen."""
        if self._columns.screen:
            text = " ".join(block.texts[place][0] for place in self._columns.screen)
            if len(numbers := re.findall(r"\d+", text)) == 2:
                return float(numbers[0]), float(numbers[1])
        return self.screen()

    def _own(self, block: table.Block) -> npt.NDArray[np.float64]:
        """Index, x, y, duration (ms) and start of the fixation that a line is of, [n, 5]."""
        found, own = self._columns, self.known.own
        if not found.own:
            return np.empty((len(block.line), 0))
        index, x, y, duration, kind, start = found.own
        rows = self._numbers(block, [index, x, y, duration])
        begin = block.numbers[start] if start is not None else np.full(len(rows), np.nan)
        rows = np.concatenate([rows, begin[:, None]], axis=1)
        rows[:, 3] *= found.own_unit_ms
        if found.shares:
            rows[:, 1:3] = rows[:, 1:3] * self._size(block) - 0.5
        if kind is not None:
            of_kind = block.texts[kind].str.to_lowercase().is_in(own.kinds)
            rows[~of_kind.to_numpy()] = np.nan
        return rows

    def _right(
        self, block: table.Block, lines: npt.NDArray[np.int64] | slice
    ) -> npt.NDArray[np.bool_] | None:
        """Which lines are of the right eye, where a column says it."""
        if self._columns.eye is None:
            return None
        eye = block.texts[self._columns.eye][lines].str.to_lowercase()
        return (eye.str.slice(0, 1) == "r").to_numpy()

    def _numbers(self, block: table.Block, places: Sequence[int]) -> npt.NDArray[np.float64]:
        """Columns side by side, [n, number of columns]."""
        rows = [block.numbers[place] for place in places]
        return np.stack(rows, axis=1) if rows else np.empty((len(block.line), 0))

    def _unit(self, time: npt.NDArray[np.float64]) -> float:
        """Milliseconds in a unit of the time stamps, the same for the whole file."""
        if self._unit_ms is None:
            if len(time) < 2:
                return 1.0
            self._unit_ms = clock.unit_of(time, f"{self.path}")
        return self._unit_ms

    def _present(self, pieces: list[_Rows]) -> presentation.Presentation:
        """Joins the lines of a presentation."""
        self._any = True
        viewer, image = pieces[0].key()[:2]
        stem = cells.stem_of(image) if image else cells.stem_of_file(self.path)
        source = f"{self.path}, line {pieces[0].line[0]}"
        raw = _joined([piece.time for piece in pieces])
        time = raw * self._unit_of_one(raw, source)
        eyes = _joined([piece.eyes for piece in pieces])
        own = _joined([piece.own for piece in pieces])
        if pieces[0].right is not None:
            right = _joined([piece.right for piece in pieces])
            time, eyes = eye_lines.pair(time, eyes[:, 0], right)
        elif eyes.shape[1] == 1:
            eye_lines.check_single(time, eyes[:, 0], source)
        if self._columns.shares and self.known.image_pixels:
            height, width = self.setting.sizes.get(stem, (1, 1))
            eyes = eyes * (width, height) - 0.5
        onset, offset = float(time[0]), float(time[-1] + clock.period(time))
        place = self._place(stem, pieces[0].place[0], source)
        return presentation.Presentation(
            viewer=viewer or self.setting.viewer,
            stem=stem,
            time_ms=time,
            eyes=eyes,
            place=place,
            source=source,
            onset_ms=onset,
            offset_ms=offset,
            sampling_rate_hz=None,
            own_fixations=self._own_fixations(own, raw, (onset, offset), place, eyes),
        )

    def _unit_of_one(self, raw: npt.NDArray[np.float64], source: str) -> float:
        """As `_unit`, with the error at the first line."""
        if self._unit_ms is None and len(raw) > 1:
            self._unit_ms = clock.unit_of(raw, source)
        return self._unit_ms or 1.0

    def _place(
        self, stem: str, place: npt.NDArray[np.float64], source: str
    ) -> placement.Place | None:
        """Where the image was, if the export says it."""
        if self.known.image_pixels and (size := self.setting.sizes.get(stem)):
            return placement.Place(0, 0, size[1], size[0])
        if not len(place) or np.isnan(place).any():
            return None
        try:
            return placement.Place(*map(float, place))
        except ValueError as error:
            raise ValueError(f"{source}: {error}. Write a {placement.FILE} instead") from error

    def _own_fixations(
        self,
        own: npt.NDArray[np.float64],
        time: npt.NDArray[np.float64],
        shown: tuple[float, float],
        place: placement.Place | None,
        eyes: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64] | None:
        """The tracker's fixations of a presentation, [k, 4]; None if the file has none."""
        if not own.shape[1]:
            return None
        lines = np.flatnonzero(~np.isnan(own[:, 0]) & (own[:, 3] > 0))
        index = own[lines, 0]
        numbers, first = np.unique(index, return_index=True)
        last = lines[len(index) - 1 - np.unique(index[::-1], return_index=True)[1]]
        first = lines[first]
        found = own[last]  # trackers that decide while they record say it in full at the end
        unit = self._unit_ms or 1.0
        onset = time[first] * unit
        duration = found[:, 3].copy()
        if not np.isnan(found[:, 4]).all():
            onset = found[:, 4] * unit
        else:
            # Its beginning lies before the picture: what is left tells the time it counts for.
            before = first == 0
            duration[before] = np.minimum(
                duration[before],
                time[last][before] * unit - onset[before] + clock.period(time * unit),
            )
        points = found[:, 1:3]
        if self.known.own.in_media and place is not None:
            points = points + [place.left, place.top]
        points = eye_lines.fill(points, eyes, own[:, 0], numbers)
        fixations = np.concatenate([np.stack([onset, duration], axis=1), points], axis=1)
        fixations = fixations[np.isfinite(fixations).all(axis=1)]
        return own_fixations.cut(fixations, *shown, self.setting.facts.minimum_duration_ms)


def _joined(parts: Sequence[npt.NDArray]) -> npt.NDArray:
    """Parts as one; a copy even of a single one, so that it does not keep its whole block."""
    return parts[0].copy() if len(parts) == 1 else np.concatenate(parts)
