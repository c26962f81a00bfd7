"""The record of a running stage, one row per epoch: `history.csv`, and TensorBoard's logs."""

import csv
import io
import pathlib

import numpy as np
import tensorflow as tf

from salclass_tf.runs.files import write_text


class History:
    """Collects one row of numbers per epoch.

    Args:
        folder: the stage's folder.
        kept_epochs: later rows are forgotten; after a restart their epochs are run again.
        writes: whether this process is the one that writes.
    """

    def __init__(self, folder: pathlib.Path, kept_epochs: int, writes: bool = True):
        self._path, self._writes = folder / "history.csv", writes
        self.rows = [row for row in read(self._path) if row["epoch"] <= kept_epochs]
        self._writer = tf.summary.create_noop_writer()
        if writes:
            self._writer = tf.summary.create_file_writer(str(folder / "tensorboard"))

    def add(self, row: dict[str, float], pictures: np.ndarray | None = None) -> None:
        """Adds an epoch.

        Args:
            row: its numbers; `row["epoch"]` counts from 1.
            pictures: what the network makes of some images, uint8 [n, h, w, 3], or None.
        """
        self.rows.append(row)
        if self._writes:
            self._write_rows()
        with self._writer.as_default(step=int(row["epoch"])):
            for name, value in row.items():
                tf.summary.scalar(name, value)
            if pictures is not None:
                tf.summary.image("examples", pictures, max_outputs=len(pictures))
        self._writer.flush()

    def _write_rows(self) -> None:
        """Writes `history.csv` whole or not at all."""
        text = io.StringIO(newline="")
        names = list(dict.fromkeys(name for kept in self.rows for name in kept))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self._path, text.getvalue())


def _number(name: str, text: str) -> float:
    """A number of a row; epochs and steps are whole."""
    return int(float(text)) if name in ("epoch", "step") else float(text)


def read(path: pathlib.Path) -> list[dict[str, float]]:
    """Reads the rows of a `history.csv`; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            {name: _number(name, value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]
