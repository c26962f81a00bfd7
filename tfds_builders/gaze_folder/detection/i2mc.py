"""I2MC, identification by two-means clustering, made for noisy recordings."""

import warnings
from typing import Any

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import packages
from tfds_builders.gaze_folder.detection.signal import Ints, Signal

ALGORITHM = "I2MC (Hessels, Niehorster, Kemner and Hooge, 2017)"
PACKAGE = "I2MC"
_LOST = -1e6
_WINDOW_S = 0.2
_FARTHEST_DEG = 14.0  # its default, 0.28 of the width of a screen
_DOWNSAMPLES = (2, 3, 5, 10)
_LEAST_RATE = 30.0  # Hz, to which the signal may be thinned out
_MAXIMUM_ORDER = 8


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses what the rate allows; see `ivt.parameters` for the arguments.

    Returns:
        `frequency_hz`, a whole number; `downsamples`, its divisors; `chebyshev_order` of the filter
        before thinning out, 0 for none, as the package's documentation says for low rates. The
        other parameters are the package's own.

    Raises:
        ValueError: below 30 Hz.
    """
    rate = round(1000 / period_ms)
    if rate < _LEAST_RATE:
        raise ValueError(
            f"`filter` i2mc needs {_LEAST_RATE:.0f} samples a second or more, got {rate}; set it "
            f"to idt in {recording.FILE}"
        )
    # The filter needs more samples in the window than three times its order.
    order = min(_MAXIMUM_ORDER, (round(_WINDOW_S * rate) - 1) // 3)
    wanted = _DOWNSAMPLES[:-1] if rate < 300 else (2, 5, 10)
    downsamples = [d for d in wanted if rate % d == 0 and rate / d >= min(_LEAST_RATE, rate / 2)]
    return {
        "frequency_hz": rate,
        "downsamples": downsamples,
        "chebyshev_order": order if order >= 7 else 0,
    }


def stands(chosen: dict[str, Any], noise_deg: float, period_ms: float) -> bool:
    """Whether it stands the noise; see `ivt.stands`. It is made for it."""
    return True


def label(signal: Signal, chosen: dict[str, Any]) -> Ints:
    """Labels fixations.

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        A number for each fixation, -1 outside, [n].

    Raises:
        ImportError: if i2mc is not installed.
    """
    package = packages.load(PACKAGE)
    labels = np.full(len(signal.xy), -1)
    # It fills losses by itself, through saccades too, which its windows need.
    gaze = np.where(signal.seen[:, np.newaxis], signal.xy, _LOST)
    data = {"time": signal.time_ms, "L_X": gaze[:, 0], "L_Y": gaze[:, 1]}
    options = {
        "xres": 1.0,
        "yres": 1.0,
        "missingx": _LOST,
        "missingy": _LOST,
        "freq": float(chosen["frequency_hz"]),
        "maxdisp": _FARTHEST_DEG,
        "downsamples": chosen["downsamples"],
        "downsampFilter": bool(chosen["chebyshev_order"]),
        "chebyOrder": chosen["chebyshev_order"],
        "maxMergeDist": 0.0,  # ours follow
    }
    if len(labels) * signal.period_ms < 2000 * _WINDOW_S:
        return np.where(signal.stretch >= 0, 0, -1)  # shorter than its windows: a still eye
    state = np.random.get_state()
    np.random.seed(0)  # its clustering begins with NumPy's global generator
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of windows without a movement
            found = package.I2MC(data, options, logging=False)[0]
    finally:
        np.random.set_state(state)
    if found:
        for number, (begin, end) in enumerate(zip(found["start"], found["end"], strict=True)):
            labels[begin : end + 1] = number
    return labels
