"""MATLAB 5 files with gaze in them."""

import os

import numpy as np
import numpy.typing as npt
import scipy.io


def read_variable(path: str | os.PathLike, name: str) -> np.ndarray:
    """Reads one variable of a file.

    Args:
        path: a file in MATLAB's format 5 (`save -v7` and older).
        name: the variable.

    Returns:
        The array as SciPy gives it without squeezing: a struct is an array with fields, a cell or
        a field's value an object.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if the file is of another format, is cut short, or lacks the variable.
    """
    try:
        return scipy.io.loadmat(os.fspath(path), variable_names=[name])[name]
    except FileNotFoundError:
        raise
    except Exception as error:  # SciPy raises many kinds for bytes that are no MATLAB file
        raise ValueError(
            f"{path} must be a MATLAB 5 file with the variable `{name}` ({error!r}); fetch it again"
        ) from error


def rows(array: npt.ArrayLike, source: str) -> npt.NDArray[np.float64]:
    """Returns points as the files hold them, a row each.

    Args:
        array: [n, 2] of any numeric type, or an empty array of any shape.
        source: what it is, for the error message.

    Returns:
        float64 [n, 2].

    Raises:
        ValueError: if it has another shape, or holds no numbers.
    """
    array = np.asarray(array)
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iuf":
        raise ValueError(
            f"{source} must be numbers in rows of x and y; got {array.dtype} {array.shape}. "
            "The file belongs to another edition of the set"
        )
    return array.astype(np.float64)
