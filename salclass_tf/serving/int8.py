"""The network in 8-bit integers: written, and what it loses by them."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf.serving import formats
from salclass_tf.serving.calibration import Batch, Pictures
from salclass_tf.training import final_scores

_log = logging.getLogger(__name__)

Run = Callable[[np.ndarray], dict[str, np.ndarray]]

# Scores that tell how near one network comes to another; classes are no people's labels then.
_OF_ANSWERS = ("images", "accuracy", "cc")


def write(
    forward: tf.types.experimental.ConcreteFunction, folder: pathlib.Path, pictures: Pictures
) -> dict:
    """Writes a network in 8-bit integers, and logs what it loses.

    Args:
        forward: the network in float32, see `formats.write`.
        folder: of the version, with the network as TFLite in float32.
        pictures: to calibrate with, and to judge by.

    Returns:
        What `judge` returns, and what the network was calibrated with.

    Raises:
        ValueError: if it has operations that have no such form, or its maps became constant.
    """
    file = folder / formats.INT8_FILE
    calibrating = np.concatenate([batch["image"] for batch in pictures.calibrating])
    rounded = formats.write_int8(forward, folder, calibrating)
    facts = {"pictures": pictures.title, "calibrated_on": len(calibrating)}
    size = file.stat().st_size / 1e6
    _log.info("%s: %.1f MB, calibrated on %d of %s", file.name, size, *reversed(facts.values()))
    exact = formats.run(formats.TFLITE, folder)
    _check_maps(exact, rounded, pictures.judged[0]["image"].numpy())
    judged = judge(pictures, exact, rounded)
    for name, scores in judged.items():
        told = ", ".join(f"{key} {value:.4g}" for key, value in scores.items())
        _log.info("%s: %s", name.replace("_", " "), told)
    return facts | judged


def judge(pictures: Pictures, exact: Run, rounded: Run) -> dict:
    """Measures what a network loses by 8 bits.

    Args:
        pictures: what it is judged by.
        exact: the network in float32: crops uint8 [b, s, s, 3] -> its answers.
        rounded: the same in 8 bits.

    Returns:
        Plain types: under `float32` and `int8` the scores of both against gaze and labels; of a
        folder, under `int8_beside_float32` those of the second against the first, whose accuracy
        is the share of equal classes.
    """
    score = functools.partial(_score, pictures.has_labels)
    if "label" in pictures.judged[0]:
        return {"float32": score(exact, pictures.judged), "int8": score(rounded, pictures.judged)}
    batches = [batch | _as_truth(exact(batch["image"].numpy())) for batch in pictures.judged]
    beside = score(rounded, batches)
    return {"int8_beside_float32": {k: v for k, v in beside.items() if k in _OF_ANSWERS}}


def _check_maps(exact: Run, rounded: Run, images: np.ndarray) -> None:
    """Checks that 8 bits have left something of the maps of images."""
    if _vary(exact(images)) and not _vary(rounded(images)):
        raise ValueError(
            "in 8-bit integers the maps of this network are constant, in float32 they are not; "
            "nothing was exported: calibrate with pictures like those that it will be asked for, "
            "or leave --calibrate out"
        )


def _vary(answers: dict[str, np.ndarray]) -> bool:
    """Whether any map among the answers differs from place to place."""
    return "saliency" in answers and bool(np.ptp(answers["saliency"], axis=(1, 2, 3)).any())


def _score(has_labels: bool, run: Run, batches: list[Batch]) -> dict:
    """Scores of a network that is a file, those that apply."""

    def forward(batch: Batch) -> Batch:
        out = {name: tf.constant(value) for name, value in run(batch["image"].numpy()).items()}
        probabilities = out.pop("probabilities", None)
        # The largest is where the largest logit is.
        return out | ({"logits": probabilities} if has_labels and probabilities is not None else {})

    scores = dataclasses.asdict(final_scores.score(forward, batches, "8 bits"))
    return {name: value for name, value in scores.items() if value is not None}


def _as_truth(answers: dict[str, np.ndarray]) -> Batch:
    """Answers in the place of what people have told."""
    truth = {}
    if "saliency" in answers:
        # Brought to where true maps are, [0, 1] with peak 1, which changes no correlation: a map
        # without a positive value would pass for an image that nobody looked at.
        above = answers["saliency"] - answers["saliency"].min(axis=(1, 2, 3), keepdims=True)
        truth["saliency"] = tf.math.divide_no_nan(above, above.max(axis=(1, 2, 3), keepdims=True))
    if "probabilities" in answers:
        truth["label"] = tf.argmax(answers["probabilities"], axis=-1, output_type=tf.int32)
    return truth
