"""PyGaze, and OpenSesame with it: one file of samples and messages, as for the EyeTribe."""

import pathlib
from collections.abc import Iterator

import numpy as np

from tfds_builders.gaze_folder import presentation
from tfds_builders.gaze_folder.readers import (
    cells,
    clock,
    columns,
    cutting,
    messages,
    reader,
    table,
    timeline,
)

PYGAZE = columns.SampleFormat(
    name="PyGaze and OpenSesame, log of samples and messages",
    time=("time",),
    eyes=(
        (("lrawx", "lrawy"), ("rrawx", "rrawy")),
        (("rawx", "rawy"),),
    ),
    needed=("state", "avgx"),
)
"""Messages are lines `MSG<tab>date<tab>time<tab>text`; a lost eye is (0, 0)."""


class PyGazeReader(reader.Reader):
    """A log; `timeline` tells which picture was shown when."""

    def __init__(
        self,
        path: pathlib.Path,
        setting: reader.Setting,
        known: columns.SampleFormat,
        head: table.Head,
    ) -> None:
        """Reads nothing yet.

        Args:
            path: the file; it is named like the viewer, unless its folder is.
            setting: what is known about it.
            known: its kind.
            head: its beginning.
        """
        super().__init__(path, setting)
        self.known = known
        self._head = head

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file as a whole.

        Yields:
            Presentations in the order of time.

        Raises:
            ValueError: if the file is damaged, or its messages can be read in two ways.
        """
        found = columns.find_columns(self.known, self._head.header)
        told: list[tuple[int, str]] = []
        times, eyes = [np.empty(0)], [np.empty((0, len(found.eyes), 2))]
        blocks = table.read_blocks(
            self._head,
            found.numbers(),
            (),
            marker=b"MSG\t",
            on_message=lambda line, text: told.append((line, text)),
        )
        for block in blocks:
            self.lines += block.lines
            self.skipped += block.skipped
            times.append(block.numbers[found.time])
            eyes.append(
                np.stack(
                    [np.stack([block.numbers[x], block.numbers[y]], 1) for x, y in found.eyes], 1
                )
            )
        time = np.concatenate(times)
        time_ms = time * clock.unit_of(time, str(self.path))
        pictures = self._timeline(told, time_ms)
        if not pictures.names_pictures:
            self.notes.append(f"{self.path}: no message names a picture; {pictures.hint()}")
        viewer = self.setting.viewer or cells.stem_of_file(self.path)
        yield from cutting.present(
            self.path, viewer, pictures.pictures(), time_ms, np.concatenate(eyes)
        )

    def _timeline(self, told: list[tuple[int, str]], time_ms: np.ndarray) -> timeline.Timeline:
        """Messages with the time of the samples around them."""
        sent = []
        for line, text in told:
            fields = text.split("\t")
            if len(fields) > 3:
                sent.append(
                    messages.Message(cells.number(fields[2]), " ".join(fields[3:]), line, 0)
                )
        last = max([line for line, _ in told], default=0) + self.lines + 1
        stretch = cutting.whole(time_ms, last)
        return timeline.Timeline(str(self.path), sent, [stretch], self.setting.facts)
