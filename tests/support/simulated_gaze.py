"""Gaze made of fixations that are known, with the faults of real trackers."""

import dataclasses

import numpy as np

PIXELS_PER_DEGREE = 37.6
SCREEN = (1920, 1080)


@dataclasses.dataclass(frozen=True)
class SimulatedGaze:
    """A recording and what is true of it.

    Attributes:
        time_ms: [n].
        eyes: pixels, NaN where lost, [n, e, 2].
        onset_ms: of each fixation, [k].
        duration_ms: likewise.
        xy: pixels of its place, [k, 2].
    """

    time_ms: np.ndarray
    eyes: np.ndarray
    onset_ms: np.ndarray
    duration_ms: np.ndarray
    xy: np.ndarray


def simulate(
    rate,
    noise_deg,
    seed=0,
    fixations=40,
    dropped=0.0,
    blinks=0,
    second_eye=None,
    lost_eye_ms=0.0,
) -> SimulatedGaze:
    """Simulates a viewer.

    Durations are log-normal (median 260 ms, 110 to 700); saccades have 2 to 12 degrees, last 21 ms
    and 2.2 ms a degree (Carpenter, 1988), and follow a minimum-jerk path.

    Args:
        rate: samples a second.
        noise_deg: standard deviation of white noise along each axis of each eye.
        seed: of everything random.
        fixations: their number.
        dropped: share of samples lost, each for itself.
        blinks: number of losses of 60 ms, each in the middle of a fixation of its own.
        second_eye: offset of a second eye in degrees; None for one eye.
        lost_eye_ms: how long the second eye is lost in every third fixation.
    """
    rng = np.random.default_rng(seed)
    duration = np.clip(rng.lognormal(np.log(260), 0.35, fixations), 110, 700)
    xy = [np.array([SCREEN[0] / 2, SCREEN[1] / 2])]
    while len(xy) < fixations:
        amplitude, angle = rng.uniform(2, 12), rng.uniform(0, 2 * np.pi)
        there = xy[-1] + amplitude * PIXELS_PER_DEGREE * np.array([np.cos(angle), np.sin(angle)])
        if 60 < there[0] < SCREEN[0] - 60 and 60 < there[1] < SCREEN[1] - 60:
            xy.append(there)
    xy = np.array(xy)
    travel = 21 + 2.2 * np.hypot(*np.diff(xy, axis=0).T) / PIXELS_PER_DEGREE
    onset = np.concatenate([[0], np.cumsum(duration[:-1] + travel)])
    time = np.arange(0, onset[-1] + duration[-1], 1000 / rate)
    eye = _path(time, onset, duration, xy)
    offsets = [0.0] if second_eye is None else [0.0, second_eye]
    eyes = np.stack([eye + offset * PIXELS_PER_DEGREE for offset in offsets], axis=1)
    eyes += rng.normal(0, noise_deg * PIXELS_PER_DEGREE, eyes.shape)
    eyes[rng.random(len(time)) < dropped] = np.nan
    middle = onset + duration / 2
    for index in np.argsort(duration)[::-1][:blinks]:
        eyes[np.abs(time - middle[index]) < 30] = np.nan
    for begin in middle[::3] if lost_eye_ms else ():
        eyes[np.abs(time - begin) < lost_eye_ms / 2, -1] = np.nan
    return SimulatedGaze(time, eyes, onset, duration, xy)


def _path(time, onset, duration, xy):
    """Where the eye is, without noise."""
    index = np.searchsorted(onset, time, side="right") - 1
    after = np.minimum(index + 1, len(onset) - 1)
    begin = (onset + duration)[index]
    span = np.maximum(onset[after] - begin, 1e-9)
    share = np.where(after > index, np.clip((time - begin) / span, 0, 1), 0)
    smooth = share**3 * (10 - 15 * share + 6 * share**2)
    return xy[index] + (xy[after] - xy[index]) * smooth[:, np.newaxis]
