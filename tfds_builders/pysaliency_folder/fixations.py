"""pysaliency's fixations, in every form that its versions up to 0.3 have written them in."""

import dataclasses
import os
from collections.abc import Sequence

import h5py
import numpy as np
import numpy.typing as npt

from tfds_builders.pysaliency_folder import layout

_LONE, _TRAINS, _SCANPATHS, _OF_SCANPATHS = KINDS = (
    "Fixations",
    "FixationTrains",
    "Scanpaths",
    "ScanpathFixations",
)
# Names of the feature for how long a fixation lasted, in seconds.
_DURATIONS = ("duration", "durations")


@dataclasses.dataclass(frozen=True)
class Fixations:
    """Fixations on all stimuli of a file.

    Attributes:
        x: column, 0-based, whole numbers are the centres of pixels, float32 [n].
        y: row, likewise.
        stimulus: number of the stimulus, from 0, int64 [n].
        viewer: number of the person, -1 where unknown, int64 [n].
        duration_ms: milliseconds, -1 where unknown, float64 [n].
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    stimulus: npt.NDArray[np.int64]
    viewer: npt.NDArray[np.int64]
    duration_ms: npt.NDArray[np.float64]

    def on(self, number: int) -> "Fixations":
        """Returns the fixations on one stimulus, in their order."""
        chosen = self.stimulus == number
        return Fixations(**{key: column[chosen] for key, column in vars(self).items()})


def read(path: str | os.PathLike, stimuli: int) -> Fixations:
    """Reads a file of fixations.

    Args:
        path: what `to_hdf5` of `Fixations`, `FixationTrains`, `ScanpathFixations` or `Scanpaths`
            has written.
        stimuli: how many stimuli there are.

    Returns:
        All fixations, scanpath after scanpath.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it is another one, its arrays do not fit together, or a fixation is on a
            stimulus that there is not.
    """
    with layout.opened(path) as file:
        found = layout.kind(file)
        if found not in KINDS:
            raise ValueError(
                f"{path} must hold pysaliency's {', '.join(KINDS)}; it holds "
                f"{found or 'something without a type'}: write it with fixations.to_hdf5"
            )
        columns = _lone(file) if found == _LONE else _scanpaths(file, found)
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path}: fixations must have all their values; got {lengths}")
    number = np.asarray(columns["stimulus"])
    unknown = (number < 0) | (number >= stimuli)
    if unknown.any():
        raise ValueError(
            f"{path}: fixations must be on one of the {stimuli} stimuli, numbered from 0; "
            f"{np.count_nonzero(unknown)} are not, the first on {int(number[unknown][0])}. Name "
            "the stimuli that they were made on"
        )
    return Fixations(
        x=layout.from_pixel_edges(columns["x"]),
        y=layout.from_pixel_edges(columns["y"]),
        stimulus=number.astype(np.int64),
        viewer=np.asarray(columns["viewer"]).astype(np.int64),
        duration_ms=_milliseconds(columns["duration"]),
    )


def write(
    path: str | os.PathLike,
    scanpaths: Sequence[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]],
) -> None:
    """Writes scanpaths as `FixationTrains`, edition 1.2, which pysaliency 0.2.22 and later read.

    Args:
        path: the HDF5 file.
        scanpaths: (stimulus, viewer, x, y, duration_ms) each, with x and y as pysaliency counts
            them, see `layout.to_pixel_edges`, and -1 for an unknown duration. pysaliency wants a
            time, too: it is the fixation's place in the scanpath, since the schema has no onsets.
    """
    longest = max((len(x) for _, _, x, _, _ in scanpaths), default=1)
    padded = {key: np.full((len(scanpaths), longest), np.nan) for key in ("x", "y", "t", "d")}
    for row, (_, _, x, y, duration_ms) in enumerate(scanpaths):
        seconds = np.where(np.asarray(duration_ms) < 0, np.nan, np.asarray(duration_ms) / 1e3)
        for key, column in zip("xytd", (x, y, np.arange(len(x)), seconds), strict=True):
            padded[key][row, : len(x)] = column
    with h5py.File(path, "w") as file:
        file.attrs["type"] = np.bytes_(_TRAINS)
        file.attrs["version"] = np.bytes_("1.2")
        file.attrs["__attributes__"] = np.bytes_('["subjects", "scanpath_index"]')
        file.attrs["scanpath_attribute_mapping"] = np.bytes_('{"durations": "duration"}')
        for key in ("x", "y", "t"):
            file.create_dataset(f"train_{key}s", data=padded[key], compression="gzip")
        for key, column in (("ns", 0), ("subjects", 1)):
            values = np.array([scanpath[column] for scanpath in scanpaths], np.int64)
            file.create_dataset(f"train_{key}", data=values)
        file.create_group("scanpath_attributes").attrs["__attributes__"] = np.bytes_("[]")
        group = file.create_group("scanpath_fixation_attributes")
        group.attrs["__attributes__"] = np.bytes_('["durations"]')
        group.create_dataset("durations", data=padded["d"], compression="gzip")


def _lone(file: h5py.File) -> dict[str, np.ndarray]:
    """Columns of single fixations."""
    viewer = next((file[key][...] for key in ("subject", "subjects") if key in file), None)
    columns = {"x": file["x"][...], "y": file["y"][...], "stimulus": file["n"][...]}
    return columns | _known(len(columns["x"]), viewer, _first(file, _DURATIONS))


def _scanpaths(file: h5py.File, found: str) -> dict[str, np.ndarray]:
    """Columns of fixations that are stored a scanpath a row, filled up to the longest."""
    group = file["scanpaths"] if found == _OF_SCANPATHS else file
    before = "train_" if found == _TRAINS else ""
    x, y = group[f"{before}xs"][...], group[f"{before}ys"][...]
    number = group["train_ns" if found == _TRAINS else "n"][...]
    if found == _TRAINS:
        viewer = group["train_subjects"][...]
        lengths = np.count_nonzero(~np.isnan(x), axis=1)
        attributes = group.get("scanpath_fixation_attributes", {})
    else:
        viewer = _first(group["scanpath_attributes"], ("subject",))
        lengths = group["lengths" if "lengths" in group else "length"][...]
        attributes = group["fixation_attributes"]
    rows = {len(x), len(y), len(number), len(lengths)}
    if len(rows) > 1 or x.shape != y.shape:
        raise KeyError(f"arrays of {sorted(rows)} scanpaths, x {x.shape} and y {y.shape}")
    there = np.arange(x.shape[1]) < np.asarray(lengths)[:, np.newaxis]
    repeated = None if viewer is None else np.repeat(viewer, lengths)
    duration = _first(attributes, _DURATIONS)
    columns = {"x": x[there], "y": y[there], "stimulus": np.repeat(number, lengths)}
    return columns | _known(
        len(columns["x"]), repeated, None if duration is None else duration[there]
    )


def _first(group: h5py.Group | dict, keys: Sequence[str]) -> np.ndarray | None:
    """The first of some arrays that is there; None where none is."""
    return next((group[key][...] for key in keys if key in group), None)


def _known(
    count: int, viewer: np.ndarray | None, duration: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Viewers and durations, -1 and NaN where there are none."""
    return {
        "viewer": np.full(count, -1) if viewer is None else viewer,
        "duration": np.full(count, np.nan) if duration is None else duration,
    }


def _milliseconds(seconds: np.ndarray) -> npt.NDArray[np.float64]:
    """Durations in milliseconds, -1 where unknown."""
    return np.where(np.isnan(seconds), -1, np.asarray(seconds, np.float64) * 1e3)
