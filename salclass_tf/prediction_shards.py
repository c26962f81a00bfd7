"""Predictions of many images in Parquet files of some images each: shards.

A row is an image: its path, its name among the others, what a table of predictions has of it, and
in the column `map` the file of its map, NPY or 16-bit PNG, byte for byte. The file's metadata holds
what is alike for all rows, as JSON under `salclass`.
"""

import functools
import json
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

_NAME = re.compile(r"predictions-(\d{5,})-of-(\d{5,})\.parquet")
_FACTS = b"salclass"

# A row group is written, and read, at once: some rows, or fewer if their maps are large.
_ROWS, _BYTES = 64, 16 * 2**20

# Arrow's threads that read may outlive Python, and then abort a process that has done its work
# (apache/arrow#34314, #50482).
_OPENED, _READ = {"pre_buffer": False}, {"use_threads": False}


def file_name(number: int, count: int) -> str:
    """Returns the name of a shard.

    Args:
        number: of the shard, from 0.
        count: how many there are.
    """
    return f"predictions-{number:05}-of-{count:05}.parquet"


def numbers(names: Iterable[str], count: int) -> set[int]:
    """Returns the numbers of the shards of a set of `count` among names of files."""
    found = filter(None, map(_NAME.fullmatch, names))
    return {int(one[1]) for one in found if int(one[2]) == count}


def schema(top_k: int, makes_maps: bool, facts: Mapping[str, Any]) -> pa.Schema:
    """Returns the columns of a shard.

    Args:
        top_k: how many classes an answer names, 0 of a detector.
        makes_maps: whether there are maps.
        facts: what holds for all rows, plain types; `map_format` among them.
    """
    columns = {"image": pa.string(), "name": pa.string()}
    columns |= {"width": pa.int32(), "height": pa.int32()}
    for place in range(1, top_k + 1):
        columns |= {f"class_{place}": pa.string(), f"probability_{place}": pa.float32()}
    if makes_maps:
        columns |= {"map_low": pa.float32(), "map_peak": pa.float32(), "map": pa.binary()}
    columns |= {"error": pa.string()}
    return pa.schema(list(columns.items()), metadata={_FACTS: json.dumps(facts)})


class Writer:
    """Writes the rows of a shard as they come; the same rows make the same bytes.

    Args:
        file: an open binary file, which stays open.
        columns: of `schema`.
    """

    def __init__(self, file: BinaryIO, columns: pa.Schema):
        self._columns = columns
        self._parquet = pq.ParquetWriter(file, columns, compression="zstd", use_dictionary=False)
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Adds an image; what is not in the row is null."""
        self._rows.append(row)
        self._bytes += len(row.get("map") or b"")
        if len(self._rows) >= _ROWS or self._bytes >= _BYTES:
            self._write()

    def close(self) -> None:
        """Writes what is left, and the end of the file."""
        self._write()
        self._parquet.close()

    def _write(self) -> None:
        if self._rows:
            self._parquet.write_table(pa.Table.from_pylist(self._rows, schema=self._columns))
        self._rows, self._bytes = [], 0


def errors(file: str | pathlib.Path | BinaryIO) -> tuple[int, list[tuple[str, str]]]:
    """Returns how many images a shard has, and path and reason of those without a prediction."""
    rows = pq.ParquetFile(file, **_OPENED).read(["image", "error"], **_READ).to_pylist()
    return len(rows), [(row["image"], row["error"]) for row in rows if row["error"] is not None]


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the shards in a folder, in order."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


class Shards:
    """All shards of one job, read.

    Args:
        folder: of the shards.

    Attributes:
        folder: it.
        facts: what holds for all rows; see `schema`.
        skipped: name of each image without a prediction -> the reason.

    Raises:
        ValueError: if one is missing, damaged, of another job than the others, or has no maps.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        paths = files(folder)
        self._check_complete(paths)
        self._places: dict[str, tuple[pathlib.Path, int, int]] = {}
        self.skipped: dict[str, str] = {}
        first = _opened(paths[0]).schema_arrow
        for path in paths:
            file = _opened(path)
            if not file.schema_arrow.equals(first, check_metadata=True):
                raise ValueError(
                    f"{path} is of another job than {paths[0].name}: keep the shards of one job"
                )
            self._note(path, file)
        self.facts = json.loads((first.metadata or {}).get(_FACTS, b"{}"))
        if "map" not in first.names or "map_format" not in self.facts:
            raise ValueError(f"{folder} holds shards without maps: those of a classifier")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images that have a map."""
        return tuple(self._places)

    def read(self, name: str) -> bytes:
        """Returns the file of an image's map, in the format `facts["map_format"]`."""
        path, group, row = self._places[name]
        return _maps(path, group)[row].as_py()

    def _check_complete(self, paths: list[pathlib.Path]) -> None:
        """Refuses a part of the shards, and shards of two divisions."""
        counts = {int(_NAME.fullmatch(path.name)[2]) for path in paths}
        if len(counts) > 1:
            told = " and of ".join(map(str, sorted(counts)))
            raise ValueError(
                f"{self.folder} holds shards of several jobs, of {told}: keep those of one"
            )
        [count] = counts
        missing = sorted(set(range(count)) - numbers([path.name for path in paths], count))
        if missing:
            raise ValueError(
                f"{self.folder} lacks {len(missing)} of {count} shards, the first is "
                f"{file_name(missing[0], count)}; give the command that writes them again: it goes "
                "on"
            )

    def _note(self, path: pathlib.Path, file: pq.ParquetFile) -> None:
        """Notes where the maps of a shard are."""
        for group in range(file.num_row_groups):
            table = _read(file, path, group, ["name", "error"])
            for row, (name, error) in enumerate(zip(*table.to_pydict().values(), strict=True)):
                if error is None:
                    self._places[name] = path, group, row
                else:
                    self.skipped[name] = error


def _opened(path: pathlib.Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, **_OPENED)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _read(file: pq.ParquetFile, path: pathlib.Path, group: int, columns: list[str]) -> pa.Table:
    try:
        return file.read_row_group(group, columns, **_READ)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


@functools.lru_cache(maxsize=1)
def _maps(path: pathlib.Path, group: int) -> pa.ChunkedArray:
    """The maps of a row group; images are mostly asked for in order."""
    return _read(_opened(path), path, group, ["map"])["map"]


def _damaged(path: pathlib.Path, error: Exception) -> ValueError:
    reason = str(error).splitlines()[0]
    return ValueError(
        f"{path} is no shard of predictions, or damaged ({reason}); remove it, and the command "
        "that wrote it makes it again"
    )
