"""The record of a running stage: `history.csv` and TensorBoard scalars, one row per epoch."""

import csv
import os
import pathlib

import tensorflow as tf


class History:
    """Collects one row of numbers per epoch.

    Args:
        folder: the stage's folder.
        kept_epochs: later rows are forgotten; after a restart their epochs are run again.
    """

    def __init__(self, folder: pathlib.Path, kept_epochs: int):
        """See the class."""
        self._path = folder / "history.csv"
        self.rows = [row for row in read(self._path) if row["epoch"] <= kept_epochs]
        self._writer = tf.summary.create_file_writer(str(folder / "tensorboard"))

    def add(self, row: dict[str, float]) -> None:
        """Adds the numbers of an epoch; `row["epoch"]` counts from 1."""
        self.rows.append(row)
        temporary = self._path.with_suffix(".csv.tmp")
        names = list(dict.fromkeys(name for kept in self.rows for name in kept))
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(temporary, self._path)
        with self._writer.as_default(step=int(row["epoch"])):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


def read(path: pathlib.Path) -> list[dict[str, float]]:
    """Reads the rows of a `history.csv`; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]
