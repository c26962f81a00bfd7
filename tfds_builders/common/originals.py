"""The files that a set's authors published: finding, fetching and checking them."""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

import tensorflow_datasets as tfds
from absl import logging
from PIL import Image

from tfds_builders.common import tfds_internals, user_files

_DECODED = ("BMP", "JPEG", "MPO", "PNG")  # Pillow's names of what TensorFlow decodes; MPO is a JPEG


@dataclasses.dataclass(frozen=True)
class Published:
    """A file that the authors of a set offer.

    Attributes:
        url: its address.
        md5: MD5 in hexadecimal digits; None where no source states one.
        inside: path of the wanted file or folder in a zip archive, "" for all that it holds; None
            if it is no archive.
    """

    url: str
    md5: str | None = None
    inside: str | None = None


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
        logging.warning("manual_dir %s has no %s", root, missing[0])
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
        ValueError: if a download has another checksum than the listed one, or does not unpack.
    """
    with _errors_with_remedies(", ".join(urls.values()), remedy):
        return dl_manager.download_and_extract(urls)


def obtain(
    dl_manager: tfds.download.DownloadManager, name: str, published: Published, instructions: str
) -> tfds.core.Path:
    """Finds one file or folder of a set in `manual_dir`, or else downloads and verifies it.

    Args:
        dl_manager: the download manager of the build.
        name: its path in `manual_dir`.
        published: where it is published.
        instructions: the set's instructions for `manual_dir`, for the error message.

    Returns:
        The file or folder.

    Raises:
        ConnectionError: if the address does not answer.
        ValueError: if the download has another checksum than the published one, or does not unpack.
    """
    root = manual_copy(dl_manager, [name])
    if root is not None:
        return root / name
    remedy = f"Without network: put {name} into manual_dir. {instructions}"
    with _errors_with_remedies(published.url, remedy):
        path = dl_manager.download(published.url)
    _check_md5(path, published)
    if published.inside is None:
        return path
    archive = tfds.download.Resource(path=path, extract_method=tfds.download.ExtractMethod.ZIP)
    with _errors_with_remedies(published.url, remedy):
        return dl_manager.extract(archive) / published.inside


@contextlib.contextmanager
def _errors_with_remedies(address: str, remedy: str) -> Iterator[None]:
    """Turns TFDS's errors into those that say what to do."""
    try:
        yield
    except (OSError, tfds.download.DownloadError) as error:  # requests' errors are OSErrors
        raise ConnectionError(f"cannot download {address} ({error}). {remedy}") from error
    except tfds_internals.ChecksumError as error:
        raise ValueError(
            f"{address} must have the checksum that is listed ({error}). Repeat the download; if "
            f"that does not help, what is published there has changed. {remedy}"
        ) from error
    except tfds_internals.ExtractError as error:
        raise ValueError(
            f"the download of {address} must be a whole archive ({error}). Delete it and repeat "
            f"the download. {remedy}"
        ) from error


def _check_md5(path: tfds.core.Path, published: Published) -> None:
    """Compares a download with the MD5 that a source states; TFDS itself knows SHA-256 only."""
    if published.md5 is None:
        return
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    if digest != published.md5:
        raise ValueError(
            f"{path} (from {published.url}) must have the MD5 {published.md5}; got {digest}. "
            "Delete it and repeat the download, or fetch it with a browser"
        )


def by_stem(
    paths: Iterable[tfds.core.Path], source: str | os.PathLike
) -> dict[str, tfds.core.Path]:
    """Sorts files by their name without extension; hidden ones are left out.

    Args:
        paths: the files.
        source: where they lie, for the error message.

    Returns:
        Files by stem, in the stems' order.

    Raises:
        FileNotFoundError: if there are none.
        ValueError: if two share a stem, since gaze is joined to images by it.
    """
    found: dict[str, tfds.core.Path] = {}
    for path in sorted(paths):
        if path.name.startswith("."):  # litter of file managers
            continue
        stem = user_files.composed(path.stem)
        if stem in found:
            raise ValueError(
                f"{source}: two files share the name {stem}: {found[stem]} and {path}. Remove one"
            )
        found[stem] = path
    if not found:
        raise FileNotFoundError(f"{source} holds no file of the set. Unpack the set again")
    return dict(sorted(found.items()))


def check_partners(images: Iterable[str], gaze: Iterable[str], source: str | os.PathLike) -> None:
    """Checks that every image has its gaze, and the other way round.

    Args:
        images: names of the images.
        gaze: names of the images that gaze was recorded on.
        source: where both lie, for the error message.

    Raises:
        ValueError: if a name stands on one side only.
    """
    images, gaze = set(images), set(gaze)
    for lacking, names in (("gaze", images - gaze), ("an image", gaze - images)):
        if names:
            first = ", ".join(sorted(names)[:5])
            raise ValueError(
                f"{source}: {len(names)} names have no partner: without {lacking}: {first}. "
                "Add what is missing, or remove both of the pair"
            )


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """Returns height and width of an image file after a check that all of it decodes.

    A JPEG is decoded at an eighth of its size: that reads every byte at half the cost.

    Args:
        path: a grey or RGB image file.

    Returns:
        Height and width, pixels.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if the file is no image, is cut short, has other channels than grey or RGB, or
            is in a format, whatever its name, that TensorFlow does not decode.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            mode, form = image.mode, image.format
            image.draft(None, (max(width // 8, 1), max(height // 8, 1)))
            image.load()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"image {path} is missing; the set's lists name it. Unpack the set again"
        ) from None
    except (OSError, SyntaxError) as error:  # SyntaxError is Pillow's word for a broken PNG
        raise ValueError(f"image {path} does not decode ({error}); fetch it again") from error
    if form not in _DECODED:
        raise ValueError(
            f"image {path} must be a JPEG or PNG file, not by its name alone; it is {form}. "
            "Convert it"
        )
    if mode not in ("RGB", "L"):
        raise ValueError(f"image {path} must be grey or RGB; got mode {mode}. Convert it")
    return height, width
