"""The models that are trained: a detector alone, a classifier alone, and SalClassNet."""

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from salclass_tf import losses, metrics, pair
from salclass_tf.classifiers import rgbs
from salclass_tf.classifiers.pooling import last_features
from salclass_tf.layers import MapScale, cell_means
from salclass_tf.model.examples import Batch
from salclass_tf.model.gaze_model import GazeModel


def _classification_scores(batch: Batch, logits: tf.Tensor) -> dict[str, tf.Tensor]:
    """L_C (Eq. 2) and whether the first guess is right, per example."""
    right = tf.equal(tf.argmax(logits, -1, tf.int32), tf.cast(batch["label"], tf.int32))
    return {
        "classification_loss": losses.classification_loss(batch["label"], logits),
        "accuracy": tf.cast(right, tf.float32),
    }


def _saliency_scores(
    batch: Batch, saliency: tf.Tensor, loss: losses.SaliencyLoss, output: str
) -> dict[str, tf.Tensor]:
    """L_S, the correlation of map and truth, and Eq. 3 where it is not L_S, per example."""
    values = {"saliency_loss": loss(batch, saliency, output)}
    if loss.name != losses.DEFAULT:
        values["mse"] = losses.saliency_loss(batch["saliency"], saliency)
    return values | {
        "cc": metrics.correlation(batch["saliency"], saliency),
        "seen": tf.cast(metrics.has_gaze(batch["saliency"]), tf.float32),
    }


def _with_squared_error(reported: tuple[str, ...], loss: losses.SaliencyLoss) -> tuple[str, ...]:
    """What is reported: the error of Eq. 3 too, where another one takes its place."""
    return reported if loss.name == losses.DEFAULT else (*reported, "mse")


def _image_of(inputs: tf.Tensor | Batch) -> tf.Tensor:
    """The image of a batch, or the image itself."""
    return inputs["image"] if isinstance(inputs, dict) else inputs


def _image_and_map_of(inputs: Batch) -> Batch:
    """Image and map of a batch, for a classifier that reads both."""
    return {key: inputs[key] for key in ("image", "saliency")}


def output_rank(network: keras.Model) -> int:
    """4 of a detector's maps, 2 of a classifier's logits, 0 of a model with several outputs."""
    outputs = getattr(network, "outputs", None) or ()
    return len(outputs[0].shape) if len(outputs) == 1 else 0


@keras.saving.register_keras_serializable("salclass_tf")
class DetectorModel(GazeModel):
    """Trains a detector alone: the mean squared error of its maps (Eq. 3), or another loss.

    Args:
        detector: image -> saliency map, see `detectors.build_detector`.
        saliency_loss: one of `losses.list_saliency_losses()`; with another than "mse" the squared
            error is reported beside it, as `mse`.
        output: the output of the detector, one of `losses.OUTPUT_KINDS`.
        **kwargs: `short_side`, see `GazeModel`; the rest is passed to `keras.Model`.

    Raises:
        ValueError: for a loss or an output that is not there.
    """

    _stage = "saliency"
    _gives = ("saliency",)
    _target = "saliency"

    def __init__(
        self,
        detector: keras.Model,
        saliency_loss: str = losses.DEFAULT,
        output: str = "map",
        **kwargs,
    ):
        losses.check_output(output)
        loss = losses.get(saliency_loss)
        reported = _with_squared_error(("saliency_loss", "cc"), loss)
        super().__init__(reported, detector, **kwargs)
        self.saliency_loss, self.output_kind = loss, output
        self.detector = detector
        self.built = True

    @classmethod
    def _settings_of(cls, network):
        if isinstance(network, DetectorModel):
            return {"detector": network.detector} | network._own_config()
        return {"detector": network} if output_rank(network) == 4 else None

    @classmethod
    def _facts(cls, found):
        return {"short_side": found.short_side} | found.saliency

    @property
    def _learns_from(self):
        return ("image", "saliency")

    def call(self, inputs, training=None):
        """Returns {"saliency": float32 [b, s, s, 1]} of an image or of a batch's image."""
        return {"saliency": self._apply("detector", inputs, _image_of, training)}

    def _score(self, batch, out):
        values = _saliency_scores(batch, out["saliency"], self.saliency_loss, self.output_kind)
        return values | {"loss": values["saliency_loss"]}

    def _own_config(self):
        loss = {"saliency_loss": self.saliency_loss.name, "output": self.output_kind}
        return super()._own_config() | loss

    def get_config(self):
        """Returns the detector, serialised, and its loss."""
        part = keras.saving.serialize_keras_object(self.detector)
        return super().get_config() | {"detector": part}


