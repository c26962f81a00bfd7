"""Images as a request holds them: encoded."""

import io
import os
import pathlib

import numpy as np
from PIL import Image as PillowImage

Image = str | os.PathLike | bytes | np.ndarray


def encode(image: Image) -> bytes:
    """Returns the content of an image file.

    Args:
        image: path of a file; its content; or RGB uint8 [h, w, 3], which is sent as PNG, without
            loss.

    Raises:
        ValueError: if an array is of another type or shape.
        OSError: if a file cannot be read.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | os.PathLike):
        return pathlib.Path(image).read_bytes()
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise ValueError(
            f"an array must be RGB uint8 [h, w, 3]; got {image.dtype} {list(image.shape)}"
        )
    buffer = io.BytesIO()
    # The server unpacks it in the same building, mostly: less work before fewer bytes.
    PillowImage.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode(png: bytes) -> np.ndarray:
    """Returns an overlay as uint8 [h, w]."""
    return np.asarray(PillowImage.open(io.BytesIO(png)))


def name(image: Image, number: int) -> str:
    """Returns how an error names one of several images."""
    return f"{os.fspath(image)!r}" if isinstance(image, str | os.PathLike) else f"number {number}"
