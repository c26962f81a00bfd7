"""Mistakes that a computer can suspect in fixations: wrong axes, wrong origin, wrong scale."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import firsts, overview, spool
from tfds_builders.gaze_folder.overview import Overview
from tfds_builders.gaze_folder.viewers import Viewer

_MANY_OFF = 0.05  # of all fixations; trackers lose some beside the edges
_FAR = 0.15  # of the image's size, from its centre; people look at the centre of pictures
_APART = 0.1  # of the image's size, between one viewer and the others
_ENOUGH = 20  # fixations whose middle tells something
_CHANCE = 0.01  # of a false alarm, all viewers together
_PATH = 3  # fixations that are the same by no chance


def suspect(
    seen: Overview, viewers: Sequence[Viewer], name: Callable[[int], str] = str
) -> list[str]:
    """Looks for mistakes.

    Args:
        seen: all fixations at a glance.
        viewers: each viewer's.
        name: what to call a viewer.

    Returns:
        A sentence for each suspicion, with the numbers behind it and what to do.
    """
    if not seen.placed:
        return []
    if seen.highest <= 1:
        return ["all coordinates are at most 1: shares of the image? Multiply them by its size"]
    # Where all coordinates are wrong, the viewers' offsets say nothing.
    return _off_image(seen) or _from_one(seen) or _viewers_apart(viewers, name)


def _off_image(seen: Overview) -> list[str]:
    """Explains points beside the images, or a centre far from theirs."""
    x, y, width, height = seen.x, seen.y, seen.width, seen.height
    share = seen.off / seen.placed
    right, down = np.median(x - width / 2), np.median(y - height / 2)
    where = f"({right:+.0f}, {down:+.0f}) pixels from the images' centres"
    if share < _MANY_OFF:
        far = abs(right) > _FAR * np.median(width) or abs(down) > _FAR * np.median(height)
        far &= seen.placed >= _ENOUGH
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
    left = {text: overview.beside(*xy, width, height).mean() for text, xy in remedies.items()}
    best = min(left, key=left.get)
    head = f"{share:.1%} of all fixations lie beside their image"
    if left[best] > share / 4:
        return [f"{head}; see the contact sheet"]
    return [f"{head}; {best} (then {left[best]:.1%} would)"]


def _from_one(seen: Overview) -> list[str]:
    """Recognises coordinates that count from 1: some on the image's size, none below 1."""
    if not seen.edge or seen.beyond or seen.lowest < 1:
        return []
    return [
        f"coordinates look as if they count from 1: {seen.edge} are the image's width or height, "
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
    seen, twice = firsts.Firsts(spool.Spool(), "scanpaths"), []
    for stem, value in gaze.items():
        numbers = np.stack([value.x, value.y, value.duration_ms])
        for viewer in np.unique(value.viewer[value.viewer >= 0]):
            path = numbers[:, value.viewer == viewer]
            who = f"viewer {name(int(viewer))} on {stem}"
            if path.shape[1] >= _PATH and (before := seen.seen(who, path)):
                twice.append(f"{who} equals {before}")
    if not twice:
        return []
    return [f"{len(twice)} scanpaths occur twice: {'; '.join(twice[:3])}. Remove the copies"]


def _viewers_apart(viewers: Sequence[Viewer], name: Callable[[int], str]) -> list[str]:
    """Names viewers who look elsewhere than the others: a lost calibration."""
    known = [one for one in viewers if one.offset]
    if len(known) < 3:
        return []
    chance = _CHANCE / (2 * len(known))
    return [
        f"viewer {name(one.number)} looks {one.offset.across:+.0%} of the width and "
        f"{one.offset.down:+.0%} of the height beside where the others look: a lost calibration? "
        "See the contact sheet"
        for one in known
        if max(abs(one.offset.across), abs(one.offset.down)) > _APART
        and one.offset.t > stats.t.isf(chance / 2, one.offset.freedom)
    ]
