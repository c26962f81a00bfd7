"""What all of pysaliency's HDF5 files of data sets share: a type, a version, and where pixels lie.

pysaliency cuts coordinates off: a fixation at 7.9 belongs to pixel 7, so that pixel 7 reaches from
7 to 8. In this package whole numbers are the centres of pixels, and pixel 7 reaches from 6.5 to
7.5: half a pixel lies between the two.
"""

import contextlib
import os
from collections.abc import Iterator

import h5py
import numpy as np
import numpy.typing as npt


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[h5py.File]:
    """Opens a file; what h5py says of one that is not as it must be becomes an error that names it.

    Args:
        path: an HDF5 file.

    Yields:
        The file, for reading.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it is no HDF5 file, or lacks what is read from it inside the `with`.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there") from None
    except KeyError as error:
        raise ValueError(
            f"{path} is not in pysaliency's layout ({error.args[0]}); write it with pysaliency's "
            "to_hdf5"
        ) from error
    except OSError as error:
        raise ValueError(f"{path} must be an HDF5 file ({error}); fetch or write it again") from (
            error
        )


def kind(file: h5py.Group) -> str:
    """Returns the type of a file or group, such as `FileStimuli`; "" where it tells none."""
    return text(file.attrs.get("type", ""))


def text(value: str | bytes) -> str:
    """Returns a string of HDF5 as text."""
    return value.decode() if isinstance(value, bytes) else str(value)


def from_pixel_edges(position: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Moves pysaliency's coordinates to ours, so that each stays in its pixel.

    Whole numbers throughout are numbers of pixels and remain; with fractions 0.5 is subtracted. The
    left half of the first pixel becomes 0: nothing of the schema lies before the first centre.

    Args:
        position: columns or rows of all fixations of a file, [n].

    Returns:
        float32 [n], of which the nearest whole number is what pysaliency takes as the pixel.
    """
    position = np.asarray(position, np.float64)
    if np.array_equal(position, np.trunc(position)):
        return position.astype(np.float32)
    moved = np.where((position >= 0) & (position < 0.5), 0, position - 0.5)
    rounded = moved.astype(np.float32)
    # A point a hair before the edge of its pixel must not be rounded over it.
    over = np.floor(rounded.astype(np.float64) + 0.5) > np.floor(moved + 0.5)
    return np.where(over, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def to_pixel_edges(position: npt.ArrayLike, length: int) -> npt.NDArray[np.float64]:
    """Moves coordinates of the schema to pysaliency's.

    Args:
        position: columns or rows, 0-based, whole numbers are the centres of pixels, [n].
        length: width or height of the image, pixels.

    Returns:
        float64 [n] in [0, length); cut off, each is the pixel that our metrics take.
    """
    moved = np.asarray(position, np.float64) + 0.5
    return np.minimum(moved, np.nextafter(np.float64(length), 0))
