"""PASCAL-S's `pascalFix.mat`: a cell per image with rows of y, x and person."""

import dataclasses
import os

import h5py
import numpy as np
import numpy.typing as npt

from tfds_builders.common import schema


@dataclasses.dataclass(frozen=True)
class Gaze:
    """Fixations of all viewers of one image, in the file's order.

    Attributes:
        x: column, 0-based, pixels, float64 [n].
        y: row, 0-based, pixels, float64 [n].
        viewer: index of the person, from 0, int [n].
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]


def read_cells(path: str | os.PathLike) -> list[Gaze]:
    """Reads the eye-tracking file.

    Args:
        path: `pascalFix.mat` in the MATLAB 7.3 format of the authors, which is HDF5.

    Returns:
        Gaze by image; the first entry is image 1.

    Raises:
        ValueError: if the file is of another format or structure.
    """
    try:
        with h5py.File(path) as file:
            cells = [file[reference] for reference in np.ravel(file["fixCell"][()])]
            # MATLAB stores the size of an empty array in place of its content.
            arrays = [np.empty((3, 0)) if "MATLAB_empty" in c.attrs else c[()] for c in cells]
    except FileNotFoundError:
        raise
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:  # h5py's, if not so
        raise ValueError(
            f"{path} must be a MATLAB 7.3 file with the cell array `fixCell` ({error!r}); "
            "fetch it again"
        ) from error
    return [_read_cell(array, f"{path}, image {number}") for number, array in enumerate(arrays, 1)]


def _read_cell(array: np.ndarray, source: str) -> Gaze:
    """Names the columns; HDF5 has them as rows."""
    if array.ndim != 2 or len(array) != 3 or array.dtype.kind not in "iuf":
        raise ValueError(
            f"{source} must have three numbers a fixation (y, x, person); got {array.dtype} "
            f"{array.shape}. The file belongs to another edition of the set"
        )
    y, x, person = array.astype(np.float64)
    if not (np.isfinite(person).all() and (person >= 1).all()):
        raise ValueError(f"{source}: persons must be numbered from 1; got {person.tolist()}")
    return Gaze(schema.zero_based(x), schema.zero_based(y), person.astype(np.int64) - 1)
