"""The pictures that a network in 8-bit integers is calibrated with, and others to judge it by."""

import dataclasses
import pathlib

import tensorflow as tf

from salclass_tf.data import damage, photographs, pipeline, sets
from salclass_tf.data.geometry import Geometry
from tfds_builders.common import user_files

Batch = dict[str, tf.Tensor]

#: the most pictures of either kind; a network in full size takes a second for each
MOST = 200

_BATCH = 8


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Crops of a data set, or of a folder of images.

    Attributes:
        title: what they are of.
        calibrating: batches of `image` uint8 [b, s, s, 3].
        judged: batches of others, as `pipeline.evaluation_batches` gives them; of a folder, with
            `image` alone.
        has_labels: whether the labels are of the classes that the network tells apart.
    """

    title: str
    calibrating: list[Batch]
    judged: list[Batch]
    has_labels: bool


def find(
    place: str,
    geometry: Geometry,
    class_names: tuple[str, ...],
    makes_maps: bool,
    data_dir: str | None = None,
) -> Pictures:
    """Reads the pictures that a place stands for.

    Args:
        place: a folder of images, every other one of which calibrates; or the TFDS name of a set
            in the gaze schema, whose training split calibrates and whose test split judges; for
            a network without maps it needs no gaze.
        geometry: crop and resize sizes.
        class_names: those of the network.
        makes_maps: whether the network gives maps, which are judged whatever the classes.
        data_dir: where prepared sets live, None for TFDS' own place.

    Raises:
        ValueError: if it is neither, has too few pictures, or one is broken.
    """
    if pathlib.Path(place).is_dir():
        return _of_folder(pathlib.Path(place), geometry)
    try:
        found = sets.open_set(place, data_dir)
    except ValueError as error:
        raise ValueError(
            f"--calibrate takes a folder of images or a data set; {place!r} is no folder, and: "
            f"{error}"
        ) from error
    pictures = _of_set(found, geometry, class_names, makes_maps)
    if not makes_maps and not pictures.has_labels:
        raise ValueError(
            f"the network and data set {pictures.title} tell different classes apart; "
            "--calibrate the network with the set that it was trained on, or a folder of images"
        )
    return pictures


def _of_folder(folder: pathlib.Path, geometry: Geometry) -> Pictures:
    """Images in and below a folder."""
    names = [
        name
        for name in user_files.names_below(folder)
        if pathlib.Path(name).suffix.lower() in photographs.SUFFIXES
    ]
    if len(names) < 2:
        raise ValueError(
            f"--calibrate needs at least 2 images, one to calibrate and one to compare; got "
            f"{len(names)} in {folder}"
        )
    halves = [
        photographs.central_views([folder / name for name in half[:MOST]], geometry)
        for half in (names[::2], names[1::2])
    ]
    calibrating, judged = (
        [{"image": tf.constant(views[at : at + _BATCH])} for at in range(0, len(views), _BATCH)]
        for views in halves
    )
    return Pictures(f"images in {folder}", calibrating, judged, has_labels=True)


def _of_set(
    found: sets.GazeSet, geometry: Geometry, class_names: tuple[str, ...], makes_maps: bool
) -> Pictures:
    """Training and test images of a data set, with gaze where there are maps to judge."""
    missing = _missing(found, makes_maps)
    if missing:
        raise ValueError(
            f"data set {found.title} has no {' and no '.join(missing)}, which --calibrate needs "
            "for this network: name another set, or a folder of images"
        )
    read = {}
    for part in ("train", "test"):
        source = pipeline.open_split(found.builder, found.split(part)).take(MOST)
        with damage.named(found, source):
            batches = pipeline.evaluation_batches(
                source,
                geometry=geometry,
                sigma_px=found.sigma_px,
                batch_size=_BATCH,
                with_maps=makes_maps,
            )
            read[part] = list(batches)
    has_labels = found.class_names == class_names
    return Pictures(found.title, read["train"], read["test"], has_labels)


def _missing(found: sets.GazeSet, makes_maps: bool) -> list[str]:
    """What a set would need to calibrate and judge a network."""
    missing = [] if "train" in found.builder.info.splits else ["training split"]
    if found.split("test") is None:
        missing.append("split to test on")
    if makes_maps and not found.has_gaze:
        missing.append("gaze")
    return missing
