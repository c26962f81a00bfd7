"""SALICON's older JSON: mouse samples of each person on each image, in COCO's form."""

import array
import dataclasses
import json
import os
import pathlib

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab, schema
from tfds_builders.salicon.pieces import Pieces


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the annotations of one image stand in the file.

    Attributes:
        first: place of the first byte of each, int64 [n].
        end: place of the byte behind each, int64 [n].
    """

    first: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]


def find_annotations(path: str | os.PathLike) -> dict[str, Places]:
    """Reads the file once and notes where the annotations of each image stand.

    The whole file would take tens of gigabytes as Python objects; this keeps 16 bytes of each
    annotation.

    Args:
        path: a file such as `fixations_train2014.json`.

    Returns:
        Places by the stem of the image's file name, for all images of the file.

    Raises:
        ValueError: if the file is cut short, of another structure, or two images share a stem.
    """
    stems: dict[int, str] = {}
    places: dict[int, array.array] = {}
    try:
        with open(path, "rb") as file:
            pieces = Pieces(file)
            for key in pieces.items():
                if key == "annotations":
                    for annotation, first, end in pieces.elements():
                        spans = places.setdefault(annotation["image_id"], array.array("q"))
                        spans.extend((first, end))
                else:
                    value, _, _ = pieces.value()
                    if key == "images":
                        stems = {i["id"]: pathlib.PurePath(i["file_name"]).stem for i in value}
                        _check_unique(stems, len(value))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must be SALICON's JSON with `images` (id, file_name) and `annotations` "
            f"(image_id, worker_id, fixations) ({error!r}); fetch it again"
        ) from error
    if not stems or places.keys() - stems.keys():
        raise ValueError(f"{path}: `images` must name all images of `annotations`; fetch it again")
    return {
        stem: _as_places(places.get(image_id, array.array("q"))) for image_id, stem in stems.items()
    }


def read_annotations(
    path: str | os.PathLike, places: Places
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Reads the mouse samples on one image.

    Args:
        path: the file.
        places: where its annotations stand, from `find_annotations`.

    Returns:
        Samples as x and y, 0-based, pixels, float64 [n, 2], person after person; and the number
        that SALICON gives the person, int64 [n].

    Raises:
        ValueError: if an annotation is of another structure.
    """
    samples, viewer = [np.empty((0, 2))], []
    with open(path, "rb") as file:
        for first, end in zip(places.first.tolist(), places.end.tolist(), strict=True):
            file.seek(first)
            annotation = json.loads(file.read(end - first))
            try:
                person, yx = int(annotation["worker_id"]), np.asarray(annotation["fixations"])
                samples.append(matlab.rows(yx, "fixations"))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}: the annotation at byte {first} must have worker_id and fixations of "
                    f"[y, x] ({error}); fetch the file again"
                ) from error
            viewer += [person] * len(samples[-1])
    xy = schema.zero_based(np.concatenate(samples))[:, ::-1]
    return xy, np.array(viewer, np.int64)


def _check_unique(stems: dict[int, str], count: int) -> None:
    if len(stems) != count or len(set(stems.values())) != count:
        raise ValueError("two images share an id or the stem of their file names")


def _as_places(spans: array.array) -> Places:
    first, end = np.array(spans, np.int64).reshape(-1, 2).T
    return Places(first, end)
