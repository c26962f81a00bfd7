"""A map that is checked once, and what several metrics ask of it."""

import functools
import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.maps import check_one_size, pixels

_BLOCK = 2**16  # numbers that are float64 at one time: half a mebibyte, which a core's cache holds
_ROW = 2**13  # OpenBLAS starts threads of its own for products of more than 10,000 numbers
_FEW = 40  # up to here comparing each with a map takes less time than sorting it (measured)
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
        self._sums: tuple[float, float] | None = None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Returns the values, [h, w]: NumPy calls it."""
        return np.array(self.flat.reshape(self.shape), dtype, copy=copy)

    @property
    def is_constant(self) -> bool:
        """Whether all values are alike."""
        return bool(self.low == self.high)

    def at(self, xy: npt.ArrayLike, binary: bool = False) -> np.ndarray:
        """Returns the values at fixations, [n], see `maps.pixels`.

        Args:
            xy: fixations (column, row), [n, 2].
            binary: name a pixel once, however often it was fixated.

        Raises:
            ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
        """
        rows, columns = pixels(self.shape, xy, binary)
        return self.flat[rows * self.shape[1] + columns]

    def below(self, levels: np.ndarray, or_equal: bool = False) -> npt.NDArray[np.int64]:
        """Returns how many pixels have a value below each level (or at most the level), [n].

        Args:
            levels: values of this map, [n].
            or_equal: count those that equal the level, too.
        """
        if levels.size < _FEW:
            return count_below(self.flat, levels, or_equal)
        return np.searchsorted(self._ranked, levels, "right" if or_equal else "left")

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
        total, squares = self._moments()
        deviations = self._scaled(values.astype(np.float64)) - self._origin - total / self.size
        return deviations / np.sqrt((squares - total**2 / self.size) / (self.size - ddof))

    def correlation(self, other: "Prepared") -> float:
        """Returns Pearson's correlation with a map of the same size; neither is constant."""
        sums, products = np.zeros((2, 2)), 0.0
        for pair in zip(self._deviations(0), other._deviations(1), strict=True):
            sums += [(values.sum(), _dot(values, values)) for values in pair]
            products += _dot(*pair)
        # One pass over the maps is for all: what is known now need not be summed again.
        self._sums, other._sums = map(tuple, sums.tolist())
        totals, squares = sums.T
        lengths = np.sqrt(squares - totals**2 / self.size)
        covariance = products - totals.prod() / self.size
        return float(np.clip(covariance / lengths[0] / lengths[1], -1, 1))

    @functools.cached_property
    def _ranked(self) -> np.ndarray:
        """The values in rising order."""
        return np.sort(self.flat)

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
        """A value near the mean: that of the first block, from which deviations are taken.

        Sums of squares around it lose nothing to rounding: where a block is 1/k of the map, its
        mean is at most sqrt(k) standard deviations away from the mean.
        """
        block = self.flat[:_BLOCK]
        if self._exponent:
            block = self._scaled(block)
        return float(block.mean(dtype=np.float64))

    def _moments(self) -> tuple[float, float]:
        """Sum and sum of squares of the deviations from `_origin`."""
        if self._sums is None:
            total = squares = 0.0
            for deviations in self._deviations():
                total += float(deviations.sum())
                squares += _dot(deviations, deviations)
            self._sums = total, squares
        return self._sums

    def _deviations(self, number: int = 0) -> Iterator[npt.NDArray[np.float64]]:
        """Yields the values minus `_origin`, block by block, always in the same buffer."""
        buffer = _buffer(number)
        for start in range(0, self.size, _BLOCK):
            block = self.flat[start : start + _BLOCK]
            deviations = buffer[: block.size]
            np.copyto(deviations, block)
            deviations = self._scaled(deviations)
            deviations -= self._origin
            yield deviations

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


def count_below(
    values: np.ndarray,
    levels: np.ndarray,
    or_equal: bool = False,
    counts: np.ndarray | None = None,
) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    """Returns how many values lie below each level (or reach at most the level), [n].

    Args:
        values: [m].
        levels: of the same type, rising, [n].
        or_equal: count those that equal the level, too.
        counts: how often each value counts, [m]; None is once.
    """
    if counts is not None:
        # The levels that a value lies under are those from its place among them on.
        places = np.searchsorted(levels, values, "left" if or_equal else "right")
        return np.cumsum(np.bincount(places, counts, levels.size + 1))[:-1]
    if levels.size < _FEW:
        compare = np.less_equal if or_equal else np.less
        return np.array([np.count_nonzero(compare(values, level)) for level in levels], np.int64)
    return np.searchsorted(np.sort(values), levels, "right" if or_equal else "left")


def _buffer(number: int) -> npt.NDArray[np.float64]:
    """One of a thread's two buffers: memory that is asked for anew has to be cleared anew."""
    if not hasattr(_BUFFERS, "blocks"):
        _BUFFERS.blocks = np.empty((2, _BLOCK))
    return _BUFFERS.blocks[number]


def _exact_type(dtype: np.dtype) -> type[np.floating]:
    """The type of 32 or 64 bits that holds all values of another; float64 where none does."""
    small = dtype.kind in "fiub" and np.result_type(dtype, np.float32) == np.float32
    return np.float32 if small else np.float64


def _dot(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Sum of products, in rows that BLAS leaves to the thread that calls it."""
    whole = first.size // _ROW * _ROW
    rows = np.vecdot(first[:whole].reshape(-1, _ROW), second[:whole].reshape(-1, _ROW))
    return float(rows.sum() + np.vecdot(first[whole:], second[whole:]))
