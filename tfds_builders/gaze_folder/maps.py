"""Heat maps of a folder before they are used: which are none, and which are lists of points."""

import collections
import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from tfds_builders.common import fixation_table

POINTS_NOTE = (
    "heat maps: all hold single pixels only, so they are binary fixation maps and are read as "
    "points; viewers and durations are unknown"
)

_SPARSE = 0.05  # share of an image's pixels that are fixations at most
_ALONE = 0.5  # share of the pixels without a neighbour in a map of fixations
_MANY = 0.5  # of all maps

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
_TEXTS = {
    "black": "are all black: nobody looked there? Remove them, or export them again",
    "flat": "have one value everywhere; export them again",
    "mask": "have two values only: masks, and no heat maps? Blur them, or give the points",
    "points": "hold single pixels: fixation maps among heat maps? Give one kind; where all "
    "are, they are read as points",
    "inverted": "are bright on most of the image: inverted? Bright means looked at; invert them, "
    "as by ImageMagick's `mogrify -negate`",
}

Paths = Mapping[str, str | os.PathLike]


def kind(values: npt.NDArray) -> str:
    """Names what a grey image is.

    Args:
        values: grey levels, [h, w].

    Returns:
        "black"; "flat", of one other value; "points", pixels that mostly stand alone; "mask", of
        two values; "inverted", whose mean is nearer to the largest value; otherwise "heat map".
    """
    low, high = int(values.min()), int(values.max())
    if low == high:
        return "flat" if high else "black"
    if _are_points(values):
        return "points"
    if np.isin(values, (low, high)).all():
        return "mask"
    return "inverted" if values.mean() > (low + high) / 2 else "heat map"


def hold_points(maps: Paths) -> bool:
    """Whether all maps, but for black ones, are binary fixation maps.

    Args:
        maps: files by stem. They are read up to the first that is none.

    Returns:
        Whether that is so; false without maps.
    """
    found = False
    for path in maps.values():
        what = _kind_of(path)
        if what not in ("points", "black"):
            return False
        found = found or what == "points"
    return found


def read_points(
    maps: Paths, sizes: Mapping[str, tuple[int, int]]
) -> dict[str, fixation_table.Fixations]:
    """Reads binary fixation maps.

    Args:
        maps: files by stem.
        sizes: height and width of the images, where there are some.

    Returns:
        Fixations by stem: the middle of every pixel that is not 0, in pixels of the image; viewers
        and durations are -1. Black maps are left out.
    """
    points = {}
    for stem, path in maps.items():
        values = _read(path)
        rows, columns = np.nonzero(values)
        height, width = sizes.get(stem, values.shape)
        x = (columns + 0.5) * (width / values.shape[1]) - 0.5
        y = (rows + 0.5) * (height / values.shape[0]) - 0.5
        unknown = np.full(len(rows), -1)
        value = fixation_table.Fixations(x.clip(0), y.clip(0), unknown.astype(float), unknown)
        points |= {stem: value} if len(rows) else {}
    return points


def suspect(maps: Paths) -> list[str]:
    """Looks for maps that are none.

    Args:
        maps: files by stem.

    Returns:
        A sentence for each kind of mistake, with the number of maps, examples and what to do.
    """
    kinds = collections.defaultdict(list)
    for stem, path in maps.items():
        kinds[_kind_of(path)].append(stem)
    if len(kinds["inverted"]) < _MANY * len(maps):  # broad maps are bright, too
        kinds.pop("inverted")
    return [
        f"{len(kinds[what])} of {len(maps)} heat maps {text} (such as {', '.join(kinds[what][:3])})"
        for what, text in _TEXTS.items()
        if kinds.get(what)
    ]


def _read(path: str | os.PathLike) -> npt.NDArray:
    """Grey levels of a file, whatever its mode."""
    with Image.open(path) as image:
        grey = image if image.mode.startswith(("I", "L", "1")) and image.mode != "LA" else None
        return np.asarray(grey or image.convert("L"))


def _kind_of(path: str | os.PathLike) -> str:
    """The kind of a file; one that does not decode is named by the build."""
    try:
        return kind(_read(path).astype(np.int64))
    except (OSError, SyntaxError):
        return "unreadable"


def _are_points(values: npt.NDArray) -> bool:
    """Whether few pixels are above 0, and most of them alone."""
    lit = values > 0
    if not 0 < lit.mean() <= _SPARSE:
        return False
    neighbours = ndimage.convolve(lit.astype(np.int64), _NEIGHBOURS, mode="constant")
    return bool((neighbours[lit] == 0).mean() >= _ALONE)
