"""Numbers of a convention, fitted to the gaze."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize

from tfds_builders.gaze_folder.coordinates import Coordinates
from tfds_builders.gaze_folder.scene import Scene

_GROUPS = 8  # of images, for the error of a fit


def fit_shift(scene: Scene, begin: Coordinates) -> tuple[Coordinates, Callable[[], float]]:
    """Fits a shift.

    Args:
        scene: the study.
        begin: a convention whose unit, origin, flips and swap are kept.

    Returns:
        The convention; and a function that measures the standard error of its places, as a share of
        the image's long side, by the jackknife over groups of images.
    """
    first = _bare(begin)
    found = [_climb(scene, first, start) for start in ((0.0, 0.0), _middle(scene, first))]
    best = min(found, key=lambda one: one.fun)
    fitted = _with(first, best.x, scene)
    return fitted, lambda: _error(scene, first, best.x)


def fit_scale_and_shift(
    scene: Scene, begin: Coordinates
) -> tuple[Coordinates, Callable[[], float]]:
    """Fits scale and shift of both axes.

    Args:
        scene: the study.
        begin: a convention whose unit, origin, flips and swap are kept.

    Returns:
        The convention; and a function that returns an infinite error: the scale follows how wide
        people look around, which nobody knows.
    """
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


def beside(scene: Scene, convention: Coordinates, scaled: bool = False) -> float:
    """Measures how far from a convention the best shift is.

    Args:
        scene: the study.
        convention: any.
        scaled: whether the scale may be another one, too.

    Returns:
        Median distance of the places, share of the image's long side.
    """
    zoom = np.log(convention.scale) if scaled else ()
    numbers = _climb(scene, convention, (*zoom, 0.0, 0.0)).x
    return scene.apart(_with(convention, numbers, scene), convention)


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
    apart = [scene.apart(_with(first, numbers, scene), whole) for numbers in left_out]
    return float(np.sqrt((count - 1) / count * np.sum(np.square(apart))))
