"""Fixations as recordings bring them, by image."""

import array

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table


class Collected:
    """Scanpaths on images; 24 bytes for each fixation, and 8 for each scanpath.

    Arrays of their own, of a dozen fixations each, would take twice as much.
    """

    def __init__(self) -> None:
        """Has nothing."""
        self._names: dict[str, int] = {}
        self._by_stem: dict[str, tuple[array.array, array.array, array.array]] = {}

    def __len__(self) -> int:
        """Number of images."""
        return len(self._by_stem)

    def add(self, stem: str, viewer: str, scanpath: npt.NDArray[np.float64]) -> None:
        """Adds what a viewer fixated on an image.

        Args:
            stem: the image.
            viewer: name, "" where unknown.
            scanpath: x, y and duration, [3, k]; k may be 0.
        """
        empty = array.array("d"), array.array("i"), array.array("i")
        points, names, counts = self._by_stem.setdefault(stem, empty)
        points.frombytes(np.ascontiguousarray(scanpath.T, np.float64).tobytes())
        names.append(self._names.setdefault(viewer, len(self._names)))
        counts.append(scanpath.shape[1])

    def hand_over(self, viewers: list[str]) -> dict[str, fixation_table.Fixations]:
        """Joins the viewers of each image and forgets them here: fixations are in memory once.

        Args:
            viewers: names in the order of their numbers; the unknown one is -1 and comes first.

        Returns:
            Fixations by stem, in the stems' order.
        """
        known = {name: number for number, name in enumerate(viewers)} | {"": -1}
        numbers = np.array([known[name] for name in self._names], np.int64)
        return {stem: _join(*self._by_stem.pop(stem), numbers) for stem in sorted(self._by_stem)}


def _join(
    points: array.array, names: array.array, counts: array.array, numbers: npt.NDArray[np.int64]
) -> fixation_table.Fixations:
    """Joins the viewers of one image, in the order of their numbers."""
    viewer = np.repeat(numbers[np.asarray(names)], np.asarray(counts))
    order = np.argsort(viewer, kind="stable")
    x, y, duration_ms = np.asarray(points).reshape(-1, 3)[order].T.copy()
    return fixation_table.Fixations(x, y, duration_ms, viewer[order])
