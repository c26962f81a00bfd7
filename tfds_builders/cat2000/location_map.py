"""CAT2000's `FIXATIONLOCS`: a MATLAB file per image, a map that is not 0 where people looked."""

import os

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab


def read_locations(path: str | os.PathLike, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Reads the places that somebody looked at.

    Args:
        path: a file such as `FIXATIONLOCS/Action/001.mat`, with the variable `fixLocs`.
        size: height and width that the map must have, pixels.

    Returns:
        Points as x and y, 0-based, pixels, int64 [n, 2], row by row.

    Raises:
        ValueError: if the file is of another format or structure, or the map of another size, or
            not finite.
    """
    locations = matlab.read_variable(path, "fixLocs")
    if locations.shape != size or locations.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: `fixLocs` must be a map of the (height, width) {size} of its image; "
            f"got {locations.dtype} {locations.shape}. Unpack the set again"
        )
    if not np.isfinite(locations).all():
        raise ValueError(f"{path}: `fixLocs` must be finite. Unpack the set again")
    row, column = np.nonzero(locations)
    return np.stack([column, row], axis=1)
