"""Exports of `export.py` as methods: SavedModels that decode and crop by themselves."""

import functools

import tensorflow as tf

from salclass_tf.data.geometry import WHOLE
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
from salclass_tf.runs.finished_export import FinishedExport, in_requests

# What a server answers with -> what it is called here.
_ANSWERS = {"saliency": SALIENCY, "probabilities": LOGITS}


def from_export(found: FinishedExport) -> list[Method]:
    """Returns the served network of a version.

    Its maps are compared with crops that evaluation makes; the SavedModel itself is given the
    encoded images, as a server is.

    Raises:
        ValueError: if the model card is missing or damaged.
    """
    folder, card = found.version, found.card
    fingerprint = hash_files(sorted(path for path in folder.rglob("*") if path.is_file()))
    return [
        Method(
            name=f"{card['model']}, exported in {card['export']['precision']}",
            model=model_text(folder, fingerprint, card["metrics"].get("kept_epoch")),
            fingerprint=fingerprint,
            gives=frozenset(_ANSWERS[key] for key in found.outputs if key in _ANSWERS),
            load=functools.partial(_forward, found),
            gives_probabilities=True,
            geometry=found.geometry,
            trained_on=without_version(card["data"]),
            class_names=found.class_names or None,
            extras=("encoded",),
        )
    ]


def _forward(found: FinishedExport, dataset: EvaluatedSet) -> Forward:
    """The signature for encoded images; of whole images, the one for pixels."""
    loaded = found.load()
    if dataset.view == WHOLE:

        def pixels(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return loaded.signatures["serving_image"](image=image)

        return whole.OneByOne(WholeImagesOfServer(pixels, found.geometry))
    serve = loaded.signatures["serving_default"]

    def answer(batch: Batch) -> Answers:
        try:
            out = in_requests(serve, batch["encoded"], found.max_batch)
        except tf.errors.InvalidArgumentError as error:
            first, *_, last = names(batch)[:1] + names(batch)
            raise ValueError(
                f"{found.version} refuses an image between {first!r} and {last!r}: {error.message}"
            ) from error
        return {_ANSWERS[key]: out[key].numpy() for key in _ANSWERS if key in out}

    # The functions of a SavedModel do not keep its resources alive.
    answer.loaded = loaded
    return answer
