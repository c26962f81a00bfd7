"""The conventions of coordinates that a check tries."""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from tfds_builders.gaze_folder.coordinates import Coordinates
from tfds_builders.gaze_folder.scene import Scene

# The usual ones first: of those that cannot be told apart the first is named.
_SCREENS = ((1920, 1080), (1680, 1050), (1280, 1024), (1024, 768), (1366, 768), (1920, 1200))
_SCREENS += ((1600, 900), (1440, 900), (1280, 720), (1280, 800), (1280, 960), (1600, 1200))
_SCREENS += ((2560, 1440), (2560, 1600), (3840, 2160))
_FACTORS = (2.0, 1.5, 3.0, 4.0, 0.5, 0.25, 0.75, 1 / 3, 2 / 3, 4 / 3, 1.1, 1.2, 1.25, 1.3, 1.4)
_FACTORS += (1.6, 1.75, 2.5, 0.4, 0.6, 0.7, 0.8, 0.9)
_COMMON = 4  # between which pixels are converted; more pairs could not be told from each other
_UNEQUAL = 0.03  # between the axes; less is a factor
_FAR = 0.18  # from the points as they are, on one axis; people differ in how far they look around
_PICTURES = (-2, -1, 1, 2)


def listed(scene: Scene) -> tuple[list[Coordinates], list[Coordinates]]:
    """Lists conventions that differ on the images of a study.

    Args:
        scene: the study.

    Returns:
        The usual ones, first that of the sets: units, origins, flips, neighbouring pictures. And
        places on common screens, factors by which images may have been enlarged, and those of a
        tracker that counts in pixels of another screen.
    """
    usual = list(_distinct(scene, [Coordinates(), *_usual(len(scene.sizes))]))
    every = list(_distinct(scene, [*usual, *_screens(), *_factors(), *_ratios()]))
    return usual, every[len(usual) :]


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


def _ratios() -> Iterator[Coordinates]:
    """Pixels of one common screen that were written down as those of another one."""
    for recorded, written in itertools.permutations(_SCREENS[:_COMMON], 2):
        across, down = (one / other for one, other in zip(recorded, written, strict=True))
        logarithms = math.log(across), math.log(down)
        unequal = abs(logarithms[0] - logarithms[1]) > _UNEQUAL
        if unequal and max(map(abs, logarithms)) > _FAR:
            yield Coordinates(scale=(round(across, 4), round(down, 4)))
