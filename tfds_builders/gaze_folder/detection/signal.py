"""Gaze on a regular grid of time, in which every lost sample has its row."""

import dataclasses
import functools
import math

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder.detection import noise

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BESIDE_MS = 50.0  # of the samples on either side of a loss that tell whether the eye moved
_SURE = 4.0  # standard errors


@dataclasses.dataclass(frozen=True)
class Signal:
    """The gaze of one presentation; arrays have a row for each moment, [n].

    Attributes:
        time_ms: milliseconds; interpolated where lost.
        xy: degrees of visual angle, [n, 2]; short losses are filled, NaN in the others.
        seen: whether an eye was seen; a filled loss was not.
        stretch: number of the stretch without a cut, -1 in losses that are not filled. Between two
            stretches the eye was lost for long, or moved while it was lost, or time went back.
        period_ms: time between two samples.
    """

    time_ms: Floats
    xy: Floats
    seen: Bools
    stretch: Ints
    period_ms: float

    def samples(self, duration_ms: float, least: int = 1) -> int:
        """Number of samples in a time, at least `least`."""
        return max(least, round(duration_ms / self.period_ms))

    def sums(self, values: Floats) -> Floats:
        """Sums of the values of seen samples before each row, and of all, [n + 1]."""
        total = np.zeros(len(values) + 1)
        np.cumsum(np.where(self.seen, values, 0.0), out=total[1:])
        return total

    @functools.cached_property
    def noise_deg(self) -> float:
        """Standard deviation along an axis, from sample to sample, degrees; NaN if unknown."""
        return noise.measure(np.where(self.seen[:, np.newaxis], self.xy, np.nan))

    @functools.cached_property
    def place_sums(self) -> tuple[Floats, Floats]:
        """`sums` of x and of y."""
        return self.sums(self.xy[:, 0]), self.sums(self.xy[:, 1])

    @functools.cached_property
    def seen_sums(self) -> Ints:
        """Numbers of samples that were seen before each row, and of all, [n + 1]."""
        total = np.zeros(len(self.seen) + 1, np.int64)
        np.cumsum(self.seen, out=total[1:])
        return total


def make_signal(
    time_ms: Floats,
    xy: Floats,
    maximum_gap_ms: float,
    merge_distance_deg: float,
    sampling_rate_hz: float | None = None,
) -> Signal:
    """Puts samples on the grid, and fills short losses.

    A loss is filled linearly if it lasts no longer than `maximum_gap_ms` and the eye is behind it
    where it was before, by the means of up to 50 ms on both sides (Olsen, 2012, "gap fill-in",
    which does not ask where the eye is).

    Args:
        time_ms: time stamps, [n]. Stamps that are equal, as whole milliseconds of 2000 Hz are, are
            spread over the time to the next; where they go back, something else begins.
        xy: degrees of visual angle, NaN where lost, [n, 2].
        maximum_gap_ms: longest loss that is filled.
        merge_distance_deg: how far apart the two sides may be, beside their noise.
        sampling_rate_hz: see `spread`.

    Returns:
        The signal.
    """
    time_ms, period = spread(np.asarray(time_ms, np.float64), sampling_rate_hz)
    longest = max(1, math.ceil(maximum_gap_ms / period)) + 2
    row = _rows(time_ms, period, longest)
    count = int(row[-1]) + 1 if len(row) else 0
    grid = np.full((count, 2), np.nan)
    grid[row] = xy
    seen = np.zeros(count, bool)
    seen[row] = ~np.isnan(xy[:, 0])
    signal = Signal(
        _on_grid(time_ms, row, count),
        grid,
        seen,
        np.zeros(count, np.int64),
        period,
    )
    return _fill(signal, maximum_gap_ms, merge_distance_deg)


