"""CUB-GHA's run files: a line per showing, `id,w,h` and then `x,y,milliseconds` again and again."""

import dataclasses
import os
from collections.abc import Container

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Recording:
    """Gaze of one showing of one image.

    Attributes:
        source: file and line, for messages.
        size: height and width of the image as the line gives them, pixels.
        triples: x, y (0-based pixels of the image) and milliseconds, int64 [n, 3], n may be 0.
        carried_over: fixations that were left out since they began on the picture before, 0 or 1.
    """

    source: str
    size: tuple[int, int]
    triples: npt.NDArray[np.int64]
    carried_over: int


def read_run(path: str | os.PathLike, image_ids: Container[int]) -> dict[int, list[Recording]]:
    """Reads one run file, without the fixations that were carried over from the picture before.

    In runs 2 to 5 two thirds of the lines begin with the duration that the line before ends with:
    the gaze that still rested from the previous picture, in the place where that picture had it.

    Args:
        path: `Fixation_run<n>.txt`.
        image_ids: the images to keep. Lines of others count as the picture before, nothing else.

    Returns:
        Recordings by image id, in the file's order; an id may have several.

    Raises:
        ValueError: if a line is malformed.
    """
    recordings: dict[int, list[Recording]] = {}
    previous_duration = None
    # A byte outside ASCII becomes a replacement character, which the parser refuses by line number.
    with open(path, encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            source = f"{path}, line {number}"
            (image_id, width, height), triples = _parse(line, source)
            carried_over = int(triples[0, 2] == previous_duration)
            previous_duration = triples[-1, 2]
            if image_id in image_ids:
                recording = Recording(source, (height, width), triples[carried_over:], carried_over)
                recordings.setdefault(image_id, []).append(recording)
    return recordings


def _parse(line: str, source: str) -> tuple[tuple[int, int, int], npt.NDArray[np.int64]]:
    """Splits a line into (id, width, height) and its triples [n, 3], n at least 1."""
    try:
        numbers = [int(field) for field in line.split(",")]
    except ValueError as error:
        raise ValueError(
            f"{source} must hold integers between commas ({error}); fetch it again"
        ) from error
    if len(numbers) < 6 or len(numbers) % 3:
        raise ValueError(
            f"{source} must be id,width,height and then x,y,milliseconds once or more; "
            f"got {len(numbers)} numbers. Fetch the file again"
        )
    return tuple(numbers[:3]), np.array(numbers[3:], np.int64).reshape(-1, 3)
