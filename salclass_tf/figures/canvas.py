"""What all pictures share: colours, fixations, and files that are whole or not there."""

import os
import pathlib
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from salclass_tf.runs import files

#: even in lightness, and readable by the colour-blind; of heights, and of differences
MAP_COLOURS, CHANGE_COLOURS = "viridis", "PuOr_r"

#: blue and vermilion of Okabe and Ito, which the colour-blind tell apart
BLUE, VERMILION = "#0072b2", "#d55e00"

_RING = "#f0e442"
_RINGS = 20
_DPI = 110


def draw_fixations(axis: Axes, xy: np.ndarray, size: float = 28) -> None:
    """Draws fixations as rings that stay visible on light and dark ground.

    More than `_RINGS` become smaller, such that together they cover no more.

    Args:
        axis: shows an image or a map, a unit a pixel.
        xy: (column, row) pixels, [n, 2]; n may be 0.
        size: area of a ring, in square points.
    """
    if len(xy):
        share = min(1, _RINGS / len(xy))
        style = {"facecolors": "none", "s": size * share, "clip_on": False}
        for colour, width in (("black", 2.2), (_RING, 1.1)):
            axis.scatter(
                *np.transpose(xy), edgecolors=colour, linewidths=width * share**0.5, **style
            )


def bare(axis: Axes) -> None:
    """Takes ticks and frame off, and leaves room for a caption below."""
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def tallest(images: Iterable[np.ndarray]) -> float:
    """Returns the height that rows of images need in widths of a column, at most 1.5.

    Args:
        images: [h, w, ...].
    """
    return min(1.5, max(image.shape[0] / image.shape[1] for image in images))


def write(figure: Figure, path: str | os.PathLike) -> None:
    """Writes a file in the format of its ending, whole or not at all."""
    path = pathlib.Path(path)
    kind = path.suffix.removeprefix(".")
    # A PDF would hold the time at which it was made: no two would be equal.
    undated = {"CreationDate": None} if kind == "pdf" else None
    with files.whole(path, durable=False) as temporary:
        figure.savefig(temporary, format=kind, dpi=_DPI, metadata=undated)


def publish(figure: Figure, path: str | os.PathLike) -> list[pathlib.Path]:
    """Writes a picture for the screen and for print.

    Args:
        figure: the picture.
        path: of both files, without their endings.

    Returns:
        The PNG and the PDF.
    """
    paths = [pathlib.Path(f"{os.fspath(path)}.{kind}") for kind in ("png", "pdf")]
    for each in paths:
        write(figure, each)
    return paths
