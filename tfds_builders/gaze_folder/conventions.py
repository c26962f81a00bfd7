"""Which convention of coordinates explains the gaze best: a comparison of hypotheses."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from tfds_builders.gaze_folder import fits, hypotheses
from tfds_builders.gaze_folder.coordinates import Coordinates
from tfds_builders.gaze_folder.scene import Scene

# Chances of a false alarm for one hypothesis. There is one record for each usual convention, but
# many screens, and a fit tries all numbers.
_USUAL, _LISTED, _FITTED = 0.03, 1e-3, 2e-3
_OBVIOUS = 1.5  # nats a fixation that no chance explains, however few images there are
_LEAST = 0.05  # nats a fixation below which a difference is none
_LEAST_SCALE = 0.25  # likewise, for a fitted scale: people differ in how far they look around
_FEW_POINTS, _FEW_IMAGES = 10, 4
_SAME = 0.006  # of the image's long side: a fifth of the usual blur, which hides it
# Likewise, for the standard error of a fit: places are within `_SAME` in 95 of 100 cases, in which
# maps of the usual blur, 3 % of the long side, have a CC of 0.99 to the true ones.
_ROUGH = 0.0035
_BESIDE = 0.009  # likewise, between a listed screen or factor and what fits best
# Likewise, between a usual convention, or the points as they are, and the scale and shift that fit
# best; for true ones these were up to 0.04, since people differ in how far they look around.
_FAR_BESIDE = 0.05
_BLANK = 0.01  # nats


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison.

    Attributes:
        best: the convention that predicts the gaze best, or the points as they are if no other is
            better beyond chance.
        gain: by how many nats a fixation it is better than the points as they are; for these, how
            much better they are than the next best of the usual conventions.
        next_best: that one; None if the points as they are lost.
        rivals: others that cannot be told from the best, and put gaze elsewhere.
        error: standard error of the places, share of the image's long side; 0 unless numbers were
            fitted to the points, infinite if no number can be relied on.
        beside: how far from the best a scale and a shift of any size put the gaze, share of the
            image's long side; 0 if numbers were fitted.
        tried: how many were compared.
        blank: whether the pictures are all alike in what is likely, so that they tell nothing.
    """

    best: Coordinates
    gain: float
    next_best: Coordinates | None
    rivals: tuple[Coordinates, ...]
    error: float
    tried: int
    blank: bool = False
    beside: float = 0.0

    @property
    def wrong(self) -> bool:
        """Whether the points are not what they should be: pixels of their image."""
        return self.best != Coordinates()

    @property
    def rough(self) -> bool:
        """Whether the fitted numbers are too rough to be used."""
        return self.error > _ROUGH

    @property
    def doubtful(self) -> bool:
        """Whether the points are taken, but another scale and shift fit, far from them."""
        return not self.wrong and self.beside > _FAR_BESIDE

    @property
    def guessed(self) -> bool:
        """Whether other numbers than those that are listed would explain the gaze as well."""
        if self.best.screen or self.best.scale != (1, 1):
            return bool(self.rivals) or self.beside > _BESIDE
        return self.beside > _FAR_BESIDE


def compare(scene: Scene) -> Verdict | None:
    """Compares conventions of coordinates by the likelihood of the gaze.

    Args:
        scene: the gaze.

    Returns:
        The verdict; None for too few points to say anything.
    """
    if len(scene.x) < _FEW_POINTS:
        return None
    usual, others = hypotheses.listed(scene)
    tried = [*usual, *others]
    scores = np.stack([scene.score(convention) for convention in tried])
    best = 0
    for members, chance in ((usual, _USUAL), (tried, _LISTED)):
        challenger = int(np.argmax(scores[: len(members)].mean(axis=1).round(2)))
        if _exceeds(scores[challenger] - scores[best], chance):
            best = challenger
    verdict = _verdict(scene, tried, scores, best, len(usual))
    score = scores[best]
    # Of few images any place that was looked at often looks like a wrong scale.
    several = scores.shape[1] >= _FEW_IMAGES
    fitting = ((fits.fit_shift, _LEAST), (fits.fit_scale_and_shift, _LEAST_SCALE))
    for fit, least in fitting if several else ():
        fitted, error = fit(scene, tried[best])
        if _exceeds(scene.score(fitted) - score, _FITTED, least):
            score = scene.score(fitted)
            gain = float((score - scores[0]).mean())
            verdict = Verdict(fitted, gain, None, (), error(), len(tried) + 2)
    blank = bool(np.ptp(scene.likely, axis=0).max() < _BLANK)
    return dataclasses.replace(verdict, blank=blank)


def _verdict(
    scene: Scene, tried: Sequence[Coordinates], scores: np.ndarray, best: int, usual: int
) -> Verdict:
    """The verdict for one of the listed conventions."""
    means = scores.mean(axis=1)
    if best:
        rivals = _rivals(scene, tried, scores, best)
        exact = best < usual or fits.beside(scene, tried[best]) < _BESIDE
        error, gain = 0.0 if exact else np.inf, float(means[best] - means[0])
        beside = fits.beside(scene, tried[best], scaled=True)
        return Verdict(tried[best], gain, None, rivals, error, len(tried), beside=beside)
    second = 1 + int(means[1:usual].argmax())
    rivals = _rivals(scene, tried[:usual], scores[:usual], 0)
    gain = float(means[0] - means[second])
    beside = fits.beside(scene, tried[0], scaled=True) if len(scores[0]) >= _FEW_IMAGES else 0.0
    return Verdict(tried[0], gain, tried[second], rivals, 0.0, len(tried), beside=beside)


def _exceeds(gain: npt.NDArray[np.float64], chance: float, least: float = _LEAST) -> bool:
    """Whether a gain of each image, [m], is one of all images: Student's test of its mean."""
    mean, count = gain.mean(), len(gain)
    if mean < least or mean > _OBVIOUS or count < _FEW_IMAGES:
        return bool(mean > _OBVIOUS) and count > 1  # people may look at one corner of a picture
    error = gain.std(ddof=1) / np.sqrt(count)
    return bool(mean > error * stats.t.isf(chance, count - 1))


def _rivals(
    scene: Scene, tried: Sequence[Coordinates], scores: np.ndarray, best: int
) -> tuple[Coordinates, ...]:
    """Conventions about as good as the best one that put gaze elsewhere, the best first."""
    close = [
        index
        for index in np.argsort(-scores.mean(axis=1))
        if index != best and not _exceeds(scores[best] - scores[index], 0.05)
    ]
    return tuple(tried[i] for i in close if scene.apart(tried[i], tried[best]) > _SAME)
