"""Mistakes that a computer can suspect in fixations: wrong axes, wrong origin, wrong scale."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

from tfds_builders.common import fixation_table

_MANY_OFF = 0.05  # of all fixations; trackers lose some beside the edges
_FAR = 0.15  # of the image's size, from its centre; people look at the centre of pictures
_APART = 0.1  # of the image's size, between one viewer and the others
_ENOUGH = 20  # fixations of a viewer
_CHANCE = 0.01  # of a false alarm, all viewers together
_PATH = 3  # fixations that are the same by no chance


@dataclasses.dataclass(frozen=True)
class Points:
    """All fixations of a study, off-image ones too; each array is float64 or int [n].

    Attributes:
        x: column, pixels of the image, 0-based.
        y: row, likewise.
        width: width of the image, pixels.
        height: height of the image, pixels.
        viewer: number of the person, -1 where unknown.
        image: number of the image; None for one, or where that does not matter.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    height: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]
    image: npt.NDArray[np.int64] | None = None

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
    image = np.repeat(np.arange(len(known)), counts or 0)
    return Points(width=width.astype(float), height=height.astype(float), image=image, **columns)


def suspect(points: Points, name: Callable[[int], str] = str) -> list[str]:
    """Looks for mistakes.

    Args:
        points: all fixations.
        name: what to call a viewer.

    Returns:
        A sentence for each suspicion, with the numbers behind it and what to do.
    """
    if not len(points.x):
        return []
    if max(points.x.max(), points.y.max()) <= 1:
        return ["all coordinates are at most 1: shares of the image? Multiply them by its size"]
    # Where all coordinates are wrong, the viewers' offsets say nothing.
    return _off_image(points) or _from_one(points) or _viewers_apart(points, name)


def _off_image(points: Points) -> list[str]:
    """Explains points beside the images, or a centre far from theirs."""
    x, y, width, height = points.x, points.y, points.width, points.height
    share = float(points.off_image().mean())
    right, down = np.median(x - width / 2), np.median(y - height / 2)
    where = f"({right:+.0f}, {down:+.0f}) pixels from the images' centres"
    if share < _MANY_OFF:
        far = abs(right) > _FAR * np.median(width) or abs(down) > _FAR * np.median(height)
        far &= len(x) >= _ENOUGH
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


def _from_one(points: Points) -> list[str]:
    """Recognises coordinates that count from 1: some on the image's size, none below 1."""
    x, y = points.x, points.y
    edge = (x == points.width) | (y == points.height)
    beyond = (x > points.width) | (y > points.height)
    if not edge.any() or beyond.any() or min(x.min(), y.min()) < 1:
        return []
    return [
        f"coordinates look as if they count from 1: {edge.sum()} are the image's width or height, "
        'and none is below 1. Add to recording.json: "coordinates": {"shift": [-1, -1]}'
    ]


def repeated(gaze: Mapping[str, fixation_table.Fixations], name: Callable[[int], str]) -> list[str]:
    """Looks for scanpaths that occur twice, with every coordinate and duration.

    Args:
        gaze: fixations by stem.
        name: what to call a viewer.

    Returns:
        A sentence if there are some.
    """
    seen: dict[bytes, str] = {}
    twice = []
    for stem, value in gaze.items():
        numbers = np.stack([value.x, value.y, value.duration_ms])
        for viewer in np.unique(value.viewer[value.viewer >= 0]):
            path = numbers[:, value.viewer == viewer]
            who = f"viewer {name(int(viewer))} on {stem}"
            if path.shape[1] >= _PATH and seen.setdefault(path.tobytes(), who) != who:
                twice.append(f"{who} equals {seen[path.tobytes()]}")
    if not twice:
        return []
    return [f"{len(twice)} scanpaths occur twice: {'; '.join(twice[:3])}. Remove the copies"]


def _viewers_apart(points: Points, name: Callable[[int], str]) -> list[str]:
    """Names viewers who look elsewhere than the others: a lost calibration."""
    names, counts = np.unique(points.viewer[points.viewer >= 0], return_counts=True)
    names = names[counts >= _ENOUGH]
    if len(names) < 3:
        return []
    chance = _CHANCE / (2 * len(names))
    texts = []
    for viewer in names:
        offset, t, freedom = _offset(points, viewer)
        if np.abs(offset).max() > _APART and np.abs(t).max() > stats.t.isf(chance / 2, freedom):
            dx, dy = offset
            texts.append(
                f"viewer {name(int(viewer))} looks {dx:+.0%} of the width and {dy:+.0%} of the "
                "height beside where the others look: a lost calibration? See the contact sheet"
            )
    return texts


def _offset(points: Points, viewer: int) -> tuple[np.ndarray, np.ndarray, int]:
    """How far a viewer's gaze is from that of the others on the same images, shares of these.

    Returns:
        The mean offset in x and y; that by its standard error; and degrees of freedom. Of one image
        fixations are the sample, of several the images are: fixations on one picture are alike.
    """
    place = np.stack([points.x / points.width, points.y / points.height])
    mine = points.viewer == viewer
    image = np.zeros(len(mine), int) if points.image is None else points.image
    groups = [
        (place[:, mine & (image == one)], place[:, ~mine & (image == one)])
        for one in np.unique(image[mine])
    ]
    groups = [(own, others) for own, others in groups if others.size]
    if len(groups) == 1:
        own, others = groups[0]
        sample = own - np.median(others, axis=1, keepdims=True)
    else:
        means = [own.mean(axis=1) - others.mean(axis=1) for own, others in groups]
        sample = np.array(means).reshape(-1, 2).T
    count = sample.shape[1]
    if count < 2:
        return np.zeros(2), np.zeros(2), 1
    error = sample.std(axis=1, ddof=1) / np.sqrt(count)
    middle = np.median(sample, axis=1)
    return middle, middle / np.maximum(error, 1e-9), count - 1


def _off(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    width: npt.NDArray[np.float64],
    height: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    return (x < 0) | (x >= width) | (y < 0) | (y >= height)
