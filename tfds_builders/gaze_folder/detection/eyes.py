"""One or two recorded eyes become one gaze: what counts as lost, and how two are joined."""

import dataclasses

import numpy as np
import numpy.typing as npt

_LOST_PAIRS = ((0.0, 0.0), (-1.0, -1.0))
_LOST_NUMBER = -32768.0  # EyeLink's, in either coordinate
_BEYOND = 1e5  # pixels; EyeLink's other mark is 1e8
_ENOUGH = 10  # samples in which both eyes are seen, for their offset


@dataclasses.dataclass(frozen=True)
class Gaze:
    """The gaze of a person.

    Attributes:
        xy: pixels of the screen, NaN where no eye was seen, float64 [n, 2].
        notes: what was found out on the way, sentences.
    """

    xy: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def mark_lost(eyes: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Makes NaN of what trackers write for a lost eye.

    These are (0, 0), (-1, -1), -32768 in either coordinate, and what is 100,000 pixels away or
    more, such as 1e8. An eye of which one coordinate is lost is lost.

    Args:
        eyes: pixels of the screen, [n, e, 2].

    Returns:
        A copy, and a sentence for each mark that was found.
    """
    eyes = np.array(eyes, np.float64)
    x, y = eyes[..., 0], eyes[..., 1]
    with np.errstate(invalid="ignore"):
        may_be_marks = bool(((eyes <= 0) | (eyes >= _BEYOND)).any())
    if not may_be_marks:
        eyes[np.isnan(x) | np.isnan(y)] = np.nan
        return eyes, []
    marks = {f"at ({a:g}, {b:g})": (x == a) & (y == b) for a, b in _LOST_PAIRS}
    marks["of -32768"] = (x == _LOST_NUMBER) | (y == _LOST_NUMBER)
    with np.errstate(invalid="ignore"):
        far = (np.abs(x) >= _BEYOND) | (np.abs(y) >= _BEYOND)
    marks["100,000 pixels away or more"] = far & ~marks["of -32768"]
    notes = [f"{m.sum():,} samples {text} are lost" for text, m in marks.items() if m.any()]
    lost = np.isnan(x) | np.isnan(y)
    for mark in marks.values():
        lost |= mark
    eyes[lost] = np.nan
    return eyes, notes


def join(eyes: npt.NDArray[np.float64]) -> Gaze:
    """Makes one gaze of the recorded eyes.

    Each of two eyes is first moved by half of their median offset. So the gaze does not jump where
    one of them is lost; the other then stands alone.

    Args:
        eyes: pixels of the screen, [n, e, 2], e = 1 or 2; NaN and marks of trackers where lost.

    Returns:
        The gaze.

    Raises:
        ValueError: if there are neither one nor two eyes.
    """
    if eyes.ndim != 3 or eyes.shape[1] not in (1, 2) or eyes.shape[2] != 2:
        raise ValueError(f"samples must be of one or two eyes, [n, 1 or 2, 2]; got {eyes.shape}")
    eyes, notes = mark_lost(eyes)
    if eyes.shape[1] == 1:
        return Gaze(eyes[:, 0], tuple(notes))
    left, right = eyes[:, 0], eyes[:, 1]
    seen = ~np.isnan(left[:, 0]), ~np.isnan(right[:, 0])
    both = seen[0] & seen[1]
    counts = [int(eye.sum()) for eye in seen]
    # Of eyes that are not both seen at all, one is there, which needs no offset.
    if min(counts) and both.sum() < min(_ENOUGH, max(counts)):
        better = int(np.argmax(counts))
        notes.append(
            f"the eyes are seen together in {both.sum()} samples, too few for their offset: only "
            f"the {('left', 'right')[better]} one counts"
        )
        return Gaze(eyes[:, better], tuple(notes))
    offset = np.median(right[both] - left[both], axis=0) if both.any() else np.zeros(2)
    left, right = left + offset / 2, right - offset / 2
    alone = np.where(seen[0][:, np.newaxis], left, right)
    return Gaze(np.where(both[:, np.newaxis], (left + right) / 2, alone), tuple(notes))
