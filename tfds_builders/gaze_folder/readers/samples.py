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
    own_fixations,
    reader,
    table,
)

_BACK_MS = 100  # a clock that goes back by more is that of another recording
_PAIRED = 0.4  # share of time stamps that occur twice where each eye has a line of its own


@dataclasses.dataclass
class _Piece:
    """Successive lines of one viewer and image; each array [n] or [n, ...]."""

    viewer: str
    image: str
    place: tuple[float, ...]
    time: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]  # index, x, y, duration, start; NaN outside of fixations
    eye: npt.NDArray[np.bool_] | None  # whether a line is of the right eye
    line: int
    last_line: int

    def key(self) -> tuple:
        """What is the same in all lines of a presentation."""
        return (self.viewer, self.image, *map(str, self.place))


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
        open_pieces: list[_Piece] = []
        for block in self._blocks():
            self.lines += block.lines
            self.skipped += block.skipped
            for piece, breaks in self._pieces(block):
                if open_pieces and (breaks or piece.key() != open_pieces[0].key()):
                    yield self._present(open_pieces)
                    open_pieces = []
                open_pieces.append(piece)
        if open_pieces:
            yield self._present(open_pieces)
        if not self._any:
            what = "has a header only" if not self.lines else "has no sample on any image"
            self.notes.append(f"{self.path} {what}; nothing of it counts")

    def _blocks(self) -> Iterator[table.Block]:
        found = self._columns
        return table.read_blocks(self._head, found.numbers(), found.texts())

    def _pieces(self, block: table.Block) -> Iterator[tuple[_Piece, bool]]:
        """Cuts a block where viewer, image or place change, or the clock goes back."""
        kept, shown = self._kept(block)
        lines = np.flatnonzero(kept & shown)
        if not len(lines):
            self._hidden = self._hidden or bool(kept.any())
            return
        place = self._numbers(block, self._columns.place)[lines]
        time = block.numbers[self._columns.time][lines]
        # Lines between two of the same image that show nothing end the presentation.
        hidden = np.concatenate([[0], np.cumsum(kept & ~shown)])[lines]
        changes = np.zeros(len(lines), bool)
        viewers = None if self._columns.viewer is None else block.texts[self._columns.viewer]
        for names in (viewers, self._images(block)):
            if names is not None:
                names = names.gather(lines)
                changes[1:] |= names.ne_missing(names.shift()).to_numpy()[1:]
        breaks = np.diff(hidden, prepend=hidden[:1]) > 0
        breaks[1:] |= np.diff(time) * self._unit(time) < -_BACK_MS
        if len(place) and place.shape[1]:
            same = (place[1:] == place[:-1]) | (np.isnan(place[1:]) & np.isnan(place[:-1]))
            changes[1:] |= ~same.all(axis=1)
        begins = np.flatnonzero(changes | breaks | (np.arange(len(lines)) == 0))
        for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
            first = begin == 0 and (self._hidden or bool(hidden[0]) or self._goes_back(time))
            yield self._piece(block, lines[begin:end]), bool(breaks[begin]) or first
        self._last_time = float(time[-1])
        self._hidden = bool((kept & ~shown)[lines[-1] :].any())

    def _goes_back(self, time: npt.NDArray[np.float64]) -> bool:
        """Whether the clock goes back between two blocks."""
        if self._last_time is None:
            return False
        return (time[0] - self._last_time) * (self._unit_ms or 1.0) < -_BACK_MS

    def _kept(self, block: table.Block) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Lines of the eye tracker, and those in which an image was shown."""
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
        kept &= ~without
        images = self._images(block)
        shown = np.ones(len(block.line), bool) if images is None else (images != "").to_numpy()
        return kept, shown

    def _images(self, block: table.Block) -> Any:
        """Names of images, a polars series [n], "" where there is none; None without a column."""
        found = self._columns.image
        if found is None:
            return None
        names = block.texts[found]
        return names.set(names.is_in(["-", "."]), "")

    def _piece(self, block: table.Block, lines: npt.NDArray[np.int64]) -> _Piece:
        found, first = self._columns, int(lines[0])
        eyes = [self._eye(block, number)[lines] for number in range(len(found.eyes))]
        place = self._numbers(block, found.place)[first]
        viewer = "" if found.viewer is None else block.texts[found.viewer][first]
        images = self._images(block)
        image = None if images is None else images[first]
        return _Piece(
            viewer=viewer or self.setting.viewer,
            image=cells.stem_of_file(self.path) if image is None else cells.stem_of(image),
            place=tuple(place),
            time=block.numbers[found.time][lines],
            eyes=np.stack(eyes, axis=1),
            own=self._own(block)[lines],
            eye=self._right(block, lines),
            line=int(block.line[first]),
            last_line=int(block.line[lines[-1]]),
        )

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
        point[np.isnan(point).any(axis=1)] = np.nan
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
        self, block: table.Block, lines: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_] | None:
        """Which lines are of the right eye, where a column says it."""
        if self._columns.eye is None:
            return None
        eye = block.texts[self._columns.eye].gather(lines).str.to_lowercase()
        right = eye.str.slice(0, 1) == "r"
        return right.to_numpy() if right.any() and not right.all() else None

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

    def _present(self, pieces: list[_Piece]) -> presentation.Presentation:
        """Joins the lines of a presentation."""
        self._any = True
        first = pieces[0]
        source = f"{self.path}, line {first.line}"
        raw = np.concatenate([piece.time for piece in pieces])
        time = raw * self._unit_of_one(raw, source)
        eyes = np.concatenate([piece.eyes for piece in pieces])
        own = np.concatenate([piece.own for piece in pieces])
        if first.eye is not None:
            time, eyes = _pair_eyes(time, eyes, np.concatenate([piece.eye for piece in pieces]))
        elif eyes.shape[1] == 1:
            _check_single(time, eyes[:, 0], source)
        if self._columns.shares and self.known.image_pixels:
            height, width = self.setting.sizes.get(first.image, (1, 1))
            eyes = eyes * (width, height) - 0.5
        onset, offset = float(time[0]), float(time[-1] + clock.period(time))
        place = self._place(first, source)
        return presentation.Presentation(
            viewer=first.viewer,
            stem=first.image,
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

    def _place(self, first: _Piece, source: str) -> placement.Place | None:
        """Where the image was, if the export says it."""
        if self.known.image_pixels and (size := self.setting.sizes.get(first.image)):
            return placement.Place(0, 0, size[1], size[0])
        if not first.place or any(np.isnan(first.place)):
            return None
        try:
            return placement.Place(*map(float, first.place))
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
        points = _filled(points, eyes, own[:, 0], numbers)
        fixations = np.concatenate([np.stack([onset, duration], axis=1), points], axis=1)
        fixations = fixations[np.isfinite(fixations).all(axis=1)]
        return own_fixations.cut(fixations, *shown, self.setting.facts.minimum_duration_ms)


def _filled(
    points: npt.NDArray[np.float64],
    eyes: npt.NDArray[np.float64],
    index: npt.NDArray[np.float64],
    numbers: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Fixations that the export gives no place, since they lie beside the image, from samples."""
    points = points.copy()
    for missing in np.flatnonzero(np.isnan(points).any(axis=1)):
        seen = eyes[index == numbers[missing]].reshape(-1, 2)
        seen = seen[np.isfinite(seen).all(axis=1)]
        if len(seen):
            points[missing] = seen.mean(axis=0)
    return points


