"""A prepared data set in the gaze schema as a folder that pysaliency reads."""

import io
import json
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.pysaliency_folder import fixations, layout, stimuli
from tfds_builders.pysaliency_folder.pysaliency_folder_dataset_builder import FACTS_FILE

IMAGES, STIMULI, FIXATIONS = "images", "stimuli.hdf5", "fixations.hdf5"
_FACTS = ("sigma_px", "task", "viewers", "viewing_time_s", "tracker")


def write(
    builder: tfds.core.DatasetBuilder,
    split: str,
    folder: pathlib.Path,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, str]:
    """Writes a split: `images/`, `stimuli.hdf5`, `fixations.hdf5` and `facts.json`.

    pysaliency needs scanpaths, so the fixations of each viewer on an image become one, in their
    order; those of unknown viewers become one of viewer -1. The HDF5 files come last, and each
    file is there only once complete.

    Args:
        builder: of a prepared set.
        split: TFDS split or slice.
        folder: made if it is not there; files of the same names are replaced.
        tick: called after each image, such as `update` of a progress bar.

    Returns:
        Name of each image in the set (its `image/id`) -> path of its file in `images/`, in the
        order of the stimuli: the keys that pysaliency looks for in a model's HDF5 file.

    Raises:
        ValueError: if two images have one name, or one leads out of the folder.
        OSError: if something cannot be written.
    """
    keys: dict[str, str] = {}
    shapes, scanpaths = [], []
    examples = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
    )
    for number, example in enumerate(tfds.as_numpy(examples)):
        name = example["image/id"].decode()
        key, shape = file_of(example["image"], name)
        if name in keys or ".." in pathlib.PurePosixPath(key).parts or key.startswith("/"):
            raise ValueError(f"images need names of their own inside {folder}; got {name!r}")
        path = folder / IMAGES / key
        path.parent.mkdir(parents=True, exist_ok=True)
        _whole(path, lambda place, content=example["image"]: place.write_bytes(content))
        keys[name] = key
        shapes.append(shape)
        scanpaths += _scanpaths(number, example["fixations"], shape[:2])
        tick()
    files = [f"{IMAGES}/{key}" for key in keys.values()]
    _whole(folder / STIMULI, lambda path: stimuli.write(path, files, shapes))
    if scanpaths:
        _whole(folder / FIXATIONS, lambda path: fixations.write(path, scanpaths))
    else:  # what is there is of another split
        (folder / FIXATIONS).unlink(missing_ok=True)
    facts = {key: (builder.info.metadata or {}).get(key) for key in _FACTS}
    text = json.dumps({key: value for key, value in facts.items() if value}, indent=2)
    _whole(folder / FACTS_FILE, lambda path: path.write_text(text + "\n"))
    return keys


def file_of(encoded: bytes, name: str) -> tuple[str, tuple[int, ...]]:
    """Names the file of an image.

    Args:
        encoded: its content.
        name: `image/id`.

    Returns:
        The name with the extension of its format, and height, width and, of a coloured one,
        channels.
    """
    with Image.open(io.BytesIO(encoded)) as image:
        suffix = {"JPEG": ".jpg"}.get(image.format, f".{image.format.lower()}")
        width, height = image.size
        channels = (len(image.mode),) if len(image.mode) > 1 else ()
    has_it = pathlib.PurePosixPath(name).suffix.lower() in (suffix, ".jpeg")
    return name if has_it else name + suffix, (height, width, *channels)


def _scanpaths(
    number: int, gaze: dict[str, np.ndarray], size: tuple[int, int]
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]:
    """The fixations of each viewer on an image."""
    height, width = size
    x = layout.to_pixel_edges(gaze["x"], width)
    y = layout.to_pixel_edges(gaze["y"], height)
    _, first = np.unique(gaze["viewer"], return_index=True)
    for viewer in gaze["viewer"][np.sort(first)]:
        own = gaze["viewer"] == viewer
        yield number, int(viewer), x[own], y[own], gaze["duration_ms"][own]


def _whole(path: pathlib.Path, write_to: Callable[[pathlib.Path], object]) -> None:
    """Writes a file under another name, and gives it its own when it is complete."""
    temporary = path.with_name(f".{path.name}")
    try:
        write_to(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
