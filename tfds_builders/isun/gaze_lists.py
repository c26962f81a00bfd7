"""iSUN's lists, such as `training.mat`: a struct per image, in it a struct per person."""

import dataclasses
import os

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab


@dataclasses.dataclass(frozen=True)
class Listed:
    """One image of a list.

    Attributes:
        stem: name of the image without `.jpg`.
        xy: fixations as x and y, pixels, as the file has them, float64 [n, 2], person after person;
            None where the list has no gaze.
        viewer: place of the person in the image's struct, int [n]; None likewise.
    """

    stem: str
    xy: npt.NDArray[np.float64] | None = None
    viewer: npt.NDArray[np.int64] | None = None


def read_list(path: str | os.PathLike, name: str, *, with_gaze: bool) -> list[Listed]:
    """Reads one list.

    Args:
        path: `training.mat`, `validation.mat` or `testing.mat`; a download may be called otherwise.
        name: the variable: the published file's name without `.mat`.
        with_gaze: whether the list must hold gaze; that of the test images does not.

    Returns:
        Images in the file's order.

    Raises:
        ValueError: if the file is of another format or structure, or names an image twice.
    """
    images: dict[str, Listed] = {}
    for index, struct in enumerate(matlab.read_variable(path, name).ravel()):
        try:
            stem = str(struct["image"].item())
            listed = _with_gaze(stem, struct["gaze"]) if with_gaze else Listed(stem)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: entry {index} must be a struct of `image` and, but for the test images, "
                f"`gaze` with `fixation` for each person ({error}); fetch it again"
            ) from error
        if stem in images:
            raise ValueError(
                f"{path}: image {stem} must occur once; entry {index} repeats it. "
                "Fetch the file again"
            )
        images[stem] = listed
    return list(images.values())


def _with_gaze(stem: str, people: np.ndarray) -> Listed:
    """Joins the people who saw one image."""
    points, viewer = [np.empty((0, 2))], []
    for person, gaze in enumerate(people.ravel()):
        points.append(matlab.rows(gaze["fixation"], f"fixation of person {person}"))
        viewer += [person] * len(points[-1])
    return Listed(stem, np.concatenate(points), np.array(viewer, np.int64))
