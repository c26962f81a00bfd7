"""SMI BeGaze: raw data of the IDF converter and of BeGaze 3.

The tracker's own fixations are labels of samples. pymovements 0.28 reads the first kind too, but
its events go on across trials and it keeps the lost eye of (0, 0) as gaze; so it is not used here.
"""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import placement
from tfds_builders.gaze_folder.readers import (
    cells,
    clock,
    columns,
    own_fixations,
    reader,
    samples,
    table,
)

_LABELS = (
    "category binocular",
    "category right",
    "category left",
    "r event info",
    "l event info",
    "info",
)
_MESSAGE = b"\tMSG\t"

IDF = columns.SampleFormat(
    name="SMI BeGaze, raw data of the IDF converter",
    time=("time",),
    eyes=((("l por x", "l por y"), ("r por x", "r por y")),),
    image=("stimulus",),
    device=("type", "smp"),
    needed=("type",),
    time_unit=1e-3,
)
"""Microseconds; without a column for the image, messages `# Message: <image>` tell it."""

BEGAZE_3 = dataclasses.replace(
    IDF,
    name="SMI BeGaze 3, raw data",
    time=("recordingtime",),
    eyes=(
        (
            ("point of regard left x", "point of regard left y"),
            ("point of regard right x", "point of regard right y"),
        ),
        (("point of regard binocular x", "point of regard binocular y"),),
    ),
    device=("sensor", "eye tracker"),
    needed=(),
    time_unit=1.0,
)


class BegazeReader(samples.SampleReader):
    """Samples with labels; a fixation is a run of lines labelled so within one presentation."""

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
        super().__init__(path, setting, known, head)
        where = columns.where_of(head.header)
        self._label = next((where[name] for name in _LABELS if name in where), None)
        self._messages: list[tuple[int, str]] = []

    def _blocks(self) -> Iterator[table.Block]:
        found = self._columns
        texts = [*found.texts(), *([] if self._label is None else [self._label])]
        return table.read_blocks(
            self._head,
            found.numbers(),
            texts,
            marker=_MESSAGE,
            on_message=lambda line, text: self._messages.append((line, text)),
        )

    def _images(self, block: table.Block) -> Any:
        """From the column, or else from the last message that names a picture."""
        if self._columns.image is not None:
            return super()._images(block)
        named = [(line, _picture(text)) for line, text in self._messages]
        named = [(line, name) for line, name in named if name]
        if not named:
            return None
        before = np.searchsorted([line for line, _ in named], block.line)
        names = np.array(["", *(name for _, name in named)])
        return table.load_polars().Series(names[before])

    def _own(self, block: table.Block) -> npt.NDArray[np.float64]:
        """Which lines are of a fixation: 1 in the first column, otherwise NaN, [n, 5]."""
        if self._label is None:
            return np.empty((len(block.line), 0))
        fixates = block.texts[self._label].str.to_lowercase().str.starts_with("fixation")
        rows = np.full((len(block.line), 5), np.nan)
        rows[fixates.to_numpy(), 0] = 1
        return rows

    def _own_fixations(
        self,
        own: npt.NDArray[np.float64],
        time: npt.NDArray[np.float64],
        shown: tuple[float, float],
        place: placement.Place | None,
        eyes: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64] | None:
        """Runs of labelled lines, [k, 4], at the mean of the eye's places in them."""
        if not own.shape[1]:
            return None
        time = time * (self._unit_ms or 1.0)
        fixates = np.concatenate([[0], ~np.isnan(own[:, 0]), [0]])
        begins, ends = (np.flatnonzero(np.diff(fixates) == step) for step in (1, -1))
        found = []
        for begin, end in zip(begins, ends, strict=True):
            points = eyes[begin:end].reshape(-1, 2)
            points = points[np.isfinite(points).all(axis=1) & (points != 0).any(axis=1)]
            duration = time[end - 1] - time[begin] + clock.period(time)
            if len(points):
                found.append((time[begin], duration, *points.mean(axis=0)))
        return own_fixations.cut(np.array(found).reshape(-1, 4), *shown, 0.0)


def _picture(message: str) -> str:
    """The picture that a message names; "" if it says something else."""
    text = message.rsplit("Message:", 1)[-1].strip()
    stem = cells.stem_of(text)
    return stem if stem != text else ""
