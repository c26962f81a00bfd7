"""What a model says of encoded images: classes and a map of each, or why there is none."""

import dataclasses
import re
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from salclass_tf.data.geometry import CROP, WHOLE
from salclass_tf.prediction.models import Model
from salclass_tf.serving import overlays


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is said of one image.

    Attributes:
        image: the image, RGB uint8 [h, w, 3].
        classes: names and probabilities, the likeliest first; () of a detector.
        crop: left, upper, right and lower edge of the central square, in pixels, where something
            is told of that: classes, or a map of the crop.
        saliency: the map in the image's own size, float32 [h, w]; None of a classifier.
    """

    image: np.ndarray
    classes: tuple[tuple[str, float], ...]
    crop: tuple[float, ...] | None
    saliency: np.ndarray | None

    @property
    def ends(self) -> dict[str, float]:
        """Smallest and largest value of the map, as tables call them; {} without a map."""
        if self.saliency is None:
            return {}
        return {"map_low": float(self.saliency.min()), "map_peak": float(self.saliency.max())}


class Answering:
    """Answers batches of encoded images; several threads may use it.

    Args:
        model: what predicts.
        view: see `job.predict`.
    """

    def __init__(self, model: Model, view: str):
        self._model, self._view = model, view
        side = model.geometry.image_size
        self._place = tf.function(
            lambda saliency, size: overlays.place(saliency, size, model.geometry), autograph=False
        ).get_concrete_function(
            tf.TensorSpec([side, side, 1], tf.float32), tf.TensorSpec([2], tf.int32)
        )

    def __call__(self, images: Sequence[bytes]) -> Iterator[Answer | str]:
        """Answers images, which the network gets together.

        Args:
            images: encoded.

        Yields:
            The answer to each, or the reason why there is none; one map at a time is in memory.
        """
        for encoded, answer in zip(images, self._served(images), strict=True):
            yield answer if isinstance(answer, str) else self._completed(encoded, answer)

    def _served(self, images: Sequence[bytes]) -> list[dict[str, np.ndarray] | str]:
        """What the signature says of each image, or the reason why it says nothing."""
        if not images:
            return []
        try:
            if self._view == WHOLE and not self._model.top_k:  # nobody reads the map of the crop
                self._model.check(images)
                return [{} for _ in images]
            out = {name: value.numpy() for name, value in self._model(images).items()}
        except tf.errors.InvalidArgumentError as error:
            if len(images) == 1:
                return [_reason(error)]
            # One of them spoiled it for all.
            return [answer for image in images for answer in self._served([image])]
        return [{name: value[i] for name, value in out.items()} for i in range(len(images))]

    def _completed(self, encoded: bytes, answer: dict[str, np.ndarray]) -> Answer | str:
        """The answer with the map in the size of the image, or the reason why there is none.

        NaN can be drawn neither as a map nor as a bar, and is no number in JSON.
        """
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()
        classes = tuple(
            (text.decode(), float(value))
            for text, value in zip(
                answer.get("top_classes", ()), answer.get("top_probabilities", ()), strict=True
            )
        )
        if not np.isfinite([probability for _, probability in classes]).all():
            return "the probabilities are not finite"
        crop = None
        if classes or self._view == CROP:
            crop = self._model.geometry.central_box(*image.shape[:2])
        saliency = self._map(image, answer) if self._model.makes_maps else None
        if saliency is not None and not np.isfinite(saliency).all():
            return "the map is not finite"
        return Answer(image, classes, crop, saliency)

    def _map(self, image: np.ndarray, answer: dict[str, np.ndarray]) -> np.ndarray:
        """The map in the size of its image, float32 [h, w]."""
        if self._view == WHOLE:
            return self._model.whole(tf.constant(image)).numpy()[..., 0]
        size = tf.constant(image.shape[:2])
        return self._place(tf.constant(answer["saliency"]), size).numpy()[..., 0]


def _reason(error: tf.errors.InvalidArgumentError) -> str:
    """What TensorFlow says of an image, without where in the graph it says it."""
    # Before it, Python tells where the operation was defined; after it comes the node.
    said = error.message.split("\n\t [[")[0].splitlines()[-1]
    said = re.sub(r"\{\{.*?\}\}|\(\d+\) INVALID_ARGUMENT:", "", said).strip()
    assertion = "assertion failed: "  # its parts are in brackets
    return re.sub(r"[][]", "", said.removeprefix(assertion)) if assertion in said else said