def _pair_eyes(
    time: npt.NDArray[np.float64],
    eyes: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lines of the left and the right eye become two eyes of one time, [m], [m, 2, 2]."""
    times, where = np.unique(time, return_inverse=True)
    both = np.full((len(times), 2, 2), np.nan)
    both[where, right.astype(int)] = eyes[:, 0]
    return times, both


def _check_single(
    time: npt.NDArray[np.float64], point: npt.NDArray[np.float64], source: str
) -> None:
    """Checks that the lines are not those of two eyes in turn.

    Trackers of 2000 Hz write pairs of equal milliseconds too; but their pairs do not differ
    in one direction.
    """
    second = np.flatnonzero(np.diff(time) == 0) + 1
    if len(second) < 10 or len(second) < _PAIRED * len(time):
        return
    apart = point[second] - point[second - 1]
    apart = apart[np.isfinite(apart).all(axis=1)]
    if len(apart) < 10:
        return
    error = apart.std(axis=0) / np.sqrt(len(apart))
    if (np.abs(apart.mean(axis=0)) > np.maximum(5 * error, 1)).any():
        raise ValueError(
            f"{source}: {len(second)} time stamps occur twice, at places that differ by "
            f"{apart[:, 0].mean():.1f}, {apart[:, 1].mean():.1f} pixels: has each eye lines of its "
            "own? Add a column `eye` with left or right"
        )
