"""The record of a running stage, one row per epoch: `history.csv`, and TensorBoard's logs."""

import contextlib
import csv
import io
import logging
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from salclass_tf import failures
from salclass_tf.runs.files import write_text
from salclass_tf.runs.finished_stage import SPARE

_log = logging.getLogger(__name__)

_NAME = "history.csv"


class History:
    """Collects one row of numbers per epoch.

    The rows are in the folder twice: where `history.csv` is damaged, the copy beside the
    checkpoints is taken.

    Args:
        folder: the stage's folder.
        kept_epochs: later rows are forgotten; after a restart their epochs are run again.
        writes: whether this process is the one that writes.

    Raises:
        OSError: if the logs cannot be written.
    """

    def __init__(self, folder: pathlib.Path, kept_epochs: int, writes: bool = True):
        self._paths, self._writes = (folder / _NAME, folder / SPARE / _NAME), writes
        self._logs = folder / "tensorboard"
        self.rows = [row for row in _rows(self._paths) if row["epoch"] <= kept_epochs]
        self._writer = tf.summary.create_noop_writer()
        if writes:
            with self._logging():
                self._writer = tf.summary.create_file_writer(str(self._logs))

    def add(self, row: dict[str, float], pictures: np.ndarray | None = None) -> None:
        """Adds an epoch.

        Args:
            row: its numbers; `row["epoch"]` counts from 1.
            pictures: what the network makes of some images, uint8 [n, h, w, 3], or None.

        Raises:
            OSError: if they cannot be written.
        """
        self.rows.append(row)
        if self._writes:
            self._write_rows()
        with self._logging(), self._writer.as_default(step=int(row["epoch"])):
            for name, value in row.items():
                tf.summary.scalar(name, value)
            if pictures is not None:
                tf.summary.image("examples", pictures, max_outputs=len(pictures))
            self._writer.flush()

    @contextlib.contextmanager
    def _logging(self) -> Iterator[None]:
        """Names the logs where they cannot be written."""
        try:
            yield
        except tf.errors.OpError as error:
            remedy = "fix that, then the same command goes on"
            remedy = failures.MAKE_ROOM if failures.is_full_disk(error) else remedy
            raise OSError(
                f"cannot write the logs {self._logs}: {failures.reason(error)}. The checkpoints "
                f"are intact; {remedy}"
            ) from error

    def _write_rows(self) -> None:
        """Writes the rows twice, each file whole or not at all."""
        text = io.StringIO(newline="")
        names = list(dict.fromkeys(name for kept in self.rows for name in kept))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        for path in self._paths:
            write_text(path, text.getvalue())


def _number(name: str, text: str) -> float:
    """A number of a row; epochs and steps are whole."""
    return int(float(text)) if name in ("epoch", "step") else float(text)


def read(path: pathlib.Path) -> list[dict[str, float]]:
    """Reads the rows of a `history.csv`; none where there is no file.

    Raises:
        ValueError: if it is damaged.
    """
    if not path.is_file():
        return []
    try:
        text = path.read_text("utf-8")
        table = list(csv.DictReader(io.StringIO(text), strict=True))
        rows = [{n: _number(n, value) for n, value in row.items() if value} for row in table]
        if not rows or any("epoch" not in row for row in rows):
            raise ValueError("it has no epochs")
        if not text.endswith("\n") or any(None in row.values() for row in table):
            raise ValueError("it is cut short")
    except (AttributeError, TypeError, ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is damaged ({failures.reason(error)}); restore it, or remove it"
        ) from error
    return rows


def _rows(paths: Iterable[pathlib.Path]) -> list[dict[str, float]]:
    """The rows of the file that has most of them; a warning names one that is damaged."""
    found = []
    for path in paths:
        try:
            found.append(read(path))
        except ValueError as error:
            _log.warning("%s; this run takes the other copy of it, if there is one", error)
    return max(found, key=len, default=[])
