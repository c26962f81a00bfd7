"""Maps of images in one HDF5 file, in the form of the package pysaliency.

An array [h, w] for each image, under the name of the image's file, with the folders that tell it
from others: `1001.jpg`, `Action/001.jpg`. What the numbers are is not written: saliency maps (for
pysaliency's `HDF5SaliencyMapModel`), or natural logarithms of densities (for `HDF5Model`, and for
submissions to the MIT/Tuebingen benchmark).
"""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import h5py
import numpy as np
import numpy.typing as npt

from salclass_tf.metrics import maps
from salclass_tf.runs import files

SUFFIXES = (".h5", ".hdf5")
# exp of it is 0 in float64: what -inf stands for, as a number that can be checked like others.
_LOG_OF_NOTHING = -1e4


class MapFile:
    """The maps of a file.

    Attributes:
        path: the file.
        keys: names of its maps.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it is no HDF5 file, or holds something else than maps.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        with self._opened() as file:
            if "type" in file.attrs:
                kind = file.attrs["type"]
                kind = kind.decode() if isinstance(kind, bytes) else kind
                raise ValueError(
                    f"{path} must hold maps, an array for each image; it holds pysaliency's {kind}:"
                    " name the file that export_model_to_hdf5 has written"
                )
            shapes = _shapes(file)
        other = [key for key, shape in shapes.items() if len(shape) != 2]
        if other or not shapes:
            got = f"{other[0]!r} of shape {list(shapes[other[0]])}" if other else "no array"
            raise ValueError(
                f"{path} must hold maps [h, w], one for each image under the name of its file; got "
                f"{got}: write it with pysaliency's export_model_to_hdf5, or `salclass pysaliency`"
            )
        self.keys = tuple(sorted(shapes))

    def read(self, key: str) -> npt.NDArray[np.float64]:
        """Returns the numbers of a map, float64 [h, w]; -inf in log densities as -10,000.

        Raises:
            ValueError: if it holds NaN, infinity or nothing but 0, or cannot be read; the message
                names the map.
        """
        with self._opened() as file:
            stored = file[key][...]
        try:
            values = maps.as_map(with_finite_logarithms(stored))
        except ValueError as error:
            raise ValueError(f"{self.path}, {key}: {error}") from error
        if not values.any():
            raise ValueError(
                f"{self.path}, {key}: the map is 0 everywhere, so it says nothing of where people "
                "look: compute it again"
            )
        return values

    @contextlib.contextmanager
    def _opened(self) -> Iterator[h5py.File]:
        """The file; what h5py says of a broken one names it."""
        try:
            with h5py.File(self.path, "r") as file:
                yield file
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.path} is not there") from None
        except (KeyError, MemoryError, OSError, RuntimeError, TypeError) as error:
            raise ValueError(f"{self.path} must be an HDF5 file of maps ({error})") from error


@contextlib.contextmanager
def write(path: pathlib.Path) -> Iterator[Callable[[str, np.ndarray], None]]:
    """Writes maps as they come; the file has its name once the `with` ends without an error.

    Args:
        path: the file; one of that name is replaced.

    Yields:
        A function that takes a key and a map [h, w], which is kept in its own type.
    """
    with files.whole(path) as temporary, contextlib.ExitStack() as stack:
        file = stack.enter_context(h5py.File(temporary, "w"))

        def add(key: str, values: np.ndarray) -> None:
            options = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
            file.create_dataset(key, data=maps.as_map(values).astype(values.dtype), **options)

        yield add


def with_finite_logarithms(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns a log density with -10,000 for -inf, what a probability of 0 has; others as they are.

    Args:
        values: numbers of a map in any form, [...].
    """
    values = np.asarray(values, np.float64)
    if np.isneginf(values).any() and np.isfinite(values).any() and values.max() <= 0:
        return np.maximum(values, _LOG_OF_NOTHING)
    return values


def log_density(saliency: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns the natural logarithm of a map as probabilities.

    The density is that of all our metrics: a map with negative values is shifted to 0, then divided
    by its sum. Probabilities below 2.2204e-16 become that, so that no fixation is impossible.

    Args:
        saliency: [h, w].

    Returns:
        float64 [h, w]; the exponentials sum to 1 within 1e-9.
    """
    return np.log(np.maximum(maps.density(maps.as_map(saliency)), maps.EPSILON))


def _shapes(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Name -> shape of all arrays of a file."""
    shapes = {}

    def note(key: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[key] = item.shape

    file.visititems(note)
    return shapes
