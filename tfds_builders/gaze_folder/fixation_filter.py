"""Raw samples become fixations: I-VT, identification by velocity threshold."""

import types

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import recording

Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def load_pymovements() -> types.ModuleType:
    """Imports the package that detects fixations; only raw samples need it.

    Returns:
        The module `pymovements`.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        import pymovements
    except ImportError as error:
        raise ImportError(
            "raw gaze samples need the package pymovements, which finds fixations in them: "
            f"pip install -r requirements-gaze.txt ({error})"
        ) from error
    return pymovements


def detect(
    time_ms: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    facts: recording.Recording,
) -> Columns:
    """Finds fixations by I-VT (Salvucci and Goldberg, 2000, Sec. 3.1), as in `pymovements`.

    Samples slower than the threshold that follow each other are a fixation; its place is their
    mean. Velocities are measured over a window around each sample (Olsen, 2012), since those from
    sample to sample are mostly noise. Lost samples are left out; a fixation goes on behind them
    unless too much time has passed.

    Args:
        time_ms: time stamps, milliseconds, [n]. Where they go back, something else begins.
        x: columns on the screen, pixels, NaN where lost, [n].
        y: rows on the screen, likewise.
        facts: pixels per degree, threshold, window, gap and least duration.

    Returns:
        x, y (pixels of the screen) and duration (ms) of each fixation, float64 [m].

    Raises:
        ImportError: if pymovements is not installed.
        ValueError: if the pixels per degree are unknown.
    """
    ivt = load_pymovements().events.ivt
    if facts.pixels_per_degree is None:
        raise ValueError(
            f"raw samples need `pixels_per_degree` in {recording.FILE}: viewing distance times "
            "0.01746, divided by the size of a pixel of the screen"
        )
    found = []
    for piece in _pieces(time_ms, x, y, facts.maximum_gap_ms):
        times, *point = piece
        fixations = ivt(
            _velocities(piece, facts.velocity_window_ms) / facts.pixels_per_degree,
            timesteps=times,
            minimum_duration=facts.minimum_duration_ms,
            velocity_threshold=facts.velocity_threshold,
        )
        for begin, end in fixations.frame.select("onset", "offset").iter_rows():
            inside = (times >= begin) & (times <= end)
            found.append((*(axis[inside].mean() for axis in point), end - begin))
    columns = np.array(found).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


def _pieces(
    time_ms: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    gap: float,
) -> list[npt.NDArray[np.float64]]:
    """Cuts the samples where the eye was lost for long; rows of time, x and y, [3, n] each."""
    samples = np.stack([time_ms, x, y])
    samples = samples[:, np.isfinite(x) & np.isfinite(y)]
    # Whole milliseconds of a tracker with 2000 Hz come in pairs.
    new = np.diff(samples[0], prepend=-np.inf) != 0
    samples = samples[:, new]
    steps = np.diff(samples[0])
    pieces = np.split(samples, np.flatnonzero((steps < 0) | (steps > gap)) + 1, axis=1)
    return [piece for piece in pieces if piece.shape[1] > 1]


def _velocities(piece: npt.NDArray[np.float64], window: float) -> npt.NDArray[np.float64]:
    """Velocity at each sample in pixels per second, from the ends of the window, [n, 2]."""
    times, *point = piece
    count = len(times)
    here = np.arange(count)
    first = np.searchsorted(times, times - window / 2)
    last = np.searchsorted(times, times + window / 2, side="right") - 1
    # At least the neighbours, where a slow tracker has nothing else in the window.
    first = np.minimum(first, np.maximum(here - 1, 0))
    last = np.maximum(last, np.minimum(here + 1, count - 1))
    moved = np.stack(point)[:, last] - np.stack(point)[:, first]
    return (1000 * moved / (times[last] - times[first])).T