def _attending(classifier: keras.Model) -> Callable[[tf.Tensor, bool], dict[str, tf.Tensor]]:
    """Returns a function of images that gives a classifier's logits and its last features."""
    if len(classifier.inputs) > 1:
        raise ValueError(
            "attention_loss is for a classifier of RGB alone, which people's maps tell where to "
            f"attend; {classifier.name} reads the map itself: build it with saliency_input=False"
        )
    outputs = {"logits": classifier.output, "features": last_features(classifier)}
    both = keras.Model(classifier.inputs, outputs)
    # A function: as an attribute, Keras would take the network for a second part of the model.
    return lambda image, training: both(image, training=training)


@keras.saving.register_keras_serializable("salclass_tf")
class ClassifierModel(GazeModel):
    """Trains a classifier alone: cross-entropy (Eq. 2), on RGB or on RGB and the true map.

    With `attention_loss` one of RGB is told by people's gaze where to attend: it learns from
    `saliency` too, and answers without.

    Args:
        classifier: image (and map) -> logits, see `classifiers.build_classifier`.
        attention_loss: weight of `losses.attention_loss` on the last features, at least 0. Crops
            that `losses.tells_attention` does not hold for learn from their class alone.
        **kwargs: `class_names` and `short_side`, see `GazeModel`; the rest is passed to
            `keras.Model`.

    Raises:
        ValueError: if the weight is negative or infinite, or the classifier reads a map, or has no
            features to attend by.
    """

    _stage = "classifier_rgb"
    _gives = ("logits",)
    _target = "label"

    def __init__(self, classifier: keras.Model, attention_loss: float = 0.0, **kwargs):
        reported = ("classification_loss", "accuracy")
        reported += ("attention_loss",) if attention_loss else ()
        super().__init__(reported, classifier, **kwargs)
        self.classifier = classifier
        self.takes_saliency = len(classifier.inputs) > 1
        self.attention_loss = attention_loss
        if not 0 <= attention_loss < math.inf:
            raise ValueError(
                f"attention_loss is a weight of at least 0, and finite; got {attention_loss}"
            )
        if attention_loss:
            self._attending = _attending(classifier)
        self.built = True

    @classmethod
    def _settings_of(cls, network):
        if isinstance(network, ClassifierModel):
            return {"classifier": network.classifier} | network._own_config()
        return {"classifier": network} if output_rank(network) == 2 else None

    @property
    def _learns_from(self):
        needs_map = self.takes_saliency or self.attention_loss
        return ("image", "saliency", "label") if needs_map else ("image", "label")

    @property
    def is_scored_by_answers(self):
        """Whether `track` needs nothing but what `call` returns: not with an attention loss."""
        return not self.attention_loss

    def _answer(self, batch, training):
        if not self.attention_loss:
            return super()._answer(batch, training)
        return self._attending(batch["image"], training)

    @property
    def _answers_images(self):
        return not self.takes_saliency

    def _plain_signature(self):
        [image] = super()._plain_signature()
        if not self.takes_saliency:
            return [image]
        side = self.image_size
        saliency = keras.InputSpec(shape=(None, side, side, 1), dtype="float32", name="saliency")
        return [{"image": image, "saliency": saliency}]

    def call(self, inputs, training=None):
        """Returns {"logits": float32 [b, classes]} of a batch (or, for RGB, of an image)."""
        read = _image_and_map_of if self.takes_saliency else _image_of
        return {"logits": self._apply("classifier", inputs, read, training)}

    def _score(self, batch, out):
        values = _classification_scores(batch, out["logits"])
        loss = values["classification_loss"]
        if not self.attention_loss:
            return values | {"loss": loss}
        features = out["features"]
        seen = tf.cast(losses.tells_attention(batch["saliency"]), tf.float32)
        looked_at = cell_means(batch["saliency"], features.shape[1:3])
        error = losses.attention_loss(looked_at * seen[:, None, None, None], features)
        return values | {
            "attention_loss": error,
            "seen": seen,
            "loss": loss + self.attention_loss * error,
        }

    def _own_config(self):
        weight = {"attention_loss": self.attention_loss} if self.attention_loss else {}
        return super()._own_config() | weight

    def get_config(self):
        """Returns the classifier, serialised."""
        part = keras.saving.serialize_keras_object(self.classifier)
        return super().get_config() | {"classifier": part}


