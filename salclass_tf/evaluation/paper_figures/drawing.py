"""From the name of a figure to its files."""

import functools
import pathlib

from salclass_tf.evaluation.paper_figures import (
    alpha,
    changes,
    comparisons,
    confusions,
    overlays,
    regions,
)
from salclass_tf.evaluation.paper_figures.settings import Settings

_DRAWERS = {
    "3": changes.draw,
    "4": alpha.draw,
    "5": functools.partial(comparisons.draw, number="5", learned=True),
    "6": functools.partial(comparisons.draw, number="6", learned=False),
    "7": regions.draw,
    "overlays": overlays.draw,
    "confusion": confusions.draw,
}


def run(settings: Settings) -> list[pathlib.Path]:
    """Draws the figures, each as PNG and PDF.

    Args:
        settings: see `Settings`.

    Returns:
        The files.

    Raises:
        ValueError: for anything the user can fix.
    """
    paths: list[pathlib.Path] = []
    for name in settings.figures:
        drawn = _DRAWERS[name](settings)
        print("\n".join(f"Fig. {name}: {path}" for path in drawn))
        paths += drawn
    return paths
