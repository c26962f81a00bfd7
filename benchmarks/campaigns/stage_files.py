"""What training leaves in its folder, read without TensorFlow."""

import csv
import io
import pathlib
import zipfile

import h5py
import numpy as np


def weights(network: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a `model.keras` by their places in it."""
    found = {}
    with zipfile.ZipFile(network) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def history(table: pathlib.Path) -> list[dict[str, str]]:
    """Reads the rows of a `history.csv`, without the speed, which is another each time."""
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("images_per_second", None)
    return rows


def differences(one: pathlib.Path, other: pathlib.Path) -> list[str]:
    """Compares two runs, stage by stage.

    Args:
        one: folder of a run.
        other: that of another.

    Returns:
        Names of what differs: stages that are missing, weights by a bit, rows of histories.
    """
    stages = [{path.parent.name for path in run.glob("*/metrics.json")} for run in (one, other)]
    found = [f"stage {name} is missing" for name in sorted(stages[0] ^ stages[1])]
    for stage in sorted(stages[0] & stages[1]):
        left, right = (weights(run / stage / "model.keras") for run in (one, other))
        alike = left.keys() == right.keys() and all(
            np.array_equal(left[name], right[name], equal_nan=True) for name in left
        )
        found += [] if alike else [f"weights of {stage}"]
        tables = [history(run / stage / "history.csv") for run in (one, other)]
        found += [] if tables[0] == tables[1] else [f"history of {stage}"]
    return found


def largest_difference(one: pathlib.Path, other: pathlib.Path) -> float:
    """Compares what two stages have left: weights and histories.

    Args:
        one: folder of a stage.
        other: that of another.

    Returns:
        The largest difference of two numbers, by the largest of the array or row that they are in;
        infinite where there is not the same number of them.
    """
    left, right = (weights(stage / "model.keras") for stage in (one, other))
    tables = [history(stage / "history.csv") for stage in (one, other)]
    if left.keys() != right.keys() or len(tables[0]) != len(tables[1]):
        return float("inf")
    pairs = [(left[name], right[name]) for name in left]
    for rows in zip(*tables, strict=True):
        pairs.append(tuple(np.array([float(cell) for cell in row.values()]) for row in rows))
    return max(
        float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), np.finfo(np.float32).tiny))
        for a, b in pairs
        if a.size
    )