@keras.saving.register_keras_serializable("salclass_tf")
class SalClassNet(GazeModel):
    """A detector whose map is the fourth channel of a classifier (paper, Sec. 3 and Fig. 2).

    Both are trained together under `L = alpha * L_C + L_S` (Eq. 1): the error of the map is taken
    on the enlarged map before the classifier normalises it, and the class error reaches the
    detector through that map.

    Args:
        detector: image -> saliency map, see `detectors.build_detector`.
        classifier: {"image", "saliency"} -> logits, see `classifiers.build_classifier`.
        alpha: weight of the class error, at least 0; 0.2 in the paper (Sec. 5.2, Fig. 4).
        saliency_loss: L_S, one of `losses.list_saliency_losses()`; "mse" in the paper. With another
            one the squared error is reported beside it, as `mse`.
        output: the output of the detector, one of `losses.OUTPUT_KINDS`.
        map_scale: in which height the classifier reads the map, one of `layers.MAP_SCALES`, see
            `layers.MapScale`; the map that is scored and returned is the detector's own.
        map_statistics: mean and standard deviation of "standardise"; None for those that the
            classifier's normalisation of the map knows, of true maps, so that it goes on with
            what it is used to.
        **kwargs: `class_names` and `short_side`, see `GazeModel`; the rest is passed to
            `keras.Model`.

    Raises:
        ValueError: if alpha is negative, the pair cannot work (see `pair.check`), or a loss, an
            output or a map scale is not there.
    """

    _stage = "joint"
    _gives = ("saliency", "logits")

    def __init__(
        self,
        detector: keras.Model,
        classifier: keras.Model,
        alpha: float = 0.2,
        saliency_loss: str = losses.DEFAULT,
        output: str = "map",
        map_scale: str = "none",
        map_statistics: tuple[float, float] | None = None,
        **kwargs,
    ):
        losses.check_output(output)
        loss = losses.get(saliency_loss)
        reported = ("classification_loss", "saliency_loss", "accuracy", "cc")
        super().__init__(_with_squared_error(reported, loss), classifier, **kwargs)
        if not alpha >= 0:
            raise ValueError(f"alpha weighs the class error and must be at least 0; got {alpha}")
        pair.check(detector, classifier)
        self.detector = detector
        self.classifier = classifier
        self.alpha = alpha
        self.saliency_loss, self.output_kind = loss, output
        if map_scale == "standardise" and map_statistics is None:
            map_statistics = rgbs.map_statistics(classifier)
        self.map_scale = MapScale(map_scale, *(map_statistics or ()), name="map_scale")
        self.built = True

    def joined_alike(self, detector: keras.Model, classifier: keras.Model) -> "SalClassNet":
        """Returns a model of other parts that are joined as these are, with the same settings."""
        return SalClassNet(detector, classifier, **self._own_config())

    @classmethod
    def _settings_of(cls, network):
        if not isinstance(network, SalClassNet):
            return None
        parts = {"detector": network.detector, "classifier": network.classifier}
        return parts | network._own_config()

    @property
    def _learns_from(self):
        return ("image", "saliency", "label")

    def call(self, inputs, training=None):
        """Returns the map and the class scores of an image, or of a batch's image.

        Args:
            inputs: RGB in [0, 255], [b, s, s, 3], or a dict with it under `image`.
            training: whether normalisations and dropout behave as in training.

        Returns:
            {"saliency": float32 [b, s, s, 1], "logits": float32 [b, classes]}.
        """
        saliency = self._apply("detector", inputs, _image_of, training)
        read = {"image": _image_of(inputs), "saliency": self.map_scale(saliency)}
        return {"saliency": saliency, "logits": self.classifier(read, training=training)}

    def _score(self, batch, out):
        values = _classification_scores(batch, out["logits"])
        values |= _saliency_scores(batch, out["saliency"], self.saliency_loss, self.output_kind)
        loss = losses.joint_loss(values["classification_loss"], values["saliency_loss"], self.alpha)
        return values | {"loss": loss}

    def _own_config(self):
        loss = {"saliency_loss": self.saliency_loss.name, "output": self.output_kind}
        scale = {"map_scale": self.map_scale.scale}
        if self.map_scale.scale == "standardise":
            scale["map_statistics"] = [self.map_scale.mean, self.map_scale.deviation]
        return super()._own_config() | {"alpha": self.alpha} | loss | scale

    def get_config(self):
        """Returns both parts, serialised, alpha and the loss."""
        return super().get_config() | {
            "detector": keras.saving.serialize_keras_object(self.detector),
            "classifier": keras.saving.serialize_keras_object(self.classifier),
        }
