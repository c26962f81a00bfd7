"""Units of time stamps, which exports often leave out."""

import re

import numpy as np
import numpy.typing as npt

MILLISECONDS = {
    "s": 1e3,
    "sec": 1e3,
    "seconds": 1e3,
    "ms": 1.0,
    "us": 1e-3,
    "\u00b5s": 1e-3,
    "\u03bcs": 1e-3,
    "ns": 1e-6,
}
"""Milliseconds in a unit, by its name in lower case."""

_FIRST = 500  # samples, which tell the interval
# Not [MCS norm] or [DACS mm]: those are other quantities.
_UNIT = re.compile(
    r"\s*[\[(]\s*(?:dacs|adcs|rcs)?\s*(px|ms|s|us|ns|[\u00b5\u03bc]s|normalized|deg)\s*[\])]$"
)
_DATE = re.compile(r"\s*\((?:\d{4}/|f=).*\)$")  # Gazepoint: `TIME(2022/09/19 13:34:49.156)`


def without_unit(name: str) -> tuple[str, str]:
    """Splits a column's name from its unit.

    Args:
        name: such as `Recording timestamp [ms]`.

    Returns:
        The name in lower case without unit, and the unit, empty where there is none.
    """
    name = _DATE.sub("", name.strip().lower())
    unit = _UNIT.search(name)
    return _UNIT.sub("", name).strip(), unit.group(1) if unit else ""


def unit_of(time: npt.NDArray[np.float64], source: str) -> float:
    """Tells the unit of time stamps from the interval between samples.

    Trackers sample 5 to 2000 times a second. So the interval is up to 0.1 in seconds, up to 200 in
    milliseconds, more in microseconds, and above 200,000 in nanoseconds.

    Args:
        time: time stamps, [n].
        source: where they come from, for the error message.

    Returns:
        Milliseconds in their unit; 1 for a single time stamp.

    Raises:
        ValueError: if no time passes.
    """
    if len(time) < 2:
        return 1.0
    steps = np.diff(time)
    if not (steps > 0).any():
        raise ValueError(f"{source}: time stamps must increase; got {time[:5]}. Sort the file")
    step = np.median(steps[steps > 0])
    return float(np.select([step < 0.1, step < 200, step < 2e5], [1e3, 1.0, 1e-3], 1e-6))


def period(time_ms: npt.NDArray[np.float64]) -> float:
    """The usual interval between samples, by the first ones.

    Args:
        time_ms: time stamps, milliseconds, [n].

    Returns:
        Milliseconds; 0 for fewer than two samples.
    """
    steps = np.diff(time_ms[:_FIRST])
    steps = steps[steps > 0]
    if not len(steps):
        return 0.0
    steps.sort()  # a tenth of the time of np.median, for so few
    return float(steps[(len(steps) - 1) // 2] + steps[len(steps) // 2]) / 2
