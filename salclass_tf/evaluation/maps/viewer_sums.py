"""What an image's viewers looked at, as sums of Gaussians, and what is known of these undrawn.

A Gaussian is separable, so that products of two sums over all pixels, and with them mean,
deviation and correlation of maps, follow from products of their profiles (a Gram matrix). Values
that are ranked are drawn once for all viewers.
"""

import functools
import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from salclass_tf.evaluation.maps.watched import Watched
from salclass_tf.metrics.fixated import pixel_numbers

# OpenBLAS starts threads of its own, under those of `evaluate`, for larger products.
_MULTIPLICATIONS = 2**18
_BLOCK = 2**13  # columns of a table that a core's cache holds


class ViewerSums:
    """For each viewer of an image the sum of a Gaussian at each fixation.

    Sums are not scaled, so that they add up. Threads may share them.

    Args:
        watched: the image, with a known viewer at least.

    Attributes:
        size: (height, width) of what is scored.
        fixated: the pixels (column, row) of each viewer's fixations on it, [n, 2] each.
    """

    def __init__(self, watched: Watched):
        known = np.flatnonzero(watched.viewer >= 0)
        known = known[np.argsort(watched.viewer[known], kind="stable")]
        self._starts = np.searchsorted(watched.viewer[known], watched.viewers)
        self._viewer = np.searchsorted(watched.viewers, watched.viewer[known])
        self.size = watched.drawn if watched.size is None else watched.size
        # Profiles of the Gaussians: one a row, from the top down and from left to right.
        self._drawn = tuple(
            np.exp(
                -0.5 * np.square((np.arange(length) - centres[:, np.newaxis]) / watched.sigma_px)
            )
            for length, centres in zip(watched.drawn, watched.xy[known].T[::-1], strict=True)
        )
        self._window = tuple(
            slice(start, start + length)
            for start, length in zip(watched.origin, self.size, strict=True)
        )
        self._scored = tuple(
            profiles[:, part] for profiles, part in zip(self._drawn, self._window, strict=True)
        )
        pixels = watched.pixels[known] - watched.origin[::-1]
        inside = ((pixels >= 0) & (pixels < self.size[::-1])).all(axis=1)
        self.fixated = [
            pixels[inside & (self._viewer == index)] for index in range(len(watched.viewers))
        ]
        self._own = np.unique(pixel_numbers(pixels[inside], self.size))
        self._lock = threading.Lock()
        self._elsewhere: np.ndarray | None = None
        self._others = np.empty((0, 0))

    def map(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Draws the map of some viewers; 1 is the highest value on the whole image.

        Args:
            chosen: who, [viewers].

        Returns:
            float64 [*size]; 0 where no Gaussian reaches a pixel.
        """
        rows, columns = (profiles[chosen[self._viewer]] for profiles in self._drawn)
        total = _product(rows.T, columns)
        peak = total.max()
        return total[self._window] / (peak if peak > 0 else 1)

    def values(self, chosen: npt.NDArray[np.bool_], pixels: np.ndarray) -> npt.NDArray[np.float64]:
        """Returns the sums of some viewers' Gaussians at pixels, [n]; not scaled.

        Args:
            chosen: who, [viewers].
            pixels: their numbers, row * width + column, [n].
        """
        points = np.flatnonzero(chosen[self._viewer])
        parts = zip(self._scored, np.divmod(pixels, self.size[1]), strict=True)
        at_rows, at_columns = (profiles[np.ix_(points, places)] for profiles, places in parts)
        return (at_rows * at_columns).sum(axis=0)

    def moments(self, chosen: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Returns mean and mean square of the sum of some viewers' Gaussians; not scaled."""
        totals, products = self._sums
        return totals[chosen].sum() / self._area, products[
            np.ix_(chosen, chosen)
        ].sum() / self._area

    def mean_product(self, one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
        """Returns the mean product of two such sums."""
        return self._sums[1][np.ix_(one, other)].sum() / self._area

    def others_values(
        self, viewer: int, fixated: np.ndarray, elsewhere: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns all others' Gaussians at fixations on the image, [n], and elsewhere, [m].

        Sums of all viewers at these places are kept for the next one. Others are added up, and not
        a viewer's own taken away from everybody's: that would leave rounding where nobody else
        looked, and give such places a rank. Equal places have equal values.

        Args:
            viewer: who is left out.
            fixated: numbers of pixels, row * width + column, some of those of `self.fixated`.
            elsewhere: numbers of other pixels, alike for all viewers.
        """
        with self._lock:
            if self._elsewhere is not elsewhere and not np.array_equal(self._elsewhere, elsewhere):
                self._others = self._drawn_at(np.concatenate([self._own, elsewhere]))
                self._elsewhere = elsewhere
            values = self._others[viewer]
        return values[np.searchsorted(self._own, fixated)], values[self._own.size :]

    @property
    def _area(self) -> int:
        """Number of pixels that are scored."""
        return self.size[0] * self.size[1]

    @property
    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Each viewer's sum over the pixels, [viewers], and sums of products, [viewers] * 2."""
        with self._lock:
            return self._gram

    @functools.cached_property
    def _gram(self) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = self._scored
        totals = np.add.reduceat(rows.sum(axis=1) * columns.sum(axis=1), self._starts)
        products = np.empty((len(self._starts),) * 2)
        for index, own in enumerate(self._points()):
            # Those before have been paired with this one.
            pairs = [_product(each[own.start :], each[own].T) for each in self._scored]
            sums = (pairs[0] * pairs[1]).sum(axis=1)
            found = np.add.reduceat(sums, self._starts[index:] - own.start)
            products[index, index:] = products[index:, index] = found
        return totals, products

    def _drawn_at(self, places: np.ndarray) -> npt.NDArray[np.float64]:
        """For each viewer the sum of all others' Gaussians at pixels, [viewers, n]."""
        table = np.empty((len(self._starts), places.size))
        drawn = np.empty(self.size)
        for own, found in zip(self._points(), table, strict=True):
            rows, columns = (profiles[own] for profiles in self._scored)
            _product(rows.T, columns, drawn)
            drawn.ravel().take(places, out=found, mode="clip")  # "raise" would make a copy
        for first in range(0, places.size, _BLOCK):
            _leave_each_out(table[:, first : first + _BLOCK])
        return table

    def _points(self) -> Iterator[slice]:
        """Yields which of the fixations are each viewer's."""
        ends = [*self._starts[1:].tolist(), len(self._viewer)]
        return map(slice, self._starts.tolist(), ends)


def _product(
    left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None
) -> npt.NDArray[np.float64]:
    """The product of two matrices, in steps that BLAS leaves to the thread that calls it."""
    out = np.empty((len(left), right.shape[1])) if out is None else out
    step = max(1, _MULTIPLICATIONS // right.size)
    whole = len(left) // step * step
    steps = (-1, step, left.shape[1]), (-1, step, right.shape[1])
    np.matmul(left[:whole].reshape(steps[0]), right, out=out[:whole].reshape(steps[1]))
    np.matmul(left[whole:], right, out=out[whole:])
    return out


def _leave_each_out(table: npt.NDArray[np.float64]) -> None:
    """Replaces each row by the sum of all others, [rows, n]."""
    own, total = table.copy(), np.zeros(table.shape[1])
    for row, before in zip(own, table, strict=True):
        before[:] = total
        total += row
    total[:] = 0
    for row, others in zip(own[::-1], table[::-1], strict=True):
        others += total
        total += row
