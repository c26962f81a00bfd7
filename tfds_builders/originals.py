"""The files that a set's authors published: finding, fetching and checking them."""

import os
from collections.abc import Sequence

import tensorflow_datasets as tfds
from absl import logging
from PIL import Image


def manual_copy(
    dl_manager: tfds.download.DownloadManager, needed: Sequence[str]
) -> tfds.core.Path | None:
    """Looks for an unpacked copy of the original files in `manual_dir`.

    Args:
        dl_manager: the download manager of the build.
        needed: paths in `manual_dir` that a copy has, all of them.

    Returns:
        `manual_dir`, or None if it holds nothing of the set: then it is to be downloaded.

    Raises:
        FileNotFoundError: if it holds a part of the set only, or if the user named a folder that
            does not exist or is empty.
    """
    try:
        root = dl_manager.manual_dir
    except AssertionError as error:  # what TFDS raises for a folder that is absent or empty
        default = dl_manager.download_dir / "manual"
        if f"{default} does not exist" in str(error):
            return None
        raise FileNotFoundError(str(error)) from error
    missing = [name for name in needed if not (root / name).exists()]
    if not missing:
        return root
    if len(missing) == len(needed):
        logging.warning("manual_dir %s has no %s: downloading", root, missing[0])
        return None
    raise FileNotFoundError(
        f"{root} holds only a part of the set; missing: {', '.join(missing)}. "
        "Add these, or remove the rest to download everything"
    )


def fetch(
    dl_manager: tfds.download.DownloadManager, urls: dict[str, str], remedy: str
) -> dict[str, tfds.core.Path]:
    """Downloads and unpacks `urls`; TFDS checks those that `checksums.tsv` lists.

    Args:
        dl_manager: the download manager of the build.
        urls: addresses by any key.
        remedy: what to do where the network is missing.

    Returns:
        Local file, or folder of an unpacked archive, by the same keys.

    Raises:
        ConnectionError: if an address does not answer.
    """
    try:
        return dl_manager.download_and_extract(urls)
    except (OSError, tfds.download.DownloadError) as error:  # requests' errors are OSErrors
        raise ConnectionError(
            f"cannot download {', '.join(urls.values())} ({error}). {remedy}"
        ) from error


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """Returns height and width of an image file after a check that all of it decodes.

    A JPEG is decoded at an eighth of its size: that reads every byte at half the cost.

    Args:
        path: a grey or RGB image file.

    Returns:
        Height and width, pixels.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if the file is no image, is cut short, or has other channels than grey or RGB.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            mode = image.mode
            image.draft(None, (max(width // 8, 1), max(height // 8, 1)))
            image.load()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"image {path} is missing; the set's lists name it. Unpack the set again"
        ) from None
    except (OSError, SyntaxError) as error:  # SyntaxError is Pillow's word for a broken PNG
        raise ValueError(f"image {path} does not decode ({error}); fetch it again") from error
    if mode not in ("RGB", "L"):
        raise ValueError(f"image {path} must be grey or RGB; got mode {mode}. Convert it")
    return height, width
