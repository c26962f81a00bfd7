"""Images as a request holds them: encoded."""

import io
import os
import pathlib

import numpy as np
from PIL import Image as PillowImage

Image = str | os.PathLike | bytes | np.ndarray


def encode(image: Image, name: str) -> bytes:
    """Returns the content of an image file.

    Args:
        image: path of a file; its content; or RGB uint8 [h, w, 3], which is sent as PNG, without
            loss.
        name: how an error names it.

    Raises:
        ValueError: if an array is of another type or shape, or a file cannot be read.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | os.PathLike):
        try:
            return pathlib.Path(image).read_bytes()
        except (OSError, ValueError) as error:
            raise ValueError(f"image {name} cannot be read: {error}") from None
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise ValueError(
            f"image {name}: an array must be RGB uint8 [h, w, 3]; "
            f"got {image.dtype} {list(image.shape)}"
        )
    buffer = io.BytesIO()
    # The server unpacks it in the same building, mostly: less work before fewer bytes.
    PillowImage.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode(png: bytes, name: str) -> np.ndarray:
    """Returns an overlay as uint8 [h, w].

    Args:
        png: it, as the server sent it.
        name: how an error names its image.

    Raises:
        ConnectionError: if the server sent no overlay.
    """
    try:
        overlay = np.asarray(PillowImage.open(io.BytesIO(png), formats=["PNG"]))
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise ConnectionError(f"the overlay of image {name} is no PNG: {error}") from None
    if overlay.dtype != np.uint8 or overlay.ndim != 2:
        raise ConnectionError(f"the overlay of image {name} is no grey PNG of 8 bits")
    return overlay


def name(image: Image, number: int) -> str:
    """Returns how an error names one of several images."""
    return f"{os.fspath(image)!r}" if isinstance(image, str | os.PathLike) else f"number {number}"
