"""Which convention of coordinates explains the gaze best: a comparison of hypotheses."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize, stats

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import conspicuity
from tfds_builders.gaze_folder.coordinates import Coordinates

# The usual ones first: of those that cannot be told apart the first is named.
_SCREENS = ((1920, 1080), (1680, 1050), (1280, 1024), (1024, 768), (1366, 768), (1920, 1200))
_SCREENS += ((1600, 900), (1440, 900), (1280, 720), (1280, 800), (1280, 960), (1600, 1200))
_SCREENS += ((2560, 1440), (2560, 1600), (3840, 2160))
_FACTORS = (2.0, 1.5, 3.0, 4.0, 0.5, 0.25, 0.75, 1 / 3, 2 / 3, 4 / 3, 1.1, 1.2, 1.25, 1.3, 1.4)
_FACTORS += (1.6, 1.75, 2.5, 0.4, 0.6, 0.7, 0.8, 0.9)
_PICTURES = (-2, -1, 1, 2)

_STRAY = 0.03  # share of fixations that no model places
_FLAT = 0.1  # share of the others that fall anywhere on the image
# Chances of a false alarm for one hypothesis. There is one record for each usual convention, but
# many screens, and a fit tries all numbers.
_USUAL, _LISTED, _FITTED = 0.03, 1e-3, 2e-3
_OBVIOUS = 1.5  # nats a fixation that no chance explains, however few images there are
_LEAST = 0.05  # nats a fixation below which a difference is none
_LEAST_SCALE = 0.25  # likewise, for a fitted scale: people differ in how far they look around
_FEW_POINTS, _FEW_IMAGES = 10, 4
_SAME = 0.006  # of the image's long side: a fifth of the usual blur, which hides it
_ROUGH = 0.0025  # likewise, for the standard error of a fit
_POINTS = 200  # of an image; more say little
_BESIDE = 0.022  # likewise, between a listed screen or factor and what fits best
_BLANK = 0.01  # nats
_GROUPS = 8  # of images, for the error of a fit


@dataclasses.dataclass(frozen=True)
class Scene:
    """Gaze of a study as it was recorded, with what is likely on the pictures.

    Attributes:
        x: first coordinate of each fixation, float64 [n].
        y: second coordinate, likewise.
        image: which image it belongs to, int [n], 0 to m - 1, rising.
        sizes: height and width of the images in pixels, int [m, 2], in the stems' order.
        likely: `conspicuity.log_density` of the images, float64 [m, SIDE, SIDE].
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    image: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    likely: npt.NDArray[np.float64]

    def to_images(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """Moves all points to their images.

        Args:
            convention: how they were written down; its `picture` is left aside.

        Returns:
            Columns and rows, pixels, float64 [2, n].
        """
        moved = np.empty((2, len(self.x)))
        for size, members in self._by_size:
            moved[:, members] = convention.to_image(self.x[members], self.y[members], size)
        return moved

    def score(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """How well a convention predicts the gaze.

        The density of a recorded point is that of its place on the image times the area that the
        convention gives to a unit of the record, so that conventions of different scale compare.

        Args:
            convention: the hypothesis.

        Returns:
            Mean log-likelihood of a fixation of each image that has some, in nats, float64 [k].
        """
        height, width = self.sizes[self.image].T
        x, y = self.to_images(convention)
        across, down = (x + 0.5) / width, (y + 0.5) / height
        cells = np.stack([down, across]) * conspicuity.SIDE - 0.5
        picture = (self.image + convention.picture) % len(self.sizes)
        near = ndimage.map_coordinates(
            self.likely, [picture, *np.clip(cells, 0, conspicuity.SIDE - 1)], order=1
        )
        inside = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
        on_image = np.where(inside, _FLAT + (1 - _FLAT) * np.exp(near), 0)
        away = (1 + (across - 0.5) ** 2 + (down - 0.5) ** 2) ** -1.5 / (2 * np.pi)
        each = np.log((1 - _STRAY) * on_image + _STRAY * away)
        return (self._means(each) + self._log_areas(convention))[self._seen]

    @functools.cached_property
    def _seen(self) -> npt.NDArray[np.int64]:
        """Images with fixations."""
        return np.unique(self.image)

    @functools.cached_property
    def _by_size(self) -> list[tuple[tuple[int, int], npt.NDArray[np.int64]]]:
        """Indices of the points by the size of their image."""
        sizes, which = np.unique(self.sizes, axis=0, return_inverse=True)
        which = np.ravel(which)[self.image]
        return [(tuple(map(int, size)), np.flatnonzero(which == i)) for i, size in enumerate(sizes)]

    def _means(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        counts = np.bincount(self.image, minlength=len(self.sizes))
        return np.bincount(self.image, values, len(self.sizes)) / np.maximum(counts, 1)

    def _log_areas(self, convention: Coordinates) -> npt.NDArray[np.float64]:
        """Logarithm of the share of the image that one square unit of the record covers, [m]."""
        areas = np.empty(len(self.sizes))
        for size in {tuple(map(int, size)) for size in self.sizes}:
            x, y = convention.to_image([1e4, 1e4 + 1, 1e4], [1e4, 1e4, 1e4 + 1], size)
            area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
            areas[(self.sizes == size).all(axis=1)] = np.log(area / (size[0] * size[1]))
        return areas


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

    @property
    def wrong(self) -> bool:
        """Whether the points are not what they should be: pixels of their image."""
        return self.best != Coordinates()

    @property
    def rough(self) -> bool:
        """Whether the fitted numbers are too rough to be used."""
        return self.error > _ROUGH


def gather(
    gaze: Mapping[str, fixation_table.Fixations],
    paths: Mapping[str, pathlib.Path],
    sizes: Mapping[str, tuple[int, int]],
) -> Scene:
    """Joins gaze and pictures.

    Args:
        gaze: fixations by stem.
        paths: image files by stem, those without gaze as well, in the stems' order.
        sizes: height and width of images that decode; others are left out.

    Returns:
        The scene. Of many points on an image every n-th is taken.
    """
    stems = [stem for stem in paths if stem in sizes]
    nothing = np.zeros(0)
    columns = []
    for stem in stems:
        x, y = (gaze[stem].x, gaze[stem].y) if stem in gaze else (nothing, nothing)
        step = len(x) // _POINTS + 1
        columns.append(np.stack([x[::step], y[::step]]))
    x, y = np.concatenate(columns, axis=1) if columns else np.zeros((2, 0))
    side = conspicuity.SIDE
    likely = [conspicuity.log_density(paths[stem]) for stem in stems]
    return Scene(
        x=x,
        y=y,
        image=np.repeat(np.arange(len(stems)), [one.shape[1] for one in columns]),
        sizes=np.array([sizes[stem] for stem in stems], np.int64).reshape(-1, 2),
        likely=np.stack(likely) if likely else np.zeros((0, side, side)),
    )


def compare(scene: Scene) -> Verdict | None:
    """Compares conventions of coordinates by the likelihood of the gaze.

    Args:
        scene: the gaze.

    Returns:
        The verdict; None for too few points to say anything.
    """
    if len(scene.x) < _FEW_POINTS:
        return None
    usual = list(_distinct(scene, [Coordinates(), *_usual(len(scene.sizes))]))
    tried = list(_distinct(scene, [*usual, *_screens(), *_factors()]))
    scores = np.stack([scene.score(convention) for convention in tried])
    best = 0
    for members, chance in ((usual, _USUAL), (tried, _LISTED)):
        challenger = int(np.argmax(scores[: len(members)].mean(axis=1).round(2)))
        if _exceeds(scores[challenger] - scores[best], chance):
            best = challenger
    verdict = _verdict(scene, tried, scores, best, len(usual))
    score = scores[best]
    for fit, least in ((_fit_shift, _LEAST), (_fit_scale_and_shift, _LEAST_SCALE)):
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
        exact = best < usual or _beside(scene, tried[best]) < _BESIDE
        error, gain = 0.0 if exact else np.inf, float(means[best] - means[0])
        return Verdict(tried[best], gain, None, rivals, error, len(tried))
    second = 1 + int(means[1:usual].argmax())
    rivals = _rivals(scene, tried[:usual], scores[:usual], 0)
    return Verdict(
        tried[0], float(means[0] - means[second]), tried[second], rivals, 0.0, len(tried)
    )


def _exceeds(gain: npt.NDArray[np.float64], chance: float, least: float = _LEAST) -> bool:
    """Whether a gain of each image, [m], is one of all images: Student's test of its mean."""
    mean, count = gain.mean(), len(gain)
    if mean < least or mean > _OBVIOUS or count < _FEW_IMAGES:
        return bool(mean > _OBVIOUS)
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
    return tuple(tried[i] for i in close if _apart(scene, tried[i], tried[best]) > _SAME)


def _beside(scene: Scene, convention: Coordinates) -> float:
    """How far gaze likes to be shifted after a convention, share of the image's long side."""
    shift = _climb(scene, convention, (0.0, 0.0)).x
    return _apart(scene, _with(convention, shift, scene), convention)


def _apart(scene: Scene, one: Coordinates, other: Coordinates) -> float:
    """Median distance between the places of two conventions, share of the image's long side."""
    if one.picture != other.picture:
        return np.inf
    moved = scene.to_images(one) - scene.to_images(other)
    return float(np.median(np.hypot(*moved) / scene.sizes.max(axis=1)[scene.image]))


def _distinct(scene: Scene, listed: Sequence[Coordinates]) -> Iterator[Coordinates]:
    """Leaves out conventions that do to these images what an earlier one does."""
    sizes = np.unique(scene.sizes, axis=0)[:20]
    seen = set()
    for convention in listed:
        corners = [convention.to_image([50, 450, 50], [50, 50, 450], tuple(s)) for s in sizes]
        key = convention.picture, np.round(corners, 1).tobytes()
        if key not in seen:
            seen.add(key)
            yield convention


def _usual(images: int) -> Iterator[Coordinates]:
    """Conventions of programs, and the usual slips."""
    for unit in ("share", "percent"):
        yield from (Coordinates(unit=unit, flip=flip) for flip in ("", "y"))
    for unit in ("pixel", "norm", "height", "share"):
        yield from (Coordinates(unit=unit, origin="centre", flip=flip) for flip in ("y", ""))
    yield from (Coordinates(flip=flip) for flip in ("y", "x", "xy"))
    yield Coordinates(swap=True)
    yield from (Coordinates(picture=step) for step in _PICTURES if 2 * abs(step) < images)


def _screens() -> Iterator[Coordinates]:
    """The image in the middle of a screen whose pixels were recorded."""
    for screen in _SCREENS:
        for fit in ("inside", "stretch", "actual"):
            yield Coordinates(screen=screen, fit=fit)
            yield Coordinates(screen=screen, fit=fit, flip="y")
            yield Coordinates(screen=screen, fit=fit, origin="centre", flip="y")
            yield Coordinates(screen=screen, fit=fit, unit="share")


def _factors() -> Iterator[Coordinates]:
    """Images enlarged or reduced after the recording."""
    yield from (Coordinates(scale=(factor, factor)) for factor in _FACTORS)


def _fit_shift(scene: Scene, begin: Coordinates) -> tuple[Coordinates, Callable[[], float]]:
    """Fits a shift; returns how to measure its error, too."""
    first = _bare(begin)
    found = [_climb(scene, first, start) for start in ((0.0, 0.0), _middle(scene, first))]
    best = min(found, key=lambda one: one.fun)
    fitted = _with(first, best.x, scene)
    return fitted, lambda: _error(scene, first, best.x)


def _fit_scale_and_shift(
    scene: Scene, begin: Coordinates
) -> tuple[Coordinates, Callable[[], float]]:
    """Fits scale and shift of both axes; the scale follows how wide gaze is spread, so is rough."""
    first = _bare(begin)
    x, y = scene.to_images(first)
    height, width = scene.sizes[scene.image].T
    place = np.stack([x / width, y / height])
    spread = np.diff(np.quantile(place, [0.02, 0.98], axis=1), axis=0)[0]
    zoom = np.log(0.84 / np.maximum(spread, 1e-6))
    shift = 0.5 - np.exp(zoom) * np.median(place, axis=1)
    starts = [(*zoom, *shift), (0.0, 0.0, *_middle(scene, first))]
    found = [_climb(scene, first, start) for start in starts]
    best = min(found, key=lambda one: one.fun)
    return _with(first, best.x, scene), lambda: np.inf


def _bare(convention: Coordinates) -> Coordinates:
    """A convention without screen and numbers."""
    names = ("unit", "origin", "flip", "swap")
    return Coordinates(**{name: getattr(convention, name) for name in names})


def _middle(scene: Scene, first: Coordinates) -> tuple[float, float]:
    """What moves the middle of all gaze to that of the images, shares of these."""
    x, y = scene.to_images(first)
    height, width = scene.sizes[scene.image].T
    return float(np.median(0.5 - x / width)), float(np.median(0.5 - y / height))


def _climb(
    scene: Scene, first: Coordinates, start: Sequence[float], members: object = slice(None)
) -> optimize.OptimizeResult:
    """Maximises the likelihood from a start on, for some images or all."""

    def loss(numbers: np.ndarray) -> float:
        return -float(scene.score(_with(first, numbers, scene))[members].mean())

    sides = len(start)
    simplex = np.array(start) + np.concatenate([np.zeros((1, sides)), 0.05 * np.eye(sides)])
    options = {"initial_simplex": simplex, "xatol": 5e-4, "fatol": 1e-4, "maxfev": 300}
    return optimize.minimize(loss, start, method="Nelder-Mead", options=options)


def _with(first: Coordinates, numbers: Sequence[float], scene: Scene) -> Coordinates:
    """A convention with a fitted shift, share of the image; before it logarithms of two factors."""
    height, width = np.median(scene.sizes, axis=0)
    *zoom, across, down = numbers
    scale = np.exp(np.clip(zoom, -9, 9)).round(4).tolist() if zoom else first.scale
    shift = round(float(across * width), 1), round(float(down * height), 1)
    return dataclasses.replace(first, scale=tuple(scale), shift=shift)


def _error(scene: Scene, first: Coordinates, best: Sequence[float]) -> float:
    """Standard error of fitted places, by the jackknife over groups of images."""
    whole = _with(first, best, scene)
    images = len(scene.score(whole))
    count = min(_GROUPS, images)
    if count < 2:
        return np.inf
    which = np.arange(images) % count
    left_out = (_climb(scene, first, best, which != group).x for group in range(count))
    apart = [_apart(scene, _with(first, numbers, scene), whole) for numbers in left_out]
    return float(np.sqrt((count - 1) / count * np.sum(np.square(apart))))
