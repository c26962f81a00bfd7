"""All fixations of a study at a glance; those of one image are held at a time."""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import duration_tally

_SAMPLE = 20_000  # fixations

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Overview:
    """What all fixations have in common.

    Where they lie is known of those on images that decode; what is beside these is said of them.

    Attributes:
        counts: fixations of each image, int [m].
        duration_ms: the median of those whose duration is known, to 0.1 ms; None without.
        placed: how many lie on or beside images whose size is known.
        off: how many of these lie beside their image.
        edge: how many of these have the width or the height of their image as a coordinate.
        beyond: whether one lies beyond these.
        lowest: the smallest coordinate; infinite without fixations.
        highest: the largest one; likewise.
        x: column, pixels of the image, 0-based, of all that are placed or, of a large study, of
            about 20,000 by chance, float64 [n].
        y: row, likewise.
        width: width of their image, pixels, likewise.
        height: height of their image, likewise.
    """

    counts: npt.NDArray[np.int64]
    duration_ms: float | None
    placed: int
    off: int
    edge: int
    beyond: bool
    lowest: float
    highest: float
    x: Floats
    y: Floats
    width: Floats
    height: Floats

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
        sizes: height and width of images by stem; fixations on others are counted, but have no
            place.

    Returns:
        The overview; the same for the same study.
    """
    counts, lasting = np.empty(len(gaze), np.int64), duration_tally.DurationTally()
    for number, value in enumerate(gaze.values()):
        counts[number] = len(value.x)
        lasting.add(value.duration_ms)
    has_size = [stem in sizes for stem in gaze]
    placed = int(counts[np.array(has_size, bool)].sum())
    share = _SAMPLE / max(placed, 1)
    chance = np.random.default_rng(0)
    off = edge = 0
    beyond, lowest, highest = False, np.inf, -np.inf
    parts = [np.empty((4, 0))]
    for stem in itertools.compress(gaze, has_size):
        value, (height, width) = gaze[stem], sizes[stem]
        x, y = value.x, value.y
        off += np.count_nonzero(beside(x, y, width, height))
        edge += np.count_nonzero((x == width) | (y == height))
        beyond |= bool(((x > width) | (y > height)).any())
        lowest = min(lowest, x.min(initial=np.inf), y.min(initial=np.inf))
        highest = max(highest, x.max(initial=-np.inf), y.max(initial=-np.inf))
        rows = np.stack([x, y, np.full(len(x), width), np.full(len(x), height)])
        parts.append(rows[:, chance.random(len(x)) < share])
    return Overview(
        counts,
        lasting.median(),
        placed,
        off,
        edge,
        beyond,
        float(lowest),
        float(highest),
        *np.concatenate(parts, axis=1),
    )


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
