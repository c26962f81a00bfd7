"""Which pixels of a map were fixated."""

import functools

import numpy as np
import numpy.typing as npt


class Fixated:
    """The pixels of fixations, checked once; each metric takes it in place of `xy`.

    Whole numbers are the centres of pixels, as in heat maps: a fixation belongs to the nearest
    pixel. One in the outer half of the last pixel stays in it.

    Args:
        size: (height, width) of the map.
        xy: fixations (column, row), [n, 2]; rows with NaN, which pad batches, are left out.

    Attributes:
        size: (height, width) of the map.

    Raises:
        ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
    """

    def __init__(self, size: tuple[int, int], xy: npt.ArrayLike):
        xy = np.asarray(xy, np.float64)
        if xy.size == 0:
            xy = xy.reshape(0, 2)
        if xy.ndim != 2 or xy.shape[1] != 2:
            raise ValueError(f"fixations must be (x, y) rows, [n, 2]; got shape {xy.shape}")
        xy = xy[~np.isnan(xy).any(axis=1)]
        outside = ~((xy >= 0) & (xy < size[::-1])).all(axis=1)
        if outside.any():
            # NumPy would wrap a negative index to the opposite edge without a word.
            raise ValueError(
                f"fixations must lie on the map of {size[0]} x {size[1]} pixels (rows x columns); "
                f"got (x, y) = {tuple(xy[outside][0].tolist())}: drop off-image fixations first"
            )
        self.size = tuple(size)
        self._numbers = pixel_numbers(xy, size)

    def __len__(self) -> int:
        """Number of fixations."""
        return self._numbers.size

    def pixels(self, binary: bool = False) -> npt.NDArray[np.int64]:
        """Returns the numbers of the pixels, row * width + column, [n].

        Args:
            binary: name a pixel once, however often it was fixated, as a binary map does.
        """
        return self._once if binary else self._numbers

    @functools.cached_property
    def _once(self) -> npt.NDArray[np.int64]:
        return np.unique(self._numbers)


def fixated(size: tuple[int, int], xy: "npt.ArrayLike | Fixated") -> Fixated:
    """Returns the pixels of fixations; what is that already stays as it is.

    Raises:
        ValueError: if `xy` is not [n, 2], or on a map of another size, or a fixation is not on
            the map.
    """
    if not isinstance(xy, Fixated):
        return Fixated(size, xy)
    if xy.size != tuple(size):
        raise ValueError(
            f"fixations on a map of {xy.size[0]} x {xy.size[1]} pixels cannot serve a map of "
            f"{size[0]} x {size[1]}: give them as (x, y) on it"
        )
    return xy


def pixel_numbers(xy: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Returns the numbers of the pixels whose centres are nearest to points, int64 [n].

    Args:
        xy: points (column, row), [n, 2], in [0, width) and [0, height).
        size: (height, width) of the map.

    Returns:
        row * width + column of each.
    """
    last = np.subtract(size[::-1], 1)
    columns, rows = np.minimum(np.floor(xy + 0.5), last).astype(np.int64).T
    return rows * size[1] + columns
