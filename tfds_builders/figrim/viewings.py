"""FIGRIM's `allImages_*.mat`: a struct per image, in it a struct per person."""

import dataclasses
import os
import pathlib

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab, schema

_FIRST, *_REPEATS = ("enc", "rec", "rec2")


@dataclasses.dataclass(frozen=True)
class Viewings:
    """Gaze on one image.

    Attributes:
        file: name of the image file; the image lies in a folder named like the category.
        category: kind of scene, such as `airport_terminal`.
        x: column, 0-based, pixels, float64 [n]; person after person, in order of time.
        y: row, 0-based, pixels, float64 [n].
        viewer: place of the person in the file, int [n]; the same person in the whole file.
        repeated: fixations of the second and third viewing, which are left out.
    """

    file: str
    category: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]
    repeated: int

    @property
    def stem(self) -> str:
        """Name of the image without extension."""
        return pathlib.PurePosixPath(self.file).stem


def read_viewings(path: str | os.PathLike) -> list[Viewings]:
    """Reads the first viewing of every image by every person, when they did not know it yet.

    Args:
        path: `allImages_fillers.mat` or `allImages_release.mat`.

    Returns:
        One entry an image, in the file's order.

    Raises:
        ValueError: if the file is of another format or structure, or names an image twice.
    """
    images: dict[str, Viewings] = {}
    for index, struct in enumerate(matlab.read_variable(path, "allImages").ravel()):
        try:
            image = _read_image(struct)
        except (IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: image {index} must be a struct of `filename`, `category` and `userdata`, "
                f"each person with `trial` and `fixations` of enc, rec, rec2 ({error}). "
                "Fetch the file again"
            ) from error
        if image.stem in images:
            raise ValueError(
                f"{path}: image {image.stem} must occur once; image {index} repeats it. "
                "Fetch the file again"
            )
        images[image.stem] = image
    return list(images.values())


def _read_image(struct: np.void) -> Viewings:
    """Joins the people who saw one image."""
    first, viewer, repeated = [np.empty((0, 2))], [], 0
    for person, seen in enumerate(struct["userdata"].ravel()):
        if seen["trial"].size == 0:  # this person was never shown the image
            continue
        fixations = seen["fixations"].ravel()[0]
        points = matlab.rows(fixations[_FIRST], f"{_FIRST} of person {person}")
        first.append(points)
        viewer += [person] * len(points)
        repeated += sum(
            len(matlab.rows(fixations[name], f"{name} of person {person}")) for name in _REPEATS
        )
    x, y = schema.zero_based(np.concatenate(first)).T
    file, category = (str(struct[field].item()) for field in ("filename", "category"))
    return Viewings(file, category, x, y, np.array(viewer, np.int64), repeated)
