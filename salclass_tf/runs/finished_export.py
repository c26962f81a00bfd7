"""What an export left in the folder of its version: the one reader of it."""

import functools
import json
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from salclass_tf import failures
from salclass_tf.data.geometry import Geometry
from salclass_tf.runs.files import hash_files

GRAPH, CARD, CLASSES = "saved_model.pb", "model_card.json", "assets/class_names.txt"

# What TensorFlow raises for a SavedModel that is cut short, altered, or lacks files.
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, RuntimeError, tf.errors.OpError)


class FinishedExport:
    """A version that `export.py` wrote: its model card, its classes, its SavedModel.

    Args:
        version: the folder of the version.
    """

    def __init__(self, version: str | os.PathLike):
        self.version = pathlib.Path(version)

    @functools.cached_property
    def card(self) -> dict[str, Any]:
        """Its `model_card.json`.

        Raises:
            ValueError: if the file is gone or damaged.
        """
        path = self.version / CARD
        if not path.is_file():
            raise ValueError(
                f"{self.version} has no {CARD}, so it holds no export of export.py, or a part of "
                f"one; {self._remedy}"
            )
        try:
            card = json.loads(path.read_text("utf-8"))
            Geometry(*(card["preparation"][key] for key in ("image_size", "short_side")))
            told = isinstance(card["export"]["max_pixels"], int), card["model"], card["data"]
            if not all(told):
                raise ValueError("it names no model")
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(error) from error
        return card

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `serving_default` answers with.

        Raises:
            ValueError: if the model card does not tell.
        """
        try:
            return tuple(self.card["export"]["signatures"]["serving_default"]["outputs"])
        except (KeyError, TypeError) as error:
            raise self._damaged(error) from error

    @property
    def geometry(self) -> Geometry:
        """Crop and resize sizes of the network."""
        preparation = self.card["preparation"]
        return Geometry(preparation["image_size"], preparation["short_side"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of its probabilities; () of a detector."""
        path = self.version / CLASSES
        return tuple(path.read_text("utf-8").splitlines()) if path.is_file() else ()

    @property
    def max_pixels(self) -> int:
        """The most that an image of a request may have, before and after resizing."""
        return self.card["export"]["max_pixels"]

    @property
    def max_batch(self) -> int | None:
        """The most images that a request may have; None of older exports, which take any number."""
        return self.card["export"].get("max_batch")

    def load(self) -> Any:
        """Loads the SavedModel.

        Returns:
            What `tf.saved_model.load` returns; it has to live as long as its signatures are used.

        Raises:
            ValueError: if a file of it is damaged or gone.
        """
        graph, known = self.version / GRAPH, self.card["export"].get("graph_sha256")
        try:
            if known and graph.is_file() and hash_files([graph]) != known:
                raise ValueError("its checksum is not the one in the model card")
            return tf.saved_model.load(str(self.version))
        except _UNREADABLE as error:
            raise ValueError(
                f"cannot read the export {graph}: it is damaged or lacks files "
                f"({failures.reason(error)}); {self._remedy}"
            ) from error

    def _damaged(self, error: Exception) -> ValueError:
        """The error that says what is wrong with the model card."""
        why = failures.reason(error)
        return ValueError(f"{self.version / CARD} is damaged ({why}); {self._remedy}")

    @property
    def _remedy(self) -> str:
        """What to do about a damaged export."""
        return (
            f"name another version, or remove {self.version} and export again: python export.py "
            f"--export_dir={self.version.parent}"
        )


def in_requests(
    serve: Callable[..., dict[str, tf.Tensor]], images: tf.Tensor, max_batch: int | None
) -> dict[str, tf.Tensor]:
    """Answers to encoded images, asked for in as many requests as their number takes.

    Args:
        serve: `serving_default` of an export.
        images: string [b].
        max_batch: the most images that a request may have, None for any number.

    Returns:
        The answers joined, each with the images as its first dimension.
    """
    if max_batch is None or images.shape[0] <= max_batch:
        return serve(image_bytes=images)
    starts = range(0, images.shape[0], max_batch)
    parts = [serve(image_bytes=images[start : start + max_batch]) for start in starts]
    return {name: tf.concat([part[name] for part in parts], axis=0) for name in parts[0]}


def find(folder: str | os.PathLike) -> FinishedExport | None:
    """Returns the export in a folder: of the folder itself, or of the newest version in it.

    What has a number for a name and holds no SavedModel is no version.
    """
    folder = pathlib.Path(folder)
    if (folder / GRAPH).is_file():
        return FinishedExport(folder)
    versions = [path.parent for path in folder.glob(f"*/{GRAPH}") if is_number(path.parent.name)]
    newest = max(versions, key=lambda path: int(path.name), default=None)
    return newest and FinishedExport(newest)


def require(folder: str | os.PathLike) -> FinishedExport:
    """Returns the export in a folder; see `find`.

    Raises:
        ValueError: if there is none; the message says how to write one.
    """
    found = find(folder)
    if found is None:
        why = "" if pathlib.Path(folder).is_dir() else " (there is no such folder)"
        raise ValueError(
            f"{folder} holds no export{why}; write one: python export.py --export_dir={folder}"
        )
    return found


def is_number(name: str) -> bool:
    """Whether TensorFlow Serving takes a name for the number of a version."""
    return re.fullmatch("[0-9]+", name) is not None
