"""Mistakes that a computer can suspect in fixations: wrong axes, wrong origin, wrong scale."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table

_MANY_OFF = 0.05  # of all fixations; trackers lose some beside the edges
_FAR = 0.15  # of the image's size, from its centre; people look at the centre of pictures
_APART = 0.1  # of the image's size, between one viewer and the others
_ENOUGH = 20  # fixations of a viewer


@dataclasses.dataclass(frozen=True)
class Points:
    """All fixations of a study, off-image ones too; each array is float64 or int [n].

    Attributes:
        x: column, pixels of the image, 0-based.
        y: row, likewise.
        width: width of the image, pixels.
        height: height of the image, pixels.
        viewer: number of the person, -1 where unknown.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    height: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]

    def off_image(self) -> npt.NDArray[np.bool_]:
        """Which lie beside their image, [n]."""
        return _off(self.x, self.y, self.width, self.height)


def gather(
    fixations: Mapping[str, fixation_table.Fixations], sizes: Mapping[str, tuple[int, int]]
) -> Points:
    """Joins the fixations of all images.

    Args:
        fixations: by stem.
        sizes: height and width of images by stem; fixations on others are left out.

    Returns:
        The points, image after image.
    """
    known = [stem for stem in fixations if stem in sizes]
    counts = [len(fixations[stem].x) for stem in known]
    height, width = np.repeat([sizes[stem] for stem in known] or [(0, 0)], counts or 0, axis=0).T
    columns = {
        name: np.concatenate([getattr(fixations[stem], name) for stem in known] or [[]])
        for name in ("x", "y", "viewer")
    }
    return Points(width=width.astype(float), height=height.astype(float), **columns)


def suspect(points: Points) -> list[str]:
    """Looks for mistakes.

    Args:
        points: all fixations.

    Returns:
        A sentence for each suspicion, with the numbers behind it and what to do.
    """
    if not len(points.x):
        return []
    if max(points.x.max(), points.y.max()) <= 1:
        return ["all coordinates are at most 1: shares of the image? Multiply them by its size"]
    # Where all coordinates are wrong, the viewers' offsets say nothing.
    return _off_image(points) or _viewers_apart(points)


def _off_image(points: Points) -> list[str]:
    """Explains points beside the images, or a centre far from theirs."""
    x, y, width, height = points.x, points.y, points.width, points.height
    share = float(points.off_image().mean())
    right, down = np.median(x - width / 2), np.median(y - height / 2)
    where = f"({right:+.0f}, {down:+.0f}) pixels from the images' centres"
    if share < _MANY_OFF:
        far = abs(right) > _FAR * np.median(width) or abs(down) > _FAR * np.median(height)
        advice = "an offset? See the contact sheet"
        return [f"the middle of all fixations lies {where}: {advice}"] if far else []
    scale = max(np.quantile(x / width, 0.99), np.quantile(y / height, 0.99))
    remedies = {
        "x and y look swapped; swap the columns": (y, x),
        f"all look shifted, their middle is {where}: screen instead of image coordinates? Subtract "
        "the place of the image, or give the raw samples and placement.csv": (x - right, y - down),
        f"they belong to a picture about {scale:.2f} times as large: was the image enlarged on the "
        "screen? Divide them by that": (x / scale, y / scale),
    }
    left = {text: _off(*xy, width, height).mean() for text, xy in remedies.items()}
    best = min(left, key=left.get)
    head = f"{share:.1%} of all fixations lie beside their image"
    if left[best] > share / 4:
        return [f"{head}; see the contact sheet"]
    return [f"{head}; {best} (then {left[best]:.1%} would)"]


def _viewers_apart(points: Points) -> list[str]:
    """Names viewers who look elsewhere than the others: a lost calibration."""
    place = np.stack([points.x / points.width, points.y / points.height])
    names, counts = np.unique(points.viewer[points.viewer >= 0], return_counts=True)
    names = names[counts >= _ENOUGH]
    if len(names) < 3:
        return []
    middles = np.array([np.median(place[:, points.viewer == name], axis=1) for name in names])
    offsets = middles - np.median(middles, axis=0)
    return [
        f"viewer {name} looks {dx:+.0%} of the width and {dy:+.0%} of the height beside where the "
        "others look: a lost calibration? See the contact sheet"
        for name, (dx, dy) in zip(names, offsets, strict=True)
        if max(abs(dx), abs(dy)) > _APART
    ]


def _off(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    width: npt.NDArray[np.float64],
    height: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    return (x < 0) | (x >= width) | (y < 0) | (y >= height)
