"""Files of maps, as programs write them: arrays, and pictures whose grey is the map."""

import pathlib
import tokenize
from typing import BinaryIO

import numpy as np
from PIL import Image

from salclass_tf import hdf5_maps
from salclass_tf.metrics import maps

#: endings of files that can be maps
SUFFIXES = (".npy", ".png", ".jpg", ".jpeg")

_GREY = ("L", "1", "I", "I;16", "F")
# JPEG stores colours apart from brightness, and rounds both: its grey may be off by a step or two.
_ROUNDING = 2

# What Pillow and NumPy raise for a file that is cut short, damaged, or something else.
_UNREADABLE = (
    AttributeError,
    EOFError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
    Image.DecompressionBombError,
)


def read(path: pathlib.Path) -> np.ndarray:
    """Reads the numbers of a map.

    Args:
        path: NPY [h, w] or [h, w, 1] of numbers; or PNG or JPEG, grey with 1, 8 or 16 bits, or
            RGB or with a palette if all that it shows is grey.

    Returns:
        float64 [h, w], as they are stored; -inf in log densities as -10,000.

    Raises:
        ValueError: if it is none, or holds NaN or nothing but 0; the message names the file.
    """
    return parse(path, path.suffix.lower(), str(path))


def parse(file: pathlib.Path | BinaryIO, ending: str, source: str) -> np.ndarray:
    """Reads the numbers of a map from a file, wherever it is kept; see `read`.

    Args:
        file: its path, or its content.
        ending: one of `SUFFIXES`.
        source: where it is, for messages.
    """
    try:
        values = np.load(file) if ending == ".npy" else _read_picture(file)
        if values.ndim == 3 and values.shape[-1] == 1:
            values = values[..., 0]
        values = maps.as_map(hdf5_maps.with_finite_logarithms(values))
    except _UNREADABLE as error:
        raise ValueError(f"{source}: {error}") from error
    if not values.any():
        raise ValueError(
            f"{source}: the map is 0 everywhere, so it says nothing of where people look: compute "
            "it again"
        )
    return values


def _read_picture(file: pathlib.Path | BinaryIO) -> np.ndarray:
    """The grey of a picture, [h, w]."""
    with Image.open(file) as image:
        if image.mode in _GREY:
            return np.asarray(image)
        pixels = np.asarray(image.convert("RGBA"), np.int64)
    colours, opacity = pixels[..., :3], pixels[..., 3]
    apart = int(np.ptp(colours, axis=-1).max())
    if apart > _ROUNDING:
        raise ValueError(
            f"a map must be grey; its red, green and blue differ by up to {apart}: write the map "
            "itself, not a picture of it in colours"
        )
    if (opacity < 255).any():
        raise ValueError("a map must be opaque; it has transparent pixels: write it without them")
    return np.rint(colours.mean(axis=-1))
