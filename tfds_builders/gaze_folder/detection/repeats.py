"""Coordinates that repeat exactly, as a lost eye does and a living one does not."""

from collections.abc import Sequence

import numpy as np

from tfds_builders.gaze_folder.detection import eyes
from tfds_builders.gaze_folder.presentation import Presentation

_FAR_DEG = 1.0
_LEAST = 5
_SHARE = 0.01


def find(presentations: Sequence[Presentation], pixels_per_degree: float) -> list[str]:
    """Names pairs of coordinates at which gaze arrives again and again from afar.

    An eye that comes from a degree away or more, or was lost, hits one exact pair by chance in less
    than a hundredth of the times, even in whole pixels. Five times and more than that is a value
    that stands for something, such as the middle of the screen for a lost eye.

    Args:
        presentations: some of a recording.
        pixels_per_degree: pixels in a degree.

    Returns:
        A sentence for each such pair.
    """
    arrivals = [np.empty((0, 2))]
    for shown in presentations:
        marked = eyes.mark_lost(shown.eyes)[0]
        for eye in range(marked.shape[1]):
            xy = marked[:, eye]
            step = np.hypot(*np.diff(xy, axis=0).T) / pixels_per_degree
            seen = ~np.isnan(xy[1:, 0])
            # From a lost sample too: NaN is not nearer than a degree.
            arrivals.append(xy[1:][seen & ~(step < _FAR_DEG)])
    points = np.concatenate(arrivals)
    pairs, counts = np.unique(points, axis=0, return_counts=True)
    many = counts >= max(_LEAST, _SHARE * len(points))
    return [
        f"gaze jumps {count} times to exactly ({x:g}, {y:g}): does it stand for a lost eye? Remove "
        "these samples if so"
        for (x, y), count in zip(pairs[many].tolist(), counts[many].tolist(), strict=True)
    ]
