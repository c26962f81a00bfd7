"""The pictures of an experiment: `<class>/<name>.jpg` in a folder, checked before a session."""

import dataclasses
import hashlib
import os
import pathlib
import re

from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png")
_FORMATS = ("JPEG", "MPO", "PNG")  # Pillow's names; MPO is a JPEG
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_ORIENTATION, _UPRIGHT = 0x0112, 1
# Folders of ImageNet and Stanford Dogs (n02085620-Chihuahua), of CUB-200-2011 (001.Albatross).
_NUMBERING = re.compile(r"^(n\d{8}-|\d{3}\.)")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture that can be shown.

    Attributes:
        stem: its name without extension, by which gaze is joined to it.
        class_name: name of its folder.
        file: name of the file.
        width: pixels.
        height: pixels.
        sha256: digest of the file.
    """

    stem: str
    class_name: str
    file: str
    width: int
    height: int
    sha256: str


def find_pictures(root: str | os.PathLike) -> dict[str, Picture]:
    """Finds the pictures and decodes each of them, so that none fails in a session.

    Args:
        root: a folder with a sub-folder for each class; `root/images` is taken if it is there.

    Returns:
        Pictures by stem, in the order of class and stem.

    Raises:
        FileNotFoundError: if the folder or pictures are absent.
        ValueError: if a picture cannot be shown as it is, two share a stem, one lies beside the
            classes, or a linked folder has no end. All unreadable ones are listed at once.
    """
    root = pathlib.Path(root)
    top = root / "images" if (root / "images").is_dir() else root
    if not top.is_dir():
        raise FileNotFoundError(f"{root} must be a folder with a sub-folder of pictures a class")
    found: dict[str, Picture] = {}
    wrong: list[str] = []
    for path in _files(top):
        folders = path.relative_to(top).parts[:-1]
        if any(part.startswith(".") for part in (*folders, path.name)):
            continue
        if len(folders) != 1:
            raise ValueError(f"picture {path} must lie in {top}/<class>/; move it")
        try:
            picture = _open(path, folders[0])
        except ValueError as error:
            wrong.append(str(error))
            continue
        if picture.stem in found:
            raise ValueError(
                "pictures must have different names, extensions aside; got "
                f"{found[picture.stem].class_name}/{found[picture.stem].file} and "
                f"{picture.class_name}/{picture.file}. Rename one"
            )
        found[picture.stem] = picture
    if wrong:
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise ValueError("; ".join(wrong[:5]) + more)
    if not found:
        raise FileNotFoundError(f"{top} must hold pictures ({', '.join(SUFFIXES)}) in classes")
    return found


def by_class(found: dict[str, Picture]) -> dict[str, list[str]]:
    """Groups stems by class.

    Args:
        found: pictures by stem.

    Returns:
        Sorted stems by class, in the order of the classes' names.
    """
    groups: dict[str, list[str]] = {}
    for stem in sorted(found):
        groups.setdefault(found[stem].class_name, []).append(stem)
    return dict(sorted(groups.items()))


def title(class_name: str) -> str:
    """Returns a class's name as people read it on the screen.

    Args:
        class_name: name of the folder, such as "n02085620-Chihuahua" or "tree_swallow".

    Returns:
        The name without numbering and underscores.
    """
    return _NUMBERING.sub("", class_name).replace("_", " ").strip() or class_name


def load(path: str | os.PathLike) -> Image.Image:
    """Decodes a picture.

    Args:
        path: the file.

    Returns:
        The picture, RGB.

    Raises:
        ValueError: if it does not decode.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"picture {path} does not decode ({error}); replace it") from error


def _files(top: pathlib.Path) -> list[pathlib.Path]:
    """Pictures by their names, in folders that are links as well, in a fixed order."""
    found = []
    for name, folders, names in os.walk(top, followlinks=True):
        here = pathlib.Path(name)
        folders[:] = [one for one in folders if not one.startswith(".")]
        above = (here, *here.parents)[: len(here.relative_to(top).parts) + 1]
        for link in (here / one for one in folders if (here / one).is_symlink()):
            if any(one.resolve().is_relative_to(link.resolve()) for one in above):
                raise ValueError(f"{link} leads back to a folder that it lies in; remove the link")
        found += [here / one for one in names]
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def _open(path: pathlib.Path, class_name: str) -> Picture:
    if not path.is_file():  # a named pipe would be waited for
        raise ValueError(f"picture {path} must be a regular file; remove it")
    decoded = load(path)
    with Image.open(path) as image:
        mode, orientation = image.mode, image.getexif().get(_ORIENTATION, _UPRIGHT)
        form = image.format
    if form not in _FORMATS:
        raise ValueError(f"picture {path} must be a JPEG or PNG file; it is {form}. Convert it")
    if mode not in _MODES:
        raise ValueError(f"picture {path} must be 8-bit grey or RGB; got mode {mode}. Convert it")
    if orientation != _UPRIGHT:
        raise ValueError(
            f"picture {path} is turned by its EXIF orientation {orientation}, which data sets "
            "ignore; save it upright"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Picture(path.stem, class_name, path.name, decoded.width, decoded.height, digest)
