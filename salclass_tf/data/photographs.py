"""Images as people have them: files and arrays of any size, as a network's crops."""

import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry

# What people call an image, decodable or not: a folder's WebP files are to be listed as skipped,
# its text files are not.
SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)


def are_photographs(images: Any, image_size: int | None) -> bool:
    """Whether images are to be prepared, not the batches that Keras takes as they are.

    Args:
        images: what `predict` was given.
        image_size: side of the network's images, None for any.

    Returns:
        True for a path, a list or tuple, one image [h, w, 3], and a batch of another size
        than the network's; False for a batch [b, s, s, 3] and for data sets, dicts and generators.
    """
    if isinstance(images, str | os.PathLike | list | tuple):
        return True
    shape = getattr(images, "shape", None)
    if shape is None:
        return False
    if len(shape) == 4:
        return image_size is not None and tuple(shape[1:3]) != (image_size, image_size)
    return True


def central_views(images: Any, geometry: Geometry) -> np.ndarray:
    """Prepares images as evaluation and serving do: scaled to a short side, the centre cut out.

    Args:
        images: a path, or RGB [h, w, 3]; or a list, an array or a batch of those, mixed as they
            come. uint8, or floats and integers in [0, 255], which are rounded to bytes.
        geometry: crop and resize sizes.

    Returns:
        uint8 [n, image_size, image_size, 3].

    Raises:
        ValueError: for what is no such image; the message names which and why.
    """
    views = [cropping.central_view(image, geometry).numpy() for image in _each(images)]
    if not views:
        raise ValueError("no images; pass a path, an array [h, w, 3], or a list of them")
    return np.stack(views)


def _each(images: Any) -> Iterator[tf.Tensor | np.ndarray]:
    """Encoded strings [] and uint8 [h, w, 3], one for each image."""
    for place, image in enumerate(_listed(images)):
        if isinstance(image, str | os.PathLike):
            yield _read(pathlib.Path(image))
        else:
            yield _pixels(np.asarray(image), f"image {place}")


def _listed(images: Any) -> Iterable:
    """The images one by one."""
    if isinstance(images, str | os.PathLike):
        return [images]
    if isinstance(images, list | tuple):
        return images
    images = np.asarray(images)
    return [images] if images.ndim in (2, 3) else np.atleast_1d(images)


def _read(path: pathlib.Path) -> tf.Tensor:
    """The decoded file, uint8 [h, w, 3]."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; list its images: sorted(Path(...).glob('*.jpg'))")
    try:
        encoded = path.read_bytes()
        return tf.io.decode_image(encoded, channels=3, expand_animations=False)
    except OSError as error:
        raise ValueError(f"cannot read image {path}: {error.strerror}") from None
    except tf.errors.InvalidArgumentError:
        raise ValueError(
            f"cannot decode image {path}: it must be a whole JPEG, PNG, GIF or BMP file"
        ) from None


def _pixels(image: np.ndarray, name: str) -> np.ndarray:
    """An array as uint8 [h, w, 3]."""
    if image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        raise ValueError(f"{name} must be RGB [h, w, 3]; got shape {list(image.shape)}")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be uint8 or float; got {image.dtype}")
    values = image.astype(np.float64)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):
        raise ValueError(f"{name} must have values in [0, 255]; got {low:g} to {high:g}")
    if high <= 1 and not np.array_equal(values, np.rint(values)):
        raise ValueError(f"{name} must have values in [0, 255]; its own end at {high:g}: times 255")
    return np.rint(values).astype(np.uint8)
