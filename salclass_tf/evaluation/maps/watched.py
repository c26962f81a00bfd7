"""Who looked where on an image."""

import dataclasses
import functools

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True, eq=False)
class Watched:
    """Who looked where on an image, and what of it is scored.

    Attributes:
        name: of the image.
        viewer: number of the person who made each fixation, int64 [n]; below 0 where unknown.
        xy: fixations (column, row), where their Gaussians are, float [n, 2]; pixels of `drawn`.
        pixels: the pixels (column, row) that they belong to, likewise.
        drawn: (height, width) of the whole image, on which the highest value of a map is 1.
        sigma_px: standard deviation of the Gaussians, in these pixels.
        origin: first (row, column) of it that is scored.
        size: (height, width) of what is scored; None is all.
    """

    name: str
    viewer: np.ndarray
    xy: np.ndarray
    pixels: np.ndarray
    drawn: tuple[int, int]
    sigma_px: float
    origin: tuple[int, int] = (0, 0)
    size: tuple[int, int] | None = None

    @functools.cached_property
    def viewers(self) -> npt.NDArray[np.int64]:
        """The numbers of the known people."""
        return np.unique(self.viewer[self.viewer >= 0])
