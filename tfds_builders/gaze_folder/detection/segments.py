"""Stretches of samples that are fixations: cut, extended, merged, and the short ones dropped."""

import dataclasses

import numpy as np

from tfds_builders.gaze_folder.detection.signal import Bools, Floats, Ints, Signal


@dataclasses.dataclass(frozen=True)
class Segments:
    """Fixations as samples; they are in order and do not overlap.

    Attributes:
        first: row of the first sample of each, [k].
        last: row of the last, [k].
    """

    first: Ints
    last: Ints

    def duration_ms(self, signal: Signal) -> Floats:
        """From the first to the last sample and one sample period, [k]."""
        return signal.time_ms[self.last] - signal.time_ms[self.first] + signal.period_ms

    def labels(self, signal: Signal) -> Ints:
        """Number of the segment that each row belongs to, -1 for none, [n]."""
        edges = np.zeros(len(signal.seen) + 1, np.int64)
        edges[self.first] += 1
        np.add.at(edges, self.last + 1, -1)
        inside = np.cumsum(edges[:-1]) > 0
        number = np.searchsorted(self.first, np.arange(len(inside)), side="right") - 1
        return np.where(inside, number, -1)

    def means(self, signal: Signal, values: Floats) -> Floats:
        """Means of the values of the samples that were seen, [k]."""
        sums, counts = signal.sums(values), self.counts(signal)
        return (sums[self.last + 1] - sums[self.first]) / counts

    def mean_places(self, signal: Signal) -> tuple[Floats, Floats]:
        """Means of x and y of the samples that were seen, degrees, [k] each."""
        counts = self.counts(signal)
        x, y = ((s[self.last + 1] - s[self.first]) / counts for s in signal.place_sums)
        return x, y

    def counts(self, signal: Signal) -> Ints:
        """Numbers of samples that were seen, [k]."""
        sums = signal.seen_sums
        return sums[self.last + 1] - sums[self.first]


def from_labels(labels: Ints, signal: Signal) -> Segments:
    """Makes segments of rows with one label.

    Args:
        labels: number of the fixation that each row belongs to, -1 for none, [n].
        signal: the samples. A segment ends where its stretch ends; it begins and ends with a
            sample that was seen.

    Returns:
        The segments.
    """
    labels = np.where(signal.stretch >= 0, labels, -1)
    new = (np.diff(labels, prepend=-1) != 0) | (np.diff(signal.stretch, prepend=-1) != 0)
    group = np.where(labels >= 0, np.cumsum(new), -1)
    seen = np.flatnonzero((group >= 0) & signal.seen)
    borders = np.flatnonzero(np.diff(group[seen])) if len(seen) else seen
    first = seen[np.concatenate([[0], borders + 1])] if len(seen) else seen
    last = seen[np.concatenate([borders, [len(seen) - 1]])] if len(seen) else seen
    return Segments(first, last)


def extend(segments: Segments, signal: Signal, rows: int, least_deg: float) -> Segments:
    """Gives fixations back what the window of the velocity took from their ends.

    A window that reaches into a saccade is fast before the eye is. Samples behind an end belong to
    the fixation as long as they lie within twice its root mean square radius, which holds 98 %
    of white noise.

    Args:
        segments: fixations.
        signal: their samples.
        rows: how far at most, half a window.
        least_deg: degrees within which samples belong to it whatever its radius.

    Returns:
        Longer segments.
    """
    if not len(segments.first):
        return segments
    x, y = signal.xy.T
    centre = np.stack(segments.mean_places(signal))
    square = segments.means(signal, np.nan_to_num(x**2 + y**2)) - (centre**2).sum(axis=0)
    reach = np.maximum(2.0 * np.sqrt(np.maximum(square, 0)), least_deg)
    stretch = signal.stretch[segments.first]

    def grow(ends: Ints, step: int, borders: Ints) -> Ints:
        going = np.ones(len(ends), bool)
        for _ in range(rows):
            following = ends + step
            going &= (following - borders) * step < 0
            inside = np.clip(following, 0, len(x) - 1)
            going &= signal.stretch[inside] == stretch
            away = np.hypot(x[inside] - centre[0], y[inside] - centre[1])
            going &= away <= reach
            ends = np.where(going, following, ends)
        return ends

    last = grow(segments.last, 1, np.append(segments.first[1:], len(x)))
    first = grow(segments.first, -1, np.insert(last[:-1], 0, -1))
    return Segments(first, last)


def merge(segments: Segments, signal: Signal, gap_ms: float, distance_deg: float) -> Segments:
    """Joins neighbours that are one fixation (Olsen, 2012, "merge adjacent fixations").

    Args:
        segments: fixations.
        signal: their samples.
        gap_ms: longest time between them.
        distance_deg: largest distance of their means.

    Returns:
        Fewer segments.
    """
    if len(segments.first) < 2:
        return segments
    counts = segments.counts(signal)
    x, y = (mean * counts for mean in segments.mean_places(signal))
    gaps = signal.time_ms[segments.first[1:]] - signal.time_ms[segments.last[:-1]]
    near = (gaps >= 0) & (gaps - signal.period_ms <= gap_ms)
    joins = _joining(x, y, counts, near, distance_deg)
    new = np.delete(np.arange(len(counts)), joins)
    ends = np.append(new[1:] - 1, len(counts) - 1)
    return Segments(segments.first[new], segments.last[ends])


def _joining(x: Floats, y: Floats, counts: Ints, near: Bools, distance: float) -> list[int]:
    """Those that join the one before, by sums of places and numbers of samples, [k]."""
    places = np.stack([x, y]) / counts
    alone_near = near & (np.hypot(*np.diff(places, axis=1)) <= distance)
    joins: list[int] = []
    reached = 0
    for begin in np.flatnonzero(alone_near).tolist():
        if begin < reached:
            continue
        total, number = np.array([x[begin], y[begin]]), counts[begin]
        reached = begin + 1
        while reached < len(counts) and near[reached - 1]:
            if np.hypot(*(total / number - places[:, reached])) > distance:
                break
            total, number = total + [x[reached], y[reached]], number + counts[reached]
            joins.append(reached)
            reached += 1
    return joins


def drop_short(segments: Segments, signal: Signal, least_ms: float) -> Segments:
    """Leaves out fixations that are shorter than `least_ms`."""
    # Whole periods only add up to the minimum within rounding.
    long = segments.duration_ms(signal) >= least_ms - 1e-6
    return Segments(segments.first[long], segments.last[long])
