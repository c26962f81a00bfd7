"""SALICON's releases of 2015 and 2017: a MATLAB file per image, in it a struct per person."""

import os

import numpy as np
import numpy.typing as npt

from tfds_builders.common import matlab, schema


def read_fixations(
    path: str | os.PathLike,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Reads the fixations that the authors found in the mouse paths on one image.

    Args:
        path: a file such as `train/COCO_train2014_000000000009.mat`.

    Returns:
        Fixations as x and y, 0-based, pixels, float64 [n, 2], person after person; and the place
        of the person in the file, int64 [n].

    Raises:
        ValueError: if the file is of another format or structure.
    """
    points, viewer = [np.empty((0, 2))], []
    for person, gaze in enumerate(matlab.read_variable(path, "gaze").ravel()):
        try:
            points.append(matlab.rows(gaze["fixations"], f"fixations of person {person}"))
        except (IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: `gaze` must be a struct with `fixations` for each person ({error}); "
                "fetch it again"
            ) from error
        viewer += [person] * len(points[-1])
    return schema.zero_based(np.concatenate(points)), np.array(viewer, np.int64)
