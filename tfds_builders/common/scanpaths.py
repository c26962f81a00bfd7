"""OSIE's `fixations.mat`: a cell per image, in it a cell per viewer."""

import dataclasses
import os

import numpy as np
import numpy.typing as npt
import scipy.io

from tfds_builders.common import schema

_FIELDS = ("fix_x", "fix_y", "fix_duration")


@dataclasses.dataclass(frozen=True)
class Scanpaths:
    """Fixations of all viewers of one image, viewer after viewer, in order of time.

    Attributes:
        x: column, 0-based, pixels, float64 [n].
        y: row, 0-based, pixels, float64 [n].
        duration_ms: milliseconds, float64 [n].
        viewer: index of the person, 0 to 14 in the public file, int [n].
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    duration_ms: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]


def read_scanpaths(path: str | os.PathLike) -> dict[str, Scanpaths]:
    """Reads the eye-tracking file.

    Args:
        path: `fixations.mat` in the MATLAB 5 format of the authors.

    Returns:
        Scanpaths by image file name, in the file's order.

    Raises:
        ValueError: if the file is of another format or structure, or names an image twice.
    """
    try:
        content = scipy.io.loadmat(os.fspath(path), squeeze_me=True, struct_as_record=False)
        cells = np.ravel(content["fixations"])
    except FileNotFoundError:
        raise
    except Exception as error:  # SciPy raises many kinds for bytes that are no MATLAB file
        raise ValueError(
            f"{path} must be a MATLAB 5 file with the variable `fixations` ({error!r}); "
            "fetch it again"
        ) from error
    scanpaths: dict[str, Scanpaths] = {}
    for index, cell in enumerate(cells):
        try:
            name, found = str(cell.img), _read_cell(cell)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: cell {index} must be a struct of `img` and `subjects`, each subject "
                f"with {', '.join(_FIELDS)} of one length ({error}); fetch it again"
            ) from error
        if name in scanpaths:
            raise ValueError(
                f"{path}: image {name} must occur once; cell {index} repeats it. "
                "Fetch the file again"
            )
        scanpaths[name] = found
    return scanpaths


def _read_cell(cell: object) -> Scanpaths:
    """Joins the viewers of one image."""
    paths = [
        # Types vary from viewer to viewer (uint8 as well as float64), hence the cast.
        np.stack([np.ravel(getattr(viewer, field)) for field in _FIELDS]).astype(np.float64)
        for viewer in np.ravel(cell.subjects)
    ]
    x, y, duration_ms = np.concatenate(paths, axis=1)
    viewer = np.repeat(np.arange(len(paths)), [path.shape[1] for path in paths])
    return Scanpaths(schema.zero_based(x), schema.zero_based(y), duration_ms, viewer)
