"""Maps in which a white pixel is one or more fixations."""

import os

import numpy as np
import numpy.typing as npt
from PIL import Image

from tfds_builders.common import originals

# JPEG blurs the white pixel of the map, but its neighbours stay below this.
_WHITE = 128


def read_points(path: str | os.PathLike, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Reads the white pixels of a map such as MIT1003's `<name>_fixPts.jpg`.

    Args:
        path: grey image file.
        size: height and width that it must have, pixels.

    Returns:
        Points as x and y, 0-based, pixels, int64 [n, 2], row by row.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it does not decode or has another size.
    """
    found = originals.image_size(path)
    if found != size:
        raise ValueError(
            f"map {path} must have the (height, width) {size} of its image; got {found}. "
            "Unpack images and maps of one edition"
        )
    with Image.open(path) as image:
        row, column = np.nonzero(np.asarray(image.convert("L")) >= _WHITE)
    return np.stack([column, row], axis=1)
