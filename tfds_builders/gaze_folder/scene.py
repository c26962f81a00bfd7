"""Gaze and pictures of a study together, and how likely the gaze is under a convention."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import conspicuity
from tfds_builders.gaze_folder.coordinates import Coordinates

_STRAY = 0.03  # share of fixations that no model places
_FLAT = 0.1  # share of the others that fall anywhere on the image
_POINTS = 200  # of an image; more say little


@dataclasses.dataclass(frozen=True)
class Scene:
    """Gaze of a study as it was recorded, with what is likely on the pictures.

    Attributes:
        x: first coordinate of each fixation, float64 [n].
        y: second coordinate, likewise.
        image: which image it belongs to, int [n], 0 to m - 1, rising.
        sizes: height and width of the images in pixels, int [m, 2], in the stems' order.
        likely: `conspicuity.log_density` of the images, float64 [m, SIDE, SIDE].
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    image: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    likely: npt.NDArray[np.float64]

    def to_images(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """Moves all points to their images.

        Args:
            convention: how they were written down; its `picture` is left aside.

        Returns:
            Columns and rows, pixels, float64 [2, n].
        """
        moved = np.empty((2, len(self.x)))
        for size, members in self._by_size:
            moved[:, members] = convention.to_image(self.x[members], self.y[members], size)
        return moved

    def score(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """How well a convention predicts the gaze.

        The density of a recorded point is that of its place on the image times the area that the
        convention gives to a unit of the record, so that conventions of different scale compare.

        Args:
            convention: the hypothesis.

        Returns:
            Mean log-likelihood of a fixation of each image that has some, in nats, float64 [k].
        """
        height, width = self.sizes[self.image].T
        x, y = self.to_images(convention)
        across, down = (x + 0.5) / width, (y + 0.5) / height
        cells = np.stack([down, across]) * conspicuity.SIDE - 0.5
        picture = (self.image + convention.picture) % len(self.sizes)
        near = ndimage.map_coordinates(
            self.likely, [picture, *np.clip(cells, 0, conspicuity.SIDE - 1)], order=1
        )
        inside = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
        on_image = np.where(inside, _FLAT + (1 - _FLAT) * np.exp(near), 0)
        away = (1 + (across - 0.5) ** 2 + (down - 0.5) ** 2) ** -1.5 / (2 * np.pi)
        each = np.log((1 - _STRAY) * on_image + _STRAY * away)
        return (self._means(each) + self._log_areas(convention))[self._seen]

    def apart(self, one: Coordinates, other: Coordinates) -> float:
        """Measures how far two conventions put gaze from each other.

        Args:
            one: a convention.
            other: another one.

        Returns:
            Median distance between the places, share of the image's long side; infinite on
            different pictures.
        """
        if one.picture != other.picture:
            return np.inf
        moved = self.to_images(one) - self.to_images(other)
        return float(np.median(np.hypot(*moved) / self.sizes.max(axis=1)[self.image]))

    @functools.cached_property
    def _seen(self) -> npt.NDArray[np.int64]:
        """Images with fixations."""
        return np.unique(self.image)

    @functools.cached_property
    def _by_size(self) -> list[tuple[tuple[int, int], npt.NDArray[np.int64]]]:
        """Indices of the points by the size of their image."""
        sizes, which = np.unique(self.sizes, axis=0, return_inverse=True)
        which = np.ravel(which)[self.image]
        return [(tuple(map(int, size)), np.flatnonzero(which == i)) for i, size in enumerate(sizes)]

    def _means(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        counts = np.bincount(self.image, minlength=len(self.sizes))
        return np.bincount(self.image, values, len(self.sizes)) / np.maximum(counts, 1)

    def _log_areas(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """Logarithm of the share of the image that one square unit of the record covers, [m]."""
        areas = np.empty(len(self.sizes))
        for size in {tuple(map(int, size)) for size in self.sizes}:
            x, y = convention.to_image([1e4, 1e4 + 1, 1e4], [1e4, 1e4, 1e4 + 1], size)
            area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
            areas[(self.sizes == size).all(axis=1)] = np.log(area / (size[0] * size[1]))
        return areas


def gather(
    gaze: Mapping[str, fixation_table.Fixations],
    paths: Mapping[str, pathlib.Path],
    sizes: Mapping[str, tuple[int, int]],
) -> Scene:
    """Joins gaze and pictures.

    Args:
        gaze: fixations by stem.
        paths: image files by stem, those without gaze as well, in the stems' order.
        sizes: height and width of images that decode; others are left out.

    Returns:
        The scene. Of many points on an image every n-th is taken.
    """
    stems = [stem for stem in paths if stem in sizes]
    nothing = np.zeros((2, 0))
    columns = []
    for stem in stems:
        value = gaze.get(stem)
        points = nothing if value is None else np.stack([value.x, value.y])
        columns.append(points[:, :: points.shape[1] // _POINTS + 1])
    x, y = np.concatenate(columns, axis=1) if columns else np.zeros((2, 0))
    side = conspicuity.SIDE
    likely = [conspicuity.log_density(paths[stem]) for stem in stems]
    return Scene(
        x=x,
        y=y,
        image=np.repeat(np.arange(len(stems)), [one.shape[1] for one in columns]),
        sizes=np.array([sizes[stem] for stem in stems], np.int64).reshape(-1, 2),
        likely=np.stack(likely) if likely else np.zeros((0, side, side)),
    )
