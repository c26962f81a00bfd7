"""How well gaze predicts the gaze of held-out viewers of the same picture."""

import dataclasses
from collections.abc import Callable, Mapping

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
_STEPS = {"the next picture's": 1, "the picture's before": -1}


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
    looked = {s: _looks(v, sizes[s]) for s, v in sorted(gaze.items()) if s in sizes}
    looked = {stem: found for stem, found in looked.items() if len(found) > 1}
    if len(looked) < _FEW_IMAGES:
        return None
    scores = _score(list(looked.values()))
    gains = np.array(
        [np.mean([one["as it is"] - one["elsewhere"] for one in row.values()]) for row in scores]
    )
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    t = float(gains.mean() / max(error, 1e-9))
    return Agreement(float(gains.mean()), t, tuple(_slips(scores, looked.values(), name)))


def _looks(value: fixation_table.Fixations, size: tuple[int, int]) -> dict[int, Shares]:
    """Points of each known viewer on one image, as shares of it."""
    x, y = (value.x + 0.5) / size[1], (value.y + 0.5) / size[0]
    return {
        int(viewer): (x[value.viewer == viewer], y[value.viewer == viewer])
        for viewer in np.unique(value.viewer[value.viewer >= 0])
    }


def _score(looked: list[dict[int, Shares]]) -> list[dict[int, dict[str, float]]]:
    """Mean log-density of each viewer's points on each picture, by hypothesis."""
    blurred = [{viewer: _blur(points) for viewer, points in one.items()} for one in looked]
    totals = [sum(one.values()) for one in blurred]
    rows = []
    for place, one in enumerate(looked):
        row = {}
        for viewer, points in one.items():
            others = totals[place] - blurred[place][viewer]
            row[viewer] = {"as it is": _mean_log(others, points)}
            row[viewer] |= {s: _mean_log(others, slip(*points)) for s, slip in _SLIPS.items()}
            for text, step in _STEPS.items():
                there = (place + step) % len(looked)
                others = totals[there] - blurred[there].get(viewer, 0)
                row[viewer][text] = _mean_log(others, points)
            row[viewer]["elsewhere"] = np.mean([row[viewer][text] for text in _STEPS])
        rows.append(row)
    return rows


def _slips(scores: list, looked: object, name: Callable[[int], str]) -> list[str]:
    """Names viewers whom another convention fits better."""
    counts: dict[int, int] = {}
    for one in looked:
        for viewer, points in one.items():
            counts[viewer] = counts.get(viewer, 0) + len(points[0])
    known = [viewer for viewer in sorted(counts) if counts[viewer] >= _ENOUGH]
    texts = []
    for viewer in known:
        rows = [row[viewer] for row in scores if viewer in row]
        best = max([*_SLIPS, *_STEPS], key=lambda text: np.mean([row[text] for row in rows]))
        gain = np.array([row[best] - row["as it is"] for row in rows])
        if len(gain) < _FEW_IMAGES or gain.mean() < _LEAST:
            continue
        limit = stats.t.isf(_CHANCE / len(known) / len(rows[0]), len(gain) - 1)
        if gain.mean() > limit * gain.std(ddof=1) / np.sqrt(len(gain)):
            texts.append(
                f"viewer {name(viewer)}: the other viewers predict this gaze better if it is "
                f"{best} ({gain.mean():+.2f} nats a fixation, {len(gain)} images); repair or "
                "remove this viewer's lines"
            )
    return texts


def _blur(points: Shares) -> npt.NDArray[np.float64]:
    """Blurred counts of points on the image."""
    counts, *_ = np.histogram2d(*points[::-1], bins=_SIDE, range=[(0, 1), (0, 1)])
    return ndimage.gaussian_filter(counts, _SIGMA, mode="constant")


def _mean_log(density: npt.NDArray[np.float64], points: Shares) -> float:
    """Mean logarithm of a density at points; on the edge for those off the image."""
    total = density.sum()
    share = density * (_SIDE**2 / total) if total else np.ones_like(density)
    columns, rows = (np.clip((one * _SIDE).astype(int), 0, _SIDE - 1) for one in points)
    return float(np.log(_FLAT + (1 - _FLAT) * share[rows, columns]).mean())
