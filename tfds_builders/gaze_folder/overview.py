"""All fixations of a study at a glance; those of one image are held at a time."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table

_SAMPLE = 20_000  # fixations

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Overview:
    """What all fixations on known images have in common.

    Attributes:
        counts: fixations of each image, int [m].
        off: how many lie beside their image.
        edge: how many have the width or the height of their image as a coordinate.
        beyond: whether one lies beyond these.
        lowest: the smallest coordinate; infinite without fixations.
        highest: the largest one; likewise.
        x: column, pixels of the image, 0-based, of all fixations or, of a large study, of about
            20,000 by chance, float64 [n].
        y: row, likewise.
        width: width of their image, pixels, likewise.
        height: height of their image, likewise.
        duration_ms: how long they were, -1 where unknown, likewise.
    """

    counts: npt.NDArray[np.int64]
    off: int
    edge: int
    beyond: bool
    lowest: float
    highest: float
    x: Floats
    y: Floats
    width: Floats
    height: Floats
    duration_ms: Floats

    @property
    def total(self) -> int:
        """Number of fixations."""
        return int(self.counts.sum())


def look(
    gaze: Mapping[str, fixation_table.Fixations], sizes: Mapping[str, tuple[int, int]]
) -> Overview:
    """Looks at the fixations of all images.

    Args:
        gaze: fixations by stem.
        sizes: height and width of images by stem; fixations on others are left out.

    Returns:
        The overview; the same for the same study.
    """
    known = [stem for stem in gaze if stem in sizes]
    counts = np.array([len(gaze[stem].x) for stem in known], np.int64)
    share = _SAMPLE / max(counts.sum(), 1)
    chance = np.random.default_rng(0)
    off = edge = 0
    beyond, lowest, highest = False, np.inf, -np.inf
    parts = [np.empty((5, 0))]
    for stem in known:
        value, (height, width) = gaze[stem], sizes[stem]
        x, y = value.x, value.y
        off += np.count_nonzero(beside(x, y, width, height))
        edge += np.count_nonzero((x == width) | (y == height))
        beyond |= bool(((x > width) | (y > height)).any())
        lowest = min(lowest, x.min(initial=np.inf), y.min(initial=np.inf))
        highest = max(highest, x.max(initial=-np.inf), y.max(initial=-np.inf))
        rows = np.stack([x, y, np.full(len(x), width), np.full(len(x), height), value.duration_ms])
        parts.append(rows[:, chance.random(len(x)) < share])
    columns = np.concatenate(parts, axis=1)
    return Overview(counts, off, edge, beyond, float(lowest), float(highest), *columns)


def beside(x: Floats, y: Floats, width: npt.ArrayLike, height: npt.ArrayLike) -> npt.NDArray:
    """Says which points lie beside their image.

    Args:
        x: columns, pixels, 0-based, [n].
        y: rows, likewise.
        width: of the image, pixels, or [n] of the images.
        height: likewise.

    Returns:
        Whether each does, bool [n].
    """
    return (x < 0) | (x >= width) | (y < 0) | (y >= height)
