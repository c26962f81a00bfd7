"""Maps of an image's viewers that metrics score, mostly without drawing them."""

import functools

import numpy as np
import numpy.typing as npt

from salclass_tf.evaluation.maps.viewer_sums import ViewerSums
from salclass_tf.metrics.fixated import fixated
from salclass_tf.metrics.prepared import Prepared

# Below this share of the mean square a variance is too small a difference of two large numbers,
# below the other one a mean square loses digits to underflow: the map is drawn.
_SMALLEST_VARIANCE, _SMALLEST_SQUARE = 1e-6, 1e-200


class ViewerMap(Prepared):
    """The map of some of an image's viewers, drawn only where a metric asks for all of it.

    Args:
        sums: those of all viewers.
        chosen: whose it is, bool [viewers].
    """

    def __init__(self, sums: ViewerSums, chosen: npt.NDArray[np.bool_]):
        # `Prepared.__init__` checks values, and there are none yet.
        self._shared, self._chosen = sums, chosen
        self.shape, self.size = sums.size, sums.size[0] * sums.size[1]

    @functools.cached_property
    def flat(self) -> npt.NDArray[np.float64]:
        """The values, float64 [h w]."""
        return self._shared.map(self._chosen).ravel()

    @functools.cached_property
    def low(self) -> np.float64:
        """The lowest value."""
        return self.flat.min()

    @functools.cached_property
    def high(self) -> np.float64:
        """The highest value."""
        return self.flat.max()

    @property
    def is_constant(self) -> bool:
        """Whether all values are alike."""
        return not self._is_plain and super().is_constant

    def z_scores(
        self, xy: npt.ArrayLike, binary: bool = False, ddof: int = 0
    ) -> npt.NDArray[np.float64]:
        """Returns by how many standard deviations fixated values lie above the map's mean, [n].

        Args:
            xy: fixations (column, row), [n, 2].
            binary: name a pixel once, however often it was fixated.
            ddof: 0 for the population's standard deviation, 1 for the sample's.

        Raises:
            ValueError: if `xy` is not [n, 2], or a fixation is not on the map.
        """
        if not self._is_plain:
            return super().z_scores(xy, binary, ddof)
        values = self._shared.values(self._chosen, fixated(self.shape, xy).pixels(binary))
        mean, square = self._mean_and_square
        variance = (square - mean**2) * self.size / (self.size - ddof)
        return (values - mean) / np.sqrt(variance)

    def correlation(self, other: Prepared) -> float:
        """Returns Pearson's correlation with a map of the same size; neither is constant."""
        of_one_image = isinstance(other, ViewerMap) and other._shared is self._shared
        if not (of_one_image and self._is_plain and other._is_plain):
            return super().correlation(other)
        (mean, square), (other_mean, other_square) = self._mean_and_square, other._mean_and_square
        covariance = self._shared.mean_product(self._chosen, other._chosen) - mean * other_mean
        variances = (square - mean**2) * (other_square - other_mean**2)
        return float(np.clip(covariance / np.sqrt(variances), -1, 1))

    @functools.cached_property
    def _mean_and_square(self) -> tuple[float, float]:
        return self._shared.moments(self._chosen)

    @functools.cached_property
    def _is_plain(self) -> bool:
        """Whether differences of sums of products are exact enough."""
        mean, square = self._mean_and_square
        return square > _SMALLEST_SQUARE and square - mean**2 > _SMALLEST_VARIANCE * square


class MapOfOthers(ViewerMap):
    """The map of all viewers but one.

    Args:
        sums: those of all viewers.
        viewer: who is left out.
    """

    def __init__(self, sums: ViewerSums, viewer: int):
        super().__init__(sums, np.arange(len(sums.fixated)) != viewer)
        self._viewer = viewer

    def beside(self, xy: npt.ArrayLike, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values at fixations, [n], and at other pixels, [m]; not scaled.

        Args:
            xy: fixations (column, row) of the viewer who is left out, [n, 2].
            others: numbers of pixels, row * w + column, [m].
        """
        own = fixated(self.shape, xy).pixels()
        return self._shared.others_values(self._viewer, own, others)
