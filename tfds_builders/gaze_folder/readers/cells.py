"""Cells of a text table: numbers, marks of a lost eye, names of images."""

import math
import pathlib

from tfds_builders.common import user_files
from tfds_builders.gaze_folder import images

LOST = ("", ".", "na", "nan", "-", "none", "null", "n/a")
"""What stands for a missing number, in lower case."""

_IMAGE_NAMES = (*images.SUFFIXES, ".bmp", ".gif", ".tif", ".tiff", ".webp")


def number(text: str, decimal_comma: bool = False) -> float:
    """Reads a number.

    Args:
        text: with a decimal point, or a mark of a lost eye.
        decimal_comma: whether the file writes commas in place of points.

    Returns:
        The number; NaN for a mark.

    Raises:
        ValueError: if it is neither, or not finite.
    """
    text = text.strip()
    if text.lower() in LOST:
        return math.nan
    try:
        value = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        raise ValueError(
            f"{text!r} must be a number with a decimal point, not a comma; export it so"
        ) from None
    if not math.isfinite(value):
        raise ValueError(f"numbers must be finite; got {text!r}. Remove the line")
    return value


def stem_of(name: str) -> str:
    """Removes folders, of Windows too, and the extension of an image from its name.

    Args:
        name: a path, or a name without extension.

    Returns:
        The stem by which gaze is joined to images, composed: see `user_files.composed`.
    """
    path = pathlib.PureWindowsPath(user_files.composed(name.strip().strip("\"'")))
    return path.stem if path.suffix.lower() in _IMAGE_NAMES else path.name


def stem_of_file(path: pathlib.Path) -> str:
    """Returns the image that an export is of where no column of it says so.

    Args:
        path: `<image>.<suffix>`, `..._on_surface_<image>.csv`, or `<image>/gaze.csv` and
            `<image>/fixations.csv` as Pupil Cloud names its files.

    Returns:
        The stem of the image.
    """
    name = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    if "_on_surface_" in name:
        return stem_of(name.split("_on_surface_", 1)[1])
    return stem_of(path.parent.name if is_named_by_folder(path) else name)


def is_named_by_folder(path: pathlib.Path) -> bool:
    """Whether an export has the same name for every image, as Pupil Cloud's have.

    Args:
        path: the file.

    Returns:
        True for `gaze.csv` and `fixations.csv`.
    """
    return path.name.lower() in ("fixations.csv", "gaze.csv")
