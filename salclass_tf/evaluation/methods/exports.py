"""Exports of `export.py` as methods: SavedModels that decode and crop by themselves."""

import functools
import json
import pathlib

import tensorflow as tf

from salclass_tf.data.geometry import WHOLE, Geometry
from salclass_tf.evaluation.methods import whole
from salclass_tf.evaluation.methods.evaluated_sets import (
    Batch,
    EvaluatedSet,
    names,
    without_version,
)
from salclass_tf.evaluation.methods.method import (
    LOGITS,
    SALIENCY,
    Answers,
    Forward,
    Method,
    model_text,
)
from salclass_tf.model.whole_images import WholeImagesOfServer
from salclass_tf.runs.files import hash_files

_CARD, _GRAPH, _CLASSES = "model_card.json", "saved_model.pb", "assets/class_names.txt"

# What a server answers with -> what it is called here.
_ANSWERS = {"saliency": SALIENCY, "probabilities": LOGITS}


def find(folder: pathlib.Path) -> pathlib.Path | None:
    """Returns the version to evaluate: the folder itself, or the newest version in it."""
    if (folder / _GRAPH).is_file():
        return folder
    versions = [path.parent for path in folder.glob(f"*/{_GRAPH}") if path.parent.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)


def from_version(folder: pathlib.Path) -> list[Method]:
    """Returns the served network of a version.

    Its maps are compared with crops that evaluation makes; the SavedModel itself is given the
    encoded images, as a server is.

    Raises:
        ValueError: if the model card is missing.
    """
    if not (folder / _CARD).is_file():
        raise ValueError(
            f"{folder} has no {_CARD}, so nothing tells how it crops; export it with export.py"
        )
    card = json.loads((folder / _CARD).read_text())
    preparation, outputs = card["preparation"], card["export"]["signatures"]["serving_default"]
    fingerprint = hash_files(sorted(path for path in folder.rglob("*") if path.is_file()))
    geometry = Geometry(preparation["image_size"], preparation["short_side"])
    return [
        Method(
            name=f"{card['model']}, exported in {card['export']['precision']}",
            model=model_text(folder, fingerprint, card["metrics"].get("kept_epoch")),
            fingerprint=fingerprint,
            gives=frozenset(_ANSWERS[key] for key in outputs["outputs"] if key in _ANSWERS),
            load=functools.partial(_forward, folder, geometry),
            gives_probabilities=True,
            geometry=geometry,
            trained_on=without_version(card["data"]),
            class_names=_class_names(folder),
            extras=("encoded",),
        )
    ]


def _class_names(folder: pathlib.Path) -> tuple[str, ...] | None:
    """Names of the classes, None of a network without them."""
    path = folder / _CLASSES
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None


def _forward(folder: pathlib.Path, geometry: Geometry, dataset: EvaluatedSet) -> Forward:
    """The signature for encoded images; of whole images, the one for pixels."""
    loaded = tf.saved_model.load(str(folder))
    if dataset.view == WHOLE:

        def pixels(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return loaded.signatures["serving_image"](image=image)

        return whole.OneByOne(WholeImagesOfServer(pixels, geometry))
    serve = loaded.signatures["serving_default"]

    def answer(batch: Batch) -> Answers:
        try:
            out = serve(image_bytes=batch["encoded"])
        except tf.errors.InvalidArgumentError as error:
            first, *_, last = names(batch)[:1] + names(batch)
            raise ValueError(
                f"{folder} refuses an image between {first!r} and {last!r}: {error.message}"
            ) from error
        return {_ANSWERS[key]: out[key].numpy() for key in _ANSWERS if key in out}

    # The functions of a SavedModel do not keep its resources alive.
    answer.loaded = loaded
    return answer
