"""What each viewer looked at, and how far from where the others looked."""

import collections
import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import duration_tally, overview

_HELD = 20_000  # fixations at once, or all of one viewer who is known
_ENOUGH = 20  # fixations that tell how far a viewer is from the others

Gaze = Mapping[str, fixation_table.Fixations]
Sizes = Mapping[str, tuple[int, int]]
Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Offset:
    """How far a viewer's gaze is from that of the others on the same images.

    Attributes:
        across: shares of the image's width.
        down: shares of its height.
        t: the larger of both, divided by its standard error.
        freedom: degrees of freedom of `t`.
    """

    across: float
    down: float
    t: float
    freedom: int


@dataclasses.dataclass(frozen=True, slots=True)
class Viewer:
    """One viewer's gaze on all images.

    Attributes:
        number: -1 where unknown.
        fixations: how many there are.
        off: how many of them lie beside their image.
        images: on how many images they are.
        duration_ms: their median duration; None where none is known.
        offset: from the others; None for unknown viewers, and for fewer than 20 fixations.
    """

    number: int
    fixations: int
    off: int
    images: int
    duration_ms: float | None
    offset: Offset | None


@dataclasses.dataclass(frozen=True)
class _Group:
    """The fixations of some viewers, sorted by these; arrays are [n], but for `place`, [2, n]."""

    viewer: npt.NDArray[np.int64]
    image: npt.NDArray[np.int64]
    place: Floats
    off: npt.NDArray[np.bool_]
    duration_ms: Floats


def describe(gaze: Gaze, sizes: Sizes) -> Iterator[Viewer]:
    """Describes all viewers, some at once: all images are read again for these.

    Args:
        gaze: fixations by stem.
        sizes: height and width of images by stem; fixations on others are left out.

    Yields:
        Viewers with fixations, in the order of their numbers.
    """
    known = [stem for stem in gaze if stem in sizes]
    totals, counts, unknown = _sum_up(gaze, sizes, known)
    if unknown:
        yield unknown
    for low, high in _neighbours(counts):
        group = _gather(gaze, sizes, known, low, high)
        ends = np.flatnonzero(np.diff(group.viewer)) + 1
        for begin, end in itertools.pairwise([0, *ends, len(group.viewer)]):
            mine = slice(begin, end)
            yield Viewer(
                number=int(group.viewer[begin]),
                fixations=int(end - begin),
                off=int(group.off[mine].sum()),
                images=len(np.unique(group.image[mine])),
                duration_ms=_middle(group.duration_ms[mine]),
                offset=_offset(group, mine, totals, gaze, sizes, known),
            )


def _sum_up(
    gaze: Gaze, sizes: Sizes, known: list[str]
) -> tuple[Floats, collections.Counter[int], Viewer | None]:
    """Number and sums of places by image, fixations by known viewer, unknown viewers as one."""
    totals, counts = np.zeros((3, len(known))), collections.Counter()
    images = fixations = off = 0
    lasting = duration_tally.DurationTally()
    for number, stem in enumerate(known):
        value, (height, width) = gaze[stem], sizes[stem]
        place = _shares(value, sizes[stem])
        totals[:, number] = place.shape[1], *place.sum(axis=1)
        counts.update(value.viewer[value.viewer >= 0].tolist())
        if (mine := value.viewer < 0).any():
            images += 1
            fixations += np.count_nonzero(mine)
            off += np.count_nonzero(overview.beside(value.x[mine], value.y[mine], width, height))
            lasting.add(value.duration_ms[mine])
    unknown = Viewer(-1, fixations, off, images, lasting.median(), offset=None)
    return totals, counts, unknown if images else None


def _middle(duration_ms: Floats) -> float | None:
    """The median of those that are known, if there is one."""
    known = duration_ms[duration_ms >= 0]
    return float(np.median(known)) if len(known) else None


def _neighbours(counts: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """First and last number of viewers who have few enough fixations together."""
    some, held = [], 0
    for viewer in sorted(counts):
        if some and held + counts[viewer] > _HELD:
            yield some[0], some[-1]
            some, held = [], 0
        some.append(viewer)
        held += counts[viewer]
    if some:
        yield some[0], some[-1]


def _gather(gaze: Gaze, sizes: Sizes, known: list[str], low: int, high: int) -> _Group:
    """The fixations of the viewers from one number to another."""
    parts = []
    for number, stem in enumerate(known):
        value, (height, width) = gaze[stem], sizes[stem]
        mine = (value.viewer >= low) & (value.viewer <= high)
        off = overview.beside(value.x, value.y, width, height)
        place = _shares(value, sizes[stem])
        image = np.full(np.count_nonzero(mine), number)
        parts.append(
            (value.viewer[mine], image, place[:, mine], off[mine], value.duration_ms[mine])
        )
    columns = [np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return _Group(*(column[..., order] for column in columns))


def _shares(value: fixation_table.Fixations, size: tuple[int, int]) -> Floats:
    """Places of fixations as shares of width and height, [2, n]."""
    return np.stack([value.x / size[1], value.y / size[0]])


def _offset(
    group: _Group, mine: slice, totals: Floats, gaze: Gaze, sizes: Sizes, known: list[str]
) -> Offset | None:
    """How far the viewer at `mine` is from the others.

    Of one image fixations are the sample, of several the images are: fixations on one picture are
    alike. `totals` has number and sums of the places on each image.
    """
    viewer, place = int(group.viewer[mine][0]), group.place[:, mine]
    if place.shape[1] < _ENOUGH:
        return None
    images, which = np.unique(group.image[mine], return_inverse=True)
    own = np.stack([np.bincount(which), *(np.bincount(which, axis) for axis in place)])
    others = totals[:, images] - own
    shared = others[0] > 0.5
    if np.count_nonzero(shared) == 1:
        stem = known[images[shared][0]]
        theirs = _shares(gaze[stem], sizes[stem])[:, gaze[stem].viewer != viewer]
        sample = place[:, shared[which]] - np.median(theirs, axis=1, keepdims=True)
    else:
        own, others = own[:, shared], others[:, shared]
        sample = own[1:] / own[0] - others[1:] / others[0]
    count = sample.shape[1]
    if count < 2:
        return Offset(0.0, 0.0, 0.0, 1)
    error = sample.std(axis=1, ddof=1) / np.sqrt(count)
    middle = np.median(sample, axis=1)
    t = np.abs(middle / np.maximum(error, 1e-9)).max()
    return Offset(float(middle[0]), float(middle[1]), float(t), count - 1)
