"""The one shape in which every gaze set of this package stores its examples."""

import os

import numpy as np
import tensorflow_datasets as tfds


def gaze_features(
    label: tfds.features.ClassLabel | None = None,
) -> tfds.features.FeaturesDict:
    """Returns the features that all gaze sets share.

    `fixations` is a sequence: `x`, `y` are float32, 0-based, in pixels of the original image, with
    0 <= x < width and 0 <= y < height; `duration_ms` is float32, `viewer` int32; -1 where unknown.

    Args:
        label: class of the image, where the set has classes.

    Returns:
        `image` uint8 [h, w, 3], `image/id` text, `label` if given, `fixations`.
    """
    features = {
        "image": tfds.features.Image(shape=(None, None, 3)),
        "image/id": tfds.features.Text(),
        "fixations": tfds.features.Sequence(
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
        ValueError: if the arrays differ in length, or a number is not finite.
    """
    columns = {
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "duration_ms": np.asarray(duration_ms, np.float32),
        "viewer": np.asarray(viewer, np.int32),
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
