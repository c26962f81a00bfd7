"""The one shape in which every gaze set of this package stores its examples."""

import os

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import tfds_internals


def gaze_features(
    label: tfds.features.ClassLabel | None = None, *, heatmap: bool = False
) -> tfds.features.FeaturesDict:
    """Returns the features that all gaze sets share.

    `fixations` is a sequence: `x`, `y` are float32, 0-based, in pixels of the original image, with
    0 <= x < width and 0 <= y < height; `duration_ms` is float32, `viewer` int32; -1 where unknown.
    A set that ships maps and no points has empty `fixations` and a `heatmap`.

    Args:
        label: class of the image, where the set has classes.
        heatmap: whether the set ships maps instead of points.

    Returns:
        `image` uint8 [h, w, 3], `image/id` text, `label` if given, `fixations`, and `heatmap` uint8
        [h, w, 1] if asked for: 0 where nobody looked, larger where more did.
    """
    features = {
        "image": tfds.features.Image(shape=(None, None, 3)),
        "image/id": tfds.features.Text(),
        "fixations": tfds_internals.columns(
            {
                "x": np.float32,
                "y": np.float32,
                "duration_ms": np.float32,
                "viewer": np.int32,
            }
        ),
    }
    if label is not None:
        features["label"] = label
    if heatmap:
        features["heatmap"] = tfds.features.Image(shape=(None, None, 1))
    return tfds.features.FeaturesDict(features)


def fixation_rows(
    x: np.ndarray,
    y: np.ndarray,
    duration_ms: np.ndarray,
    viewer: np.ndarray,
    *,
    size: tuple[int, int],
    source: str | os.PathLike,
) -> tuple[dict[str, np.ndarray], int]:
    """Packs fixations for the schema and drops those beside the image.

    Args:
        x: column of each fixation, 0-based, pixels, [n].
        y: row of each fixation, 0-based, pixels, [n].
        duration_ms: milliseconds, -1 where unknown, [n].
        viewer: index of the person or the recording, -1 where unknown, [n].
        size: height and width of the image, pixels.
        source: file that the numbers come from, for the error message.

    Returns:
        The value of the `fixations` feature, and how many points lay outside [0, w) x [0, h).

    Raises:
        ValueError: if the arrays differ in length, a number is not finite, or a viewer's number is
            too large to be stored.
    """
    columns = {
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "duration_ms": np.asarray(duration_ms, np.float32),
        "viewer": _int32(viewer, source),
    }
    lengths = {name: column.shape for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or columns["x"].ndim != 1:
        raise ValueError(f"{source}: fixation columns must share one length; got {lengths}")
    for name in ("x", "y", "duration_ms"):
        if not np.isfinite(columns[name]).all():
            row = int(np.flatnonzero(~np.isfinite(columns[name]))[0])
            raise ValueError(
                f"{source}: `{name}` must be finite; fixation {row} has {columns[name][row]}. "
                "Remove or repair it in the file"
            )
    height, width = size
    inside = (columns["x"] >= 0) & (columns["x"] < width)
    inside &= (columns["y"] >= 0) & (columns["y"] < height)
    kept = {name: column[inside] for name, column in columns.items()}
    return kept, int(np.size(inside) - np.count_nonzero(inside))


def _int32(viewer: np.ndarray, source: str | os.PathLike) -> np.ndarray:
    """Casts numbers of viewers, which NumPy would change without a word where they do not fit."""
    cast = np.asarray(viewer, np.int32)
    if not np.array_equal(cast, viewer):
        raise ValueError(
            f"{source}: viewers must be whole numbers below 2**31; got up to {np.max(viewer)}. "
            "Number the people again"
        )
    return cast


def no_fixations() -> dict[str, np.ndarray]:
    """Returns the value of `fixations` for an image whose gaze is not public."""
    return fixation_rows([], [], [], [], size=(0, 0), source="")[0]


def tally(fixations: dict[str, np.ndarray], dropped: int) -> dict[str, int]:
    """Counts one image's fixations for the metadata of its set.

    Args:
        fixations: the kept ones, as `fixation_rows` returns them.
        dropped: how many lay beside the image.

    Returns:
        What to add to the counts of `NOTHING_COUNTED`.
    """
    kept = len(fixations["x"])
    return {
        "fixations": kept,
        "dropped_off_image": dropped,
        "images_without_fixations": int(kept == 0),
    }


NOTHING_COUNTED = dict.fromkeys(tally({"x": ()}, 0), 0)
"""Counts of a set before its first image."""


def zero_based(position: np.ndarray) -> np.ndarray:
    """Moves positions that count from 1, as MATLAB does, to the schema's.

    MATLAB's pixel 1 reaches from 0.5 to 1.5, so that 0.5 is still on the image.

    Args:
        position: columns or rows, 1-based, any shape.

    Returns:
        0-based positions, float64, same shape; those in [-0.5, 0) become 0.
    """
    shifted = np.asarray(position, np.float64) - 1
    return np.where((shifted >= -0.5) & (shifted < 0), 0, shifted)
