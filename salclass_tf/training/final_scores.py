"""Scores of a network on a test split: the numbers of the paper's tables, on central crops."""

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salclass_tf import metrics


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a network reached on a split; None where it does not apply.

    Attributes:
        images: number of images.
        accuracy: share of images whose class was the first guess.
        mean_class_accuracy: the mean over classes of each class's accuracy (Table 5).
        cc: correlation of predicted and true map, mean over images with gaze.
        nss: normalised scanpath saliency, mean over images with gaze.
        mse: mean squared error of the map (Eq. 3), mean over images; None if none has gaze.
    """

    images: int
    accuracy: float | None = None
    mean_class_accuracy: float | None = None
    cc: float | None = None
    nss: float | None = None
    mse: float | None = None


class Forward:
    """A network's answers to evaluation batches of any number of images, traced once.

    Args:
        network: see below.
        known: answers of parts of the network, as far as they have been traced.

    Attributes:
        network: as `answers` takes it. Its weights may change: answers are those of the weights
            that it has.
    """

    def __init__(self, network: keras.Model, known: Sequence["Forward"] = ()):
        self.network = network
        self._parts = {id(one.network): one for one in known}
        self._compiled: dict[tuple, Callable] = {}

    def __call__(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns `answers` to a batch; each type and size of image is traced once.

        What the network does not read may be there or not.
        """
        names = ("image", "saliency") if _takes_map(self.network) else ("image",)
        inputs = {name: batch[name] for name in names}
        any_number = {
            name: tf.TensorSpec([None, *value.shape[1:]], value.dtype)
            for name, value in inputs.items()
        }
        key = tuple(any_number.values())
        if key not in self._compiled:
            traced = tf.function(lambda given: answers(self.network, given), autograph=False)
            self._compiled[key] = traced.get_concrete_function(any_number)
        return self._compiled[key](inputs)

    def of(self, part: keras.Model) -> "Forward":
        """Returns the answers of a part of the network, which are traced once, too."""
        return self._parts.setdefault(id(part), Forward(part))


def score(
    forward: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
    batches: tf.data.Dataset,
    description: str = "test",
    seen: Callable[[dict[str, tf.Tensor], dict[str, tf.Tensor]], None] | None = None,
) -> Scores:
    """Scores a network on evaluation batches.

    Args:
        forward: answers to a batch, `saliency`, `logits` or both: a `Forward` of a network.
        batches: as `pipeline.evaluation_batches` gives them.
        description: what the progress bar says.
        seen: called with each batch and the answers to it, for what else is to be counted.

    Returns:
        The scores that apply to this kind of network.
    """
    kept = []
    for batch in tqdm(batches, description, leave=False, disable=None):
        out = forward(batch)
        kept.append(_batch_scores(out, batch))
        if seen is not None:
            seen(batch, out)
    columns = {key: np.concatenate([scores[key] for scores in kept]) for key in kept[0]}
    images = len(next(iter(columns.values())))
    result = {}
    if "right" in columns:
        right, label = columns["right"], columns["label"]
        result["accuracy"] = float(np.mean(right))
        by_class = [np.mean(right[label == name]) for name in np.unique(label)]
        result["mean_class_accuracy"] = float(np.mean(by_class))
    if "cc" in columns:
        gaze = columns["seen"]
        # Of black maps alone it would be near 0, whatever was learned.
        result["mse"] = float(np.mean(columns["mse"])) if gaze.any() else None
        for key in columns.keys() & {"cc", "nss"}:
            result[key] = float(np.mean(columns[key][gaze])) if gaze.any() else None
    return Scores(images=images, **result)


def score_map(saliency: np.ndarray, batches: tf.data.Dataset) -> Scores:
    """Scores one map, the same for every image: the centre-bias baseline.

    Args:
        saliency: float32 [s, s, 1].
        batches: as `pipeline.evaluation_batches` gives them.
    """

    def constant(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"saliency": tf.repeat(saliency[None], batch["image"].shape[0], axis=0)}

    return score(constant, batches, "centre bias")


def mean_map(batches: tf.data.Dataset) -> np.ndarray:
    """Returns the mean true map of a split, float32 [s, s, 1]: where people look anyway."""
    total, count = 0.0, 0
    for batch in tqdm(batches, "mean map", leave=False, disable=None):
        total = total + tf.reduce_sum(batch["saliency"], axis=0).numpy().astype(np.float64)
        count += batch["saliency"].shape[0]
    return (total / count).astype(np.float32)


def answers(network: keras.Model, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns `saliency`, `logits` or both, whatever the network gives for a batch."""
    inputs = {name: batch[name] for name in ("image", "saliency") if name in batch}
    out = network(inputs if _takes_map(network) else inputs["image"], training=False)
    if isinstance(out, dict):
        return out
    return {"saliency" if out.shape.rank == 4 else "logits": out}


def _takes_map(network: keras.Model) -> bool:
    """Whether a network reads a map beside the image."""
    return len(getattr(network, "inputs", None) or ()) > 1


def _batch_scores(out: dict[str, tf.Tensor], batch: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
    """Scores per image of one batch and a network's answers to it."""
    values = {}
    if "logits" in out:
        guess = tf.argmax(out["logits"], axis=-1, output_type=batch["label"].dtype)
        values |= {"right": guess == batch["label"], "label": batch["label"]}
    if "saliency" in out and "saliency" in batch:
        error = tf.square(out["saliency"] - batch["saliency"])
        # Sets that ship maps have no points: gaze is then where the map is above 0.
        looked_at = batch.get("fixation_counts", batch["saliency"])
        values |= {
            "cc": metrics.correlation(batch["saliency"], out["saliency"]),
            "mse": tf.reduce_mean(error, axis=(1, 2, 3)),
            "seen": tf.reduce_any(looked_at > 0, axis=(1, 2, 3)),
        }
    if "saliency" in out and "fixation_counts" in batch:
        values["nss"] = metrics.normalized_scanpath(out["saliency"], batch["fixation_counts"])
    return {key: value.numpy() for key, value in values.items()}
