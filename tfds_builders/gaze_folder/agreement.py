"""How well gaze predicts the gaze of held-out viewers of the same picture."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage, stats

from tfds_builders.common import fixation_table

_SIDE = 64  # cells of a density along each side
_SIGMA = 0.03 * _SIDE  # as wide as the usual blur of heat maps
_FLAT = 0.3  # share of fixations that others do not predict
_CHANCE = 0.01  # of a false alarm, all viewers and slips together
_ENOUGH = 20  # fixations of a viewer
_FEW_IMAGES = 5
_LEAST = 0.1  # nats a fixation below which a difference is none

Shares = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

_SLIPS: dict[str, Callable[[npt.NDArray, npt.NDArray], Shares]] = {
    "y upwards": lambda x, y: (x, 1 - y),
    "mirrored": lambda x, y: (1 - x, y),
    "turned by 180 degrees": lambda x, y: (1 - x, 1 - y),
}
_STEPS = ("the next picture's", "the picture's before")
_WRONG = (*_SLIPS, *_STEPS)
_TRIED = len(_WRONG) + 2  # what the chance of a false alarm is divided by


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far viewers of one picture agree.

    Attributes:
        gain: by how many nats a fixation others on the same picture predict a viewer better than
            others on another picture do.
        t: that, divided by its standard error over pictures.
        slips: sentences about viewers whom another convention fits better.
    """

    gain: float
    t: float
    slips: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether there is no sign that viewers of one picture looked at the same one."""
        return self.t < 2


def measure(
    gaze: Mapping[str, fixation_table.Fixations],
    sizes: Mapping[str, tuple[int, int]],
    name: Callable[[int], str],
) -> Agreement | None:
    """Measures how well viewers predict each other.

    A viewer's fixations are scored by the density of all others of the picture, blurred by 3 % of
    it: as they are, mirrored, and on the density of the pictures before and behind.

    Args:
        gaze: fixations by stem.
        sizes: height and width of images by stem; gaze on others is left out.
        name: what to call a viewer.

    Returns:
        The outcome; None where fewer than 5 pictures have two known viewers.
    """
    stems = [stem for stem in sorted(gaze) if stem in sizes and _known(gaze[stem]) > 1]
    if len(stems) < _FEW_IMAGES:
        return None
    totals = [_blur(_points(gaze[stem], sizes[stem])) for stem in stems]
    gains, moments = [], _Moments()
    # Three pictures are held: each is compared with the ones before and behind.
    looked = [_looks(gaze[stems[place]], sizes[stems[place]]) for place in (-1, 0)]
    for place in range(len(stems)):
        behind = stems[(place + 1) % len(stems)]
        looked = [*looked[-2:], _looks(gaze[behind], sizes[behind])]
        around = [totals[(place + step) % len(stems)] for step in (-1, 0, 1)]
        scores = _score(looked, around)
        gains.append(np.mean(scores["as it is"] - scores["elsewhere"]))
        moments.add(looked[1], scores)
    gains = np.array(gains)
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    t = float(gains.mean() / max(error, 1e-9))
    return Agreement(float(gains.mean()), t, tuple(moments.slips(name)))


def _known(value: fixation_table.Fixations) -> int:
    """How many known viewers an image has."""
    return len(np.unique(value.viewer[value.viewer >= 0]))


def _points(value: fixation_table.Fixations, size: tuple[int, int]) -> Shares:
    """Points of all known viewers on one image, as shares of it."""
    mine = value.viewer >= 0
    return (value.x[mine] + 0.5) / size[1], (value.y[mine] + 0.5) / size[0]


def _looks(value: fixation_table.Fixations, size: tuple[int, int]) -> dict[int, Shares]:
    """Points of each known viewer on one image, as shares of it."""
    x, y = (value.x + 0.5) / size[1], (value.y + 0.5) / size[0]
    return {
        int(viewer): (x[value.viewer == viewer], y[value.viewer == viewer])
        for viewer in np.unique(value.viewer[value.viewer >= 0])
    }


def _score(
    looked: Sequence[dict[int, Shares]], totals: Sequence[npt.NDArray[np.float64]]
) -> dict[str, npt.NDArray[np.float64]]:
    """Mean log-density of each viewer's points on a picture, by hypothesis.

    Args:
        looked: points of the viewers of the picture before, this one, and the one behind.
        totals: blurred counts of all viewers there.

    Returns:
        Nats, [v], in the order of the picture's viewers.
    """
    rows = []
    for viewer, points in looked[1].items():
        before, others, behind = (
            total - _blur(one[viewer]) if viewer in one else total
            for total, one in zip(totals, looked, strict=True)
        )
        row = {"as it is": _mean_log(others, points)}
        row |= {text: _mean_log(others, slip(*points)) for text, slip in _SLIPS.items()}
        there = dict(zip(_STEPS, (behind, before), strict=True))
        row |= {text: _mean_log(density, points) for text, density in there.items()}
        row["elsewhere"] = np.mean([row[text] for text in _STEPS])
        rows.append(row)
    return {text: np.array([row[text] for row in rows]) for text in rows[0]}


class _Moments:
    """How much better each slip predicts each viewer, over the pictures: mean and variance."""

    def __init__(self) -> None:
        """Knows no viewer."""
        self._numbers: dict[int, int] = {}
        self._counts = np.zeros((0, 2), np.int64)  # of fixations and pictures
        self._sums = np.zeros((2, 0, len(_WRONG)))  # of gains and their squares

    def add(self, looked: Mapping[int, Shares], scores: Mapping[str, npt.NDArray]) -> None:
        """Adds the scores of a picture, in the order of its viewers."""
        where = np.array([self._numbers.setdefault(v, len(self._numbers)) for v in looked])
        more = len(self._numbers) - len(self._counts)
        self._counts = np.pad(self._counts, ((0, more), (0, 0)))
        self._sums = np.pad(self._sums, ((0, 0), (0, more), (0, 0)))
        gains = np.stack([scores[text] - scores["as it is"] for text in _WRONG], axis=1)
        self._counts[where] += np.array([(len(points[0]), 1) for points in looked.values()])
        self._sums[:, where] += gains, gains**2

    def slips(self, name: Callable[[int], str]) -> Iterator[str]:
        """Names viewers whom another convention fits better."""
        known = [v for v in sorted(self._numbers) if self._counts[self._numbers[v], 0] >= _ENOUGH]
        for viewer in known:
            count = self._counts[self._numbers[viewer], 1]
            means, squares = self._sums[:, self._numbers[viewer]] / count
            best = int(np.argmax(means))
            if count < _FEW_IMAGES or means[best] < _LEAST:
                continue
            variance = max(squares[best] - means[best] ** 2, 0.0) / (count - 1)
            if means[best] > stats.t.isf(_CHANCE / len(known) / _TRIED, count - 1) * variance**0.5:
                yield (
                    f"viewer {name(viewer)}: the other viewers predict this gaze better if it is "
                    f"{_WRONG[best]} ({means[best]:+.2f} nats a fixation, {count} images); repair "
                    "or remove this viewer's lines"
                )


def _blur(points: Shares) -> npt.NDArray[np.float64]:
    """Blurred counts of points on the image; those beside it do not count."""
    inside = np.all([(one >= 0) & (one <= 1) for one in points], axis=0)
    columns, rows = (np.minimum(one[inside] * _SIDE, _SIDE - 1).astype(int) for one in points)
    counts = np.bincount(rows * _SIDE + columns, minlength=_SIDE**2).reshape(_SIDE, _SIDE)
    return ndimage.gaussian_filter(counts.astype(float), _SIGMA, mode="constant")


def _mean_log(density: npt.NDArray[np.float64], points: Shares) -> float:
    """Mean logarithm of a density at points; on the edge for those off the image."""
    total = density.sum()
    share = density * (_SIDE**2 / total) if total else np.ones_like(density)
    columns, rows = (np.clip((one * _SIDE).astype(int), 0, _SIDE - 1) for one in points)
    return float(np.log(_FLAT + (1 - _FLAT) * share[rows, columns]).mean())
