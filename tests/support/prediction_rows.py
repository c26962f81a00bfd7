"""Shards of predictions, without a network and without Beam."""

import io
import pathlib
from collections.abc import Mapping

import numpy as np

from salclass_tf import prediction_shards

FACTS = {"model": "detector x", "map_format": "npy", "view": "whole"}


def write(
    folder: pathlib.Path,
    maps: Mapping[str, np.ndarray],
    size: int,
    skipped: Mapping[str, str] | None = None,
) -> pathlib.Path:
    """Writes maps by the names of their images, some in each shard, and images without one."""
    rows = [_row(name, values) for name, values in maps.items()]
    rows += [{"image": name, "name": name, "error": why} for name, why in (skipped or {}).items()]
    columns = prediction_shards.schema(0, True, FACTS)
    count = -(-len(rows) // size)
    folder.mkdir(exist_ok=True)
    for number in range(count):
        with (folder / prediction_shards.file_name(number, count)).open("wb") as file:
            writer = prediction_shards.Writer(file, columns)
            for row in rows[number * size : (number + 1) * size]:
                writer.add(row)
            writer.close()
    return folder


def _row(name: str, values: np.ndarray) -> dict:
    """The row of an image."""
    file = io.BytesIO()
    np.save(file, values)
    ends = {"map_low": float(values.min()), "map_peak": float(values.max())}
    return {"image": name, "name": name, "map": file.getvalue(), **ends}
