"""POET's `etData_<class>.mat`: a struct per image, in it a struct per viewer."""

import dataclasses
import os

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab


@dataclasses.dataclass(frozen=True)
class Entry:
    """Gaze on one image that shows one class.

    Attributes:
        voc_id: name of the image in PASCAL VOC, such as `2009_003033`.
        size: height and width of the image, pixels.
        x: column, 0-based, pixels, beside the image too, float64 [n]; viewer after viewer, in
            order of time.
        y: row, likewise, float64 [n].
        duration_ms: milliseconds, float64 [n].
        viewer: place of the viewer among those of this image, 0 to 4 in the public files, int [n].
    """

    voc_id: str
    size: tuple[int, int]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    duration_ms: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]


def read_entries(path: str | os.PathLike) -> list[Entry]:
    """Reads one of the ten files.

    The gaze is that of the right eye in coordinates of the image: the left eye has gaps, and the
    place of the image on the screen, which both could be had from, is wrong for cow and horse.

    Args:
        path: `etData_<class>.mat`.

    Returns:
        One entry an image, in the file's order.

    Raises:
        ValueError: if the file is of another format or structure, or names an image twice.
    """
    entries: dict[str, Entry] = {}
    for index, struct in enumerate(matlab.read_variable(path, "etData").ravel()):
        try:
            entry = _read_entry(struct)
        except (IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: entry {index} must be a struct of `filename`, `dimensions` and "
                f"`fixations`, each viewer with `imgCoord` of `fixR` of `pos` and `time` "
                f"({error}). Unpack the file again"
            ) from error
        if entry.voc_id in entries:
            raise ValueError(
                f"{path}: image {entry.voc_id} must occur once; entry {index} repeats it. "
                "Unpack the file again"
            )
        entries[entry.voc_id] = entry
    return list(entries.values())


def _read_entry(struct: np.void) -> Entry:
    """Joins the viewers of one image."""
    points, times, viewer = [np.empty((0, 2))], [np.empty((0, 2))], []
    for number, seen in enumerate(struct["fixations"].ravel()):
        right = seen["imgCoord"].ravel()[0]["fixR"].ravel()[0]
        points.append(matlab.rows(right["pos"], f"`pos` of viewer {number}"))
        times.append(matlab.rows(right["time"], f"`time` of viewer {number}"))
        if len(points[-1]) != len(times[-1]):
            raise ValueError(
                f"viewer {number} has {len(points[-1])} positions, {len(times[-1])} times"
            )
        viewer += [number] * len(points[-1])
    x, y = np.concatenate(points).T
    start, end = np.concatenate(times).T
    height, width, *_ = struct["dimensions"].ravel().tolist()
    voc_id = str(struct["filename"].item())
    return Entry(voc_id, (height, width), x, y, end - start, np.array(viewer, np.int64))
