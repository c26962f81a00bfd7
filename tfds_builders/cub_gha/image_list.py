"""CUB-200-2011's text files: which images there are, their classes and their splits."""

import dataclasses

import tensorflow_datasets as tfds


@dataclasses.dataclass(frozen=True)
class Listed:
    """One image of CUB-200-2011.

    Attributes:
        path: the image file.
        class_name: folder name of the class, such as `009.Brewer_Blackbird`.
        split: `train` or `test`, as the authors of CUB divide it.
    """

    path: tfds.core.Path
    class_name: str
    split: str


def read_images(root: tfds.core.Path) -> dict[int, Listed]:
    """Reads the lists of a CUB-200-2011 folder, the whole one or one cut to some classes.

    Args:
        root: the folder with `images.txt` and the other lists.

    Returns:
        Images by CUB's id.

    Raises:
        ValueError: if a list is malformed, or lacks an image or a class that another one names.
    """
    files = _read_list(root / "images.txt")
    class_ids = _read_list(root / "image_class_labels.txt")
    class_names = _read_list(root / "classes.txt")
    in_train = _read_list(root / "train_test_split.txt")
    images = {}
    for image_id, file in files.items():
        try:
            class_name = class_names[int(class_ids[image_id])]
            split = {"1": "train", "0": "test"}[in_train[image_id]]
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"{root}: image {image_id} of images.txt must have a class in "
                "image_class_labels.txt and classes.txt, and 0 or 1 in train_test_split.txt; "
                f"not found: {error}. Cut all lists alike, or unpack the set again"
            ) from error
        images[image_id] = Listed(root / "images" / file, class_name, split)
    return images


def read_ids(path: tfds.core.Path) -> dict[str, int]:
    """Reads `images.txt` alone, for images that come from elsewhere.

    Args:
        path: the file.

    Returns:
        CUB's id by folder and file name, such as `009.Brewer_Blackbird/<name>.jpg`.

    Raises:
        ValueError: if a line is malformed, or names no image in a folder.
    """
    files = _read_list(path)
    for image_id, file in files.items():
        if file.count("/") != 1:
            raise ValueError(
                f"{path}: image {image_id} must be <class>/<file>; got {file!r}. Take "
                "the file of CUB-200-2011"
            )
    return {file: image_id for image_id, file in files.items()}


def _read_list(path: tfds.core.Path) -> dict[int, str]:
    """Reads lines of a number, a space and a value."""
    values = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        key, _, value = line.partition(" ")
        if not key.isdecimal() or not value.strip():
            raise ValueError(
                f"{path}, line {number} must be a number and a value; got {line!r}. "
                "Unpack the set again"
            )
        values[int(key)] = value.strip()
    return values
