"""The images of a folder, and the heat maps beside them."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Mapping

from PIL import Image

from tfds_builders.common import user_files

SUFFIXES = (".jpg", ".jpeg", ".png")
HEATMAPS, SAMPLES = "heatmaps", "samples"
SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}

_FOREIGN = (".bmp", ".gif", ".heic", ".tif", ".tiff", ".webp")
_HEATMAP = "_heatmap"
_ORIENTATION = 0x0112  # of EXIF; 1 is upright


@dataclasses.dataclass(frozen=True)
class StudyImage:
    """An image file of the folder.

    Attributes:
        path: the file.
        class_name: name of its folder, empty where there are no classes.
        split: "train", "validation" or "test" where the folders say so, otherwise empty.
    """

    path: pathlib.Path
    class_name: str
    split: str


class Sizes(Mapping):
    """Height and width of images by stem; a file is looked at when it is asked for."""

    def __init__(self, found: Mapping[str, StudyImage]) -> None:
        """Looks at nothing yet.

        Args:
            found: images by stem.
        """
        self._found = found
        self._known: dict[str, tuple[int, int]] = {}

    def __getitem__(self, stem: str) -> tuple[int, int]:
        """Returns height and width of an image, pixels."""
        if stem not in self._known:
            self._known[stem] = size_of(self._found[stem].path)
        return self._known[stem]

    def __contains__(self, stem: object) -> bool:
        """Says whether there is an image of this name."""
        return stem in self._found

    def __iter__(self) -> Iterator[str]:
        """Returns the stems."""
        return iter(self._found)

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self._found)


def size_of(path: pathlib.Path) -> tuple[int, int]:
    """Reads the size of an image from its first bytes.

    Args:
        path: the file.

    Returns:
        Height and width, pixels.

    Raises:
        ValueError: if it does not decode.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError) as error:
        raise ValueError(f"image {path} does not decode ({error}); replace it") from error


def find_images(root: pathlib.Path) -> dict[str, StudyImage]:
    """Finds the images: `[images/][train|val|test/][class/]name.jpg`, or `.jpeg` or `.png`.

    A single class is none: all images lie in one folder then, whatever its name.

    Args:
        root: the folder.

    Returns:
        Images by stem, in the stems' order.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if two share a stem, since gaze is joined to images by it; if one lies deeper,
            or only some lie in folders of classes or splits; if a file is in another format, or its
            EXIF orientation has viewers see it turned or mirrored; if it is no regular file, or a
            linked folder has no end.
    """
    top = root / "images" if (root / "images").is_dir() else root
    found: dict[str, StudyImage] = {}
    for path in _pictures(top):
        if top == root and path.relative_to(root).parts[0] in (HEATMAPS, SAMPLES):
            continue
        if path.stem.endswith(_HEATMAP):
            continue
        if path.suffix.lower() in _FOREIGN:
            raise ValueError(f"image {path} must be a JPEG or PNG file; convert or remove it")
        _add(found, path, _place(top, path))
    if not found:
        raise FileNotFoundError(f"{top} must hold images (.jpg, .jpeg, .png); found none")
    _check_uniform(top, found)
    _check_upright(image.path for image in found.values())
    if len({image.class_name for image in found.values()}) == 1:
        found = {s: dataclasses.replace(image, class_name="") for s, image in found.items()}
    return dict(sorted(found.items()))


def find_heatmaps(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """Finds heat maps: `<stem>_heatmap.png` beside the images, or `heatmaps/[folder/]<stem>.png`.

    Args:
        root: the folder.

    Returns:
        Files by the stem of their image, in the stems' order.

    Raises:
        ValueError: if there are two for one image, or one is in another format.
    """
    found: dict[str, StudyImage] = {}
    for path in _pictures(root):
        if path.relative_to(root).parts[0] != HEATMAPS and not path.stem.endswith(_HEATMAP):
            continue
        if path.suffix.lower() in _FOREIGN:
            raise ValueError(f"heat map {path} must be a JPEG or PNG file; convert it")
        _add(found, path, StudyImage(path, "", ""))
    return dict(sorted((stem, image.path) for stem, image in found.items()))


def _pictures(top: pathlib.Path) -> Iterator[pathlib.Path]:
    """Image files below a folder in a fixed order, without litter of file managers."""
    for folder, folders, names in user_files.walk(top):
        folders[:] = sorted(n for n in folders if not n.startswith((".", "__MACOSX")))
        for name in sorted(names):
            path = folder / name
            if path.suffix.lower() in SUFFIXES + _FOREIGN and not name.startswith("."):
                user_files.check_regular(path)
                yield path


def _add(found: dict[str, StudyImage], path: pathlib.Path, image: StudyImage) -> None:
    """Adds a file under its stem."""
    stem = user_files.composed(path.stem).removesuffix(_HEATMAP)
    if stem in found:
        raise ValueError(
            "files must have different names, extensions aside; got "
            f"{found[stem].path} and {path}. Rename one, in the gaze as well"
        )
    found[stem] = image


def _place(top: pathlib.Path, path: pathlib.Path) -> StudyImage:
    """Reads class and split off the folders of an image."""
    folders = path.relative_to(top).parts[:-1]
    split = SPLITS.get(folders[0].lower(), "") if folders else ""
    classes = folders[1:] if split else folders
    if len(classes) > 1:
        raise ValueError(
            f"image {path} must lie at most in [train|val|test/][class/] of {top}; got "
            f"{'/'.join(folders)}/. Move it up"
        )
    class_name = user_files.composed("".join(classes))
    # Lists of classes have a line for each, whose ends are stripped when it is read.
    if class_name and class_name.splitlines() != [class_name.strip()]:
        raise ValueError(
            f"a class must have a name without line breaks and without spaces at its ends; got "
            f"{class_name!r} of {top}. Rename the folder"
        )
    return StudyImage(path, class_name, split)


def _check_uniform(top: pathlib.Path, images: dict[str, StudyImage]) -> None:
    """Checks that either all images or none have a class, and a split."""
    for what, field in (("class", "class_name"), ("split", "split")):
        bare = [image.path for image in images.values() if not getattr(image, field)]
        if 0 < len(bare) < len(images):
            raise ValueError(
                f"{top}: all images must lie in a folder of their {what}, or none; "
                f"{len(bare)} of {len(images)} do not, first {bare[0]}. Move them"
            )


def _check_upright(paths: Iterable[pathlib.Path]) -> None:
    """Checks that no image is shown otherwise than its pixels are stored."""
    turned = [path for path in paths if _orientation(path) != 1]
    if turned:
        raise ValueError(
            f"{len(turned)} images have an EXIF orientation, so that viewers see them turned or "
            f"mirrored and networks do not, first {turned[0]}. Turn their pixels, as by "
            "ImageMagick's `mogrify -auto-orient`; gaze is that on the picture as it was seen"
        )


def _orientation(path: pathlib.Path) -> int:
    """EXIF orientation of an image; 1 without one, and for a file that does not decode."""
    try:
        with Image.open(path) as image:
            if "exif" not in image.info:  # asking a PNG file further would decode all of it
                return 1
            return image.getexif().get(_ORIENTATION, 1) or 1
    except (OSError, SyntaxError):
        return 1  # the build names it
