"""Lines of samples that are of one eye, or of none."""

import numpy as np
import numpy.typing as npt

_PAIRED = 0.4  # share of time stamps that occur twice where each eye has a line of its own


def fill(
    points: npt.NDArray[np.float64],
    eyes: npt.NDArray[np.float64],
    index: npt.NDArray[np.float64],
    numbers: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Places fixations for which the export says no place, since they lie beside the image.

    Args:
        points: places of fixations, NaN where there is none, [k, 2].
        eyes: samples, [n, e, 2].
        index: number of the fixation that a sample is of, [n].
        numbers: those of the fixations, [k].

    Returns:
        The places, the missing ones from the samples of the fixation, [k, 2].
    """
    points = points.copy()
    for missing in np.flatnonzero(np.isnan(points).any(axis=1)):
        seen = eyes[index == numbers[missing]].reshape(-1, 2)
        seen = seen[np.isfinite(seen).all(axis=1)]
        if len(seen):
            points[missing] = seen.mean(axis=0)
    return points


def pair(
    time: npt.NDArray[np.float64], point: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Joins lines of the left and the right eye.

    Args:
        time: of the lines, [n].
        point: places of an eye, [n, 2].
        right: whether a line is of the right eye, [n].

    Returns:
        Times in order, [m], and places of the eyes that occur, [m, e, 2], NaN where a time has no
        line of an eye.
    """
    times, where = np.unique(time, return_inverse=True)
    both = np.full((len(times), 2, 2), np.nan)
    both[where, right.astype(int)] = point
    return times, both[:, np.unique(right.astype(int))]


def check_single(
    time: npt.NDArray[np.float64], point: npt.NDArray[np.float64], source: str
) -> None:
    """Checks that lines are not those of two eyes in turn.

    Trackers of 2000 Hz write pairs of equal milliseconds too; but their pairs do not differ
    in one direction.

    Args:
        time: of the lines, [n].
        point: places of an eye, [n, 2].
        source: file and line, for the error message.

    Raises:
        ValueError: if times come in pairs whose places are apart.
    """
    second = np.flatnonzero(np.diff(time) == 0) + 1
    if len(second) < 10 or len(second) < _PAIRED * len(time):
        return
    apart = point[second] - point[second - 1]
    apart = apart[np.isfinite(apart).all(axis=1)]
    if len(apart) < 10:
        return
    error = apart.std(axis=0) / np.sqrt(len(apart))
    if (np.abs(apart.mean(axis=0)) > np.maximum(5 * error, 1)).any():
        raise ValueError(
            f"{source}: {len(second)} time stamps occur twice, at places that differ by "
            f"{apart[:, 0].mean():.1f}, {apart[:, 1].mean():.1f} pixels: has each eye lines of its "
            "own? Add a column `eye` with left or right"
        )
