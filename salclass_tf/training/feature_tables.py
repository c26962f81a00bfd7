"""Tables of what views have become: a row for each, in memory or in files of a stage's folder."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from salclass_tf.failures import full_disk_named
from salclass_tf.runs.files import write_json

_RECORD = "table.json"


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a table holds.

    Attributes:
        rows: how many there are.
        columns: name -> shape and type of a row.
    """

    rows: int
    columns: dict[str, tf.TensorSpec]

    @property
    def bytes(self) -> int:
        """What all rows take."""
        row = (spec.shape.num_elements() * spec.dtype.size for spec in self.columns.values())
        return self.rows * sum(row)

    def to_json(self) -> dict:
        """Returns it as plain types."""
        columns = {n: [spec.shape.as_list(), spec.dtype.name] for n, spec in self.columns.items()}
        return {"rows": self.rows, "columns": columns}


class Table:
    """Rows that are written once, in their order, and then read in any order.

    In a folder each column is a file of the numbers as they are in memory. The record beside them
    is written last: with it the table is complete.

    Args:
        layout: what it holds.
        folder: where its files go; None keeps them in memory.
    """

    def __init__(self, layout: Layout, folder: pathlib.Path | None = None):
        self.layout, self._folder = layout, folder
        self._arrays: dict[str, np.ndarray] = {}

    def reopen(self, made_from: dict) -> bool:
        """Takes the files that are there, if they are complete and of the same origin.

        Args:
            made_from: what decides the content, plain types.

        Returns:
            Whether the table can be read now.
        """
        if self._folder is None:
            return bool(self._arrays)
        try:
            record = json.loads((self._folder / _RECORD).read_text())
        except (OSError, ValueError):
            return False
        if record != self._record(made_from):
            return False
        try:
            self._arrays = {name: self._mapped(name) for name in self.layout.columns}
        except (OSError, ValueError):  # a file that is gone, or shorter
            return False
        return True

    def fill(self, batches: Iterable[dict[str, tf.Tensor]], made_from: dict) -> None:
        """Writes all rows.

        Args:
            batches: the columns, [b, ...] each, rows in all as the layout says.
            made_from: see `reopen`.

        Raises:
            OSError: if the disk is full; the message says what to do.
            RuntimeError: if there are fewer or more rows.
        """
        batches = self._counted(batches)
        with full_disk_named(self._folder):
            if self._folder is None:
                self._fill_memory(batches)
            else:
                self._fill_files(batches, made_from)

    def read(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns rows by their numbers, int64 [b], inside or outside of a graph."""
        specs = self.layout.columns
        values = tf.numpy_function(
            lambda wanted: [self._arrays[name][wanted] for name in specs],
            [rows],
            [spec.dtype for spec in specs.values()],
        )
        return {
            name: tf.ensure_shape(value, [*rows.shape, *spec.shape])
            for (name, spec), value in zip(specs.items(), values, strict=True)
        }

    def remove(self) -> None:
        """Forgets the rows and removes their files."""
        self._arrays = {}
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _counted(self, batches: Iterable[dict[str, tf.Tensor]]) -> Iterator[dict[str, tf.Tensor]]:
        """The batches; raises at the end if their rows are not those of the layout."""
        rows = 0
        for batch in batches:
            rows += len(next(iter(batch.values())))
            if rows <= self.layout.rows:
                yield batch
        if rows != self.layout.rows:
            raise RuntimeError(f"a table of {self.layout.rows} rows was given {rows}")

    def _fill_memory(self, batches: Iterable[dict[str, tf.Tensor]]) -> None:
        arrays = {
            name: np.empty((self.layout.rows, *spec.shape), spec.dtype.as_numpy_dtype)
            for name, spec in self.layout.columns.items()
        }
        end = 0
        for batch in batches:
            start, end = end, end + len(next(iter(batch.values())))
            for name, array in arrays.items():
                array[start:end] = batch[name].numpy()
        self._arrays = arrays

    def _fill_files(self, batches: Iterable[dict[str, tf.Tensor]], made_from: dict) -> None:
        # Written and not mapped: to write into a mapped file on a full disk ends the process.
        self.remove()
        self._folder.mkdir(parents=True)
        files = {name: self._path(name).open("wb") for name in self.layout.columns}
        try:
            for batch in batches:
                for name, file in files.items():
                    file.write(batch[name].numpy().tobytes())
        finally:
            for file in files.values():
                file.close()
        write_json(self._folder / _RECORD, self._record(made_from))
        self._arrays = {name: self._mapped(name) for name in self.layout.columns}

    def _mapped(self, name: str) -> np.ndarray:
        """A column, whose file is read where it is asked for."""
        spec = self.layout.columns[name]
        shape = (self.layout.rows, *spec.shape)
        return np.memmap(self._path(name), spec.dtype.as_numpy_dtype, "r", shape=shape)

    def _path(self, name: str) -> pathlib.Path:
        return self._folder / f"{name}.bin"

    def _record(self, made_from: dict) -> dict:
        return json.loads(json.dumps(self.layout.to_json() | {"made_from": made_from}))
