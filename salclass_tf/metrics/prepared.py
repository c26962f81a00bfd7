"""A map that is checked once, and what several metrics ask of it."""

import functools
import math
import threading

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.fixated import fixated
from salclass_tf.metrics.maps import check_one_size
from salclass_tf.metrics.ranked import Ranked

_BLOCK = 2**18  # numbers that are float64 at one time: 2 MiB
_ROW = 2**13  # OpenBLAS starts threads of its own for products of more than 10,000 numbers
_BUFFERS = threading.local()
_SQUARABLE = 1e-100, 1e100  # what can be squared and summed in float64


class Prepared:
    """A map that several metrics score; each of them takes it in place of an array.

    The values stay in the type they come in, float32 where that holds them exactly: ranks are the
    same as those of float64. Moments are summed in float64, a block at a time.

    Args:
        values: a map, [h, w], of any numeric type.

    Attributes:
        shape: (h, w).
        size: number of pixels.
        flat: the values, float32 or float64 [h w].
        low: the lowest value.
        high: the highest value.

    Raises:
        ValueError: if it is not [h, w], is empty, or holds NaN or infinity.
    """

    _sums: tuple[float, float] | None = None

    def __init__(self, values: npt.ArrayLike):
        values = np.asarray(values)
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"a map must be [h, w] and not empty; got shape {values.shape}")
        self.shape, self.size = values.shape, values.size
        self.flat = np.ascontiguousarray(values, _exact_type(values.dtype)).ravel()
        self.low, self.high = self.flat.min(), self.flat.max()  # NaN where any value is
        if not (np.isfinite(self.low) and np.isfinite(self.high)):
            raise ValueError(
                "a map must hold finite numbers; got NaN or infinity: check its source"
            )

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Returns the values, [h, w]: NumPy calls it."""
        return np.array(self.flat.reshape(self.shape), dtype, copy=copy)

    @property
    def is_constant(self) -> bool:
        """Whether all values are alike."""
        return bool(self.low == self.high)

    def at(self, xy: npt.ArrayLike, binary: bool = False) -> np.ndarray:
        """Returns the values at fixations, [n], see `Fixated`.

        Args:
            xy: fixations (column, row), [n, 2].
            binary: name a pixel once, however often it was fixated.

        Raises:
            ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
        """
        return self.flat[fixated(self.shape, xy).pixels(binary)]

    @functools.cached_property
    def ranked(self) -> Ranked:
        """All values, among which those at fixations have a place."""
        return Ranked(self.flat)

    def beside(self, xy: npt.ArrayLike, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values at fixations, [n], and at other pixels, [m], to be ranked together.

        Args:
            xy: fixations (column, row), [n, 2].
            others: numbers of pixels, row * w + column, [m].

        Raises:
            ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
        """
        return self.at(xy), self.flat[others]

    def z_scores(
        self, xy: npt.ArrayLike, binary: bool = False, ddof: int = 0
    ) -> npt.NDArray[np.float64]:
        """Returns by how many standard deviations fixated values lie above the map's mean, [n].

        Args:
            xy: fixations (column, row) on this map, which is not constant, [n, 2].
            binary: name a pixel once, however often it was fixated.
            ddof: 0 for the population's standard deviation, 1 for the sample's.

        Raises:
            ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
        """
        values = self.at(xy, binary)
        if self._sums is None:
            _sum_up(self)
        total, squares = self._sums
        deviations = self._scaled(values.astype(np.float64)) - self._origin - total / self.size
        return deviations / np.sqrt((squares - total**2 / self.size) / (self.size - ddof))

    def correlation(self, other: "Prepared") -> float:
        """Returns Pearson's correlation with a map of the same size; neither is constant.

        NaN where rounding leaves nothing of how the values of one differ.
        """
        products = _sum_up(self, other)
        (total, squares), (other_total, other_squares) = self._sums, other._sums
        covariance = products - total * other_total / self.size
        variation = squares - total**2 / self.size
        other_variation = other_squares - other_total**2 / self.size
        if not (variation > 0 and other_variation > 0):  # lost to rounding, or NaN
            return math.nan
        found = covariance / math.sqrt(variation) / math.sqrt(other_variation)
        return min(max(found, -1.0), 1.0)  # in this order NaN stays

    @functools.cached_property
    def _exponent(self) -> int:
        """The power of 2 that the map is divided by before anything is squared.

        The squares of very small or large maps would be 0 or infinite.
        """
        largest = float(max(abs(self.low), abs(self.high)))
        lowest, highest = _SQUARABLE
        return 0 if lowest < largest < highest else int(np.frexp(largest)[1])

    @functools.cached_property
    def _origin(self) -> float:
        """A value near the mean: that of the first row, from which deviations are taken.

        Sums of squares around it lose little to rounding: where a row is 1/k of the map, its mean
        is at most sqrt(k) standard deviations away from the mean.
        """
        return float(self._scaled(self.flat[:_ROW].astype(np.float64)).mean())

    def _deviations(self, first: int, buffer: np.ndarray) -> npt.NDArray[np.float64]:
        """A block of values minus `_origin`, in rows of a buffer, the last one filled with 0."""
        block = self.flat[first : first + _BLOCK]
        rows = buffer[: -(-block.size // _ROW)]
        flat = rows.ravel()
        flat[block.size :] = 0
        deviations = flat[: block.size]
        np.copyto(deviations, block)
        np.subtract(self._scaled(deviations), self._origin, out=deviations)
        return rows

    def _scaled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values in the scale in which they can be squared."""
        return np.ldexp(values, -self._exponent) if self._exponent else values


def prepared(values: "npt.ArrayLike | Prepared") -> Prepared:
    """Returns a map prepared for metrics; one that is already stays as it is.

    Raises:
        ValueError: if it is not [h, w], is empty, or holds NaN or infinity.
    """
    return values if isinstance(values, Prepared) else Prepared(values)


def prepared_pair(
    saliency: "npt.ArrayLike | Prepared", target: "npt.ArrayLike | Prepared"
) -> tuple[Prepared, Prepared]:
    """Returns two maps of one size prepared for metrics.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = prepared(saliency), prepared(target)
    check_one_size(saliency.shape, target.shape)
    return saliency, target


def _exact_type(dtype: np.dtype) -> type[np.floating]:
    """The type of 32 or 64 bits that holds all values of another; float64 where none does."""
    small = dtype.kind in "fiub" and np.result_type(dtype, np.float32) == np.float32
    return np.float32 if small else np.float64


def _sum_up(*maps: Prepared) -> float:
    """Finds sum and sum of squares of the deviations of one map or two, for what asks next.

    Returns:
        The sum of products of the first one's and the last one's.
    """
    if not hasattr(_BUFFERS, "blocks"):  # memory that is asked for anew has to be cleared anew
        _BUFFERS.blocks = np.empty((2, -(-_BLOCK // _ROW), _ROW))
    sums, products = np.zeros((len(maps), 2)), 0.0
    for first in range(0, maps[0].size, _BLOCK):
        blocks = [one._deviations(first, _BUFFERS.blocks[i]) for i, one in enumerate(maps)]
        sums += [(block.sum(), _dot(block, block)) for block in blocks]
        products += _dot(blocks[0], blocks[-1])
    for one, found in zip(maps, sums.tolist(), strict=True):
        one._sums = tuple(found)
    return products


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Sum of products, of rows that BLAS leaves to the thread that calls it."""
    return float(np.vecdot(first, second).sum())
