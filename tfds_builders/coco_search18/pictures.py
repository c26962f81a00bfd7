"""The two archives of pictures that COCO-Search18 and COCO-FreeView share."""

from collections.abc import Sequence

import tensorflow_datasets as tfds

from tfds_builders.common import originals

HOME = "http://vision.cs.stonybrook.edu/~cvlab_download"
#: condition -> folder in `manual_dir`, which the archive has inside
FOLDERS = {"present": "images", "absent": "coco_search18_images_TA"}
ARCHIVES = {
    "present": originals.Published(
        f"{HOME}/COCOSearch18-images-TP.zip",
        "4a815bb591cb463ab77e5ba0c68fedfb",
        FOLDERS["present"],
    ),
    "absent": originals.Published(
        f"{HOME}/COCOSearch18-images-TA.zip",
        "85af7d74fa57c202320fa5e7d0dcc187",
        FOLDERS["absent"],
    ),
}


def by_task(folder: tfds.core.Path, tasks: Sequence[str]) -> dict[tuple[str, str], tfds.core.Path]:
    """Lists the pictures of an archive.

    Args:
        folder: unpacked, with a folder for each task.
        tasks: names of all tasks; folders may have underscores for spaces.

    Returns:
        (task, file name without extension) -> file, in order.

    Raises:
        FileNotFoundError: if there is no picture.
        ValueError: if a folder is no task's.
    """
    found = {}
    for inner in sorted(path for path in folder.glob("[!.]*") if path.is_dir()):
        task = inner.name.replace("_", " ")
        if task not in tasks:
            raise ValueError(f"{inner} must be one of {', '.join(tasks)}. Unpack the archive again")
        pictures = {path.stem: path for path in sorted(inner.glob("[!.]*.jpg"))}
        found |= {(task, stem): path for stem, path in pictures.items()}
    if not found:
        raise FileNotFoundError(
            f"{folder} must hold a folder for each of {', '.join(tasks)}. Unpack the archive again"
        )
    return found