def spread(time_ms: Floats, sampling_rate_hz: float | None) -> tuple[Floats, float]:
    """Spreads equal time stamps over the time to the next.

    Args:
        time_ms: time stamps, [n].
        sampling_rate_hz: counts where no time passes between stamps; None where unknown.

    Returns:
        Time stamps, and the time between two.
    """
    steps = np.diff(time_ms)
    step = _period(steps) or (1000.0 / (sampling_rate_hz or 1000.0))
    if (steps == 0).any():
        first = np.flatnonzero(np.concatenate([[True], steps != 0]))
        sizes = np.diff(np.concatenate([first, [len(time_ms)]]))
        place = np.arange(len(time_ms)) - np.repeat(first, sizes)
        time_ms = time_ms + place * step / np.repeat(sizes, sizes)
        step = _period(np.diff(time_ms))
    return time_ms, step


def _period(steps: Floats) -> float:
    """The usual step; where stamps are rounded, it lies between whole numbers. 0 if unknown."""
    forward = steps[steps > 0]
    if not len(forward):
        return 0.0
    middle = np.median(forward)
    return float(forward[(forward > middle / 2) & (forward < 1.5 * middle)].mean())


def _rows(time_ms: Floats, period: float, longest: int) -> Ints:
    """Row of each sample.

    A pause, and time that goes back, take no more rows than make it a loss that is not filled; so a
    jump of the clock takes no memory.
    """
    steps = np.diff(time_ms)
    rows = np.where(steps < 0, longest, np.clip(np.rint(steps / period), 1, longest))
    return np.concatenate([[0], np.cumsum(rows)])[: len(time_ms)].astype(np.int64)


def _on_grid(time_ms: Floats, row: Ints, count: int) -> Floats:
    """Times of all rows, interpolated where they have no sample, [count]."""
    times = np.full(count, np.nan)
    times[row] = time_ms
    lost = np.flatnonzero(np.isnan(times))
    times[lost] = np.interp(lost, row, time_ms) if len(lost) else 0.0
    return times


def _fill(signal: Signal, maximum_gap_ms: float, distance: float) -> Signal:
    """Fills short losses and numbers the stretches, in place."""
    if signal.seen.all():
        return signal
    first, last = runs(~signal.seen)
    rows = last - first + 1
    inside = (first > 0) & (last < len(signal.seen) - 1)
    short = inside & (rows * signal.period_ms <= maximum_gap_ms)
    filled = np.zeros(len(first), bool)
    if short.any():
        filled[short] = ~_moved(signal, first[short], last[short], distance)
    lost = ~signal.seen
    lost[_members(first[filled], last[filled])] = False
    cut = np.zeros(len(lost), bool)
    cut[1:] = lost[:-1] & ~lost[1:]
    signal.stretch[:] = np.where(lost, -1, np.cumsum(cut))
    here, fill = np.flatnonzero(signal.seen), np.flatnonzero(~lost & ~signal.seen)
    for axis in range(2) if len(fill) else ():
        signal.xy[fill, axis] = np.interp(fill, here, signal.xy[here, axis])
    return signal


def _moved(signal: Signal, first: Ints, last: Ints, distance: float) -> Bools:
    """Whether the eye was elsewhere behind each loss, beyond its noise."""
    # As few samples as noise allows: those of a saccade beside the loss would count as well.
    wanted = math.ceil(2 * (_SURE * np.nan_to_num(signal.noise_deg) / distance) ** 2)
    width = int(np.clip(wanted, 2, signal.samples(_BESIDE_MS, least=2)))
    count = signal.seen_sums
    end = len(signal.seen)
    before = (np.maximum(first - width, 0), first)
    after = (last + 1, np.minimum(last + 1 + width, end))
    numbers = [count[b] - count[a] for a, b in (before, after)]
    moved = np.zeros(len(first))
    for sums in signal.place_sums:
        a, b = ((sums[q] - sums[p]) / n for (p, q), n in zip((before, after), numbers, strict=True))
        moved += (a - b) ** 2
    error = signal.noise_deg * np.sqrt(1 / numbers[0] + 1 / numbers[1])
    return ~(np.sqrt(moved) <= np.maximum(distance, _SURE * np.nan_to_num(error)))


def runs(mask: Bools) -> tuple[Ints, Ints]:
    """First and last index of each run of True."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _members(first: Ints, last: Ints) -> Ints:
    """All indices in the runs."""
    sizes = last - first + 1
    if not len(sizes):
        return np.empty(0, np.int64)
    starts = np.repeat(first - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return starts + np.arange(sizes.sum())
