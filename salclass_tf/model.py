"""SalClassNet: a detector and a classifier in one model, and the step that trains them."""

import keras
import tensorflow as tf

from salclass_tf import losses, metrics, pair

Batch = dict[str, tf.Tensor]


class GazeModel(keras.Model):
    """A model that learns from gaze batches: one score for training and testing.

    A batch is a dict of `image` (RGB in [0, 255], [b, s, s, 3]), `saliency` (float32 in [0, 1],
    [b, s, s, 1]) and `label` (int [b]); each subclass reads what it learns from. An optional
    `weight` (float [b]) says how much an example counts in what is reported, not in training.
    A saliency loss that is taken at fixations reads `fixation_counts`, [b, s, s, 1].
    `compile(optimizer)` and `fit` work, and so does any other loop around `train_step`.

    Args:
        reported: what `_score` reports besides the loss.
        **kwargs: passed to `keras.Model`.
    """

    def __init__(self, reported: tuple[str, ...], **kwargs):
        """Creates the running means of everything that is reported."""
        super().__init__(**kwargs)
        self._means = [keras.metrics.Mean(name=name) for name in ("loss", *reported)]

    @property
    def metrics(self):
        """The running means of `loss` and of everything else that is reported."""
        return self._means

    def _score(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        """Returns one value per example, float32 [b], for `loss` and all that is reported."""
        raise NotImplementedError

    def _score_and_track(self, batch: Batch, training: bool) -> tf.Tensor:
        """Scores a batch, updates the running means, returns the mean loss."""
        values = self._score(batch, training)
        counted = batch.get("weight", tf.ones_like(values["loss"]))
        for mean in self._means:
            # Where nobody looked there is nothing to correlate with.
            weight = counted * values["seen"] if mean.name == "cc" else counted
            mean.update_state(values[mean.name], sample_weight=weight)
        return tf.reduce_mean(values["loss"])

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Takes one optimizer step; returns the running means and this step's `step_loss`.

        Gradients are summed over the replicas of a distribution strategy, hence the division of
        the loss by their number.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss = self._score_and_track(batch, training=True)
            total = tf.add_n([loss, *self.losses]) if self.losses else loss
            scaled = self.optimizer.scale_loss(total / replicas)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return {mean.name: mean.result() for mean in self._means} | {"step_loss": loss}

    def test_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Scores one batch without learning from it; returns the running means."""
        self._score_and_track(batch, training=False)
        return {mean.name: mean.result() for mean in self._means}

    @classmethod
    def from_config(cls, config):
        """Builds the model, and the networks in it, that `get_config` described."""
        parts = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("detector", "classifier")
            if key in config
        }
        return cls(**(config | parts))


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


@keras.saving.register_keras_serializable("salclass_tf")
class DetectorModel(GazeModel):
    """Trains a detector alone: the mean squared error of its maps (Eq. 3), or another loss.

    Args:
        detector: image -> saliency map, see `detectors.build_detector`.
        saliency_loss: one of `losses.list_saliency_losses()`; with another than "mse" the squared
            error is reported beside it, as `mse`.
        output: the output of the detector, one of `losses.OUTPUT_KINDS`.
        **kwargs: passed to `keras.Model`.

    Raises:
        ValueError: for a loss or an output that is not there.
    """

    def __init__(
        self,
        detector: keras.Model,
        saliency_loss: str = losses.DEFAULT,
        output: str = "map",
        **kwargs,
    ):
        losses.check_output(output)
        loss = losses.get(saliency_loss)
        super().__init__(_with_squared_error(("saliency_loss", "cc"), loss), **kwargs)
        self.saliency_loss, self.output_kind = loss, output
        self.detector = detector
        self.built = True

    def call(self, inputs, training=None):
        """Returns {"saliency": float32 [b, s, s, 1]} of an image or of a batch's image."""
        return {"saliency": self.detector(_image_of(inputs), training=training)}

    def _score(self, batch, training):
        saliency = self(batch, training=training)["saliency"]
        values = _saliency_scores(batch, saliency, self.saliency_loss, self.output_kind)
        return values | {"loss": values["saliency_loss"]}

    def get_config(self):
        """Returns the detector, serialised, and its loss."""
        return super().get_config() | {
            "detector": keras.saving.serialize_keras_object(self.detector),
            "saliency_loss": self.saliency_loss.name,
            "output": self.output_kind,
        }


@keras.saving.register_keras_serializable("salclass_tf")
class ClassifierModel(GazeModel):
    """Trains a classifier alone: cross-entropy (Eq. 2), on RGB or on RGB and the true map.

    Args:
        classifier: image (and map) -> logits, see `classifiers.build_classifier`.
        **kwargs: passed to `keras.Model`.
    """

    def __init__(self, classifier: keras.Model, **kwargs):
        super().__init__(("classification_loss", "accuracy"), **kwargs)
        self.classifier = classifier
        self.takes_saliency = len(classifier.inputs) > 1
        self.built = True

    def call(self, inputs, training=None):
        """Returns {"logits": float32 [b, classes]} of a batch (or, for RGB, of an image)."""
        if self.takes_saliency:
            inputs = {key: inputs[key] for key in ("image", "saliency")}
        else:
            inputs = _image_of(inputs)
        return {"logits": self.classifier(inputs, training=training)}

    def _score(self, batch, training):
        values = _classification_scores(batch, self(batch, training=training)["logits"])
        return values | {"loss": values["classification_loss"]}

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
        **kwargs: passed to `keras.Model`.

    Raises:
        ValueError: if alpha is negative, the pair cannot work (see `pair.check`), or a loss or an
            output is not there.
    """

    def __init__(
        self,
        detector: keras.Model,
        classifier: keras.Model,
        alpha: float = 0.2,
        saliency_loss: str = losses.DEFAULT,
        output: str = "map",
        **kwargs,
    ):
        losses.check_output(output)
        loss = losses.get(saliency_loss)
        reported = ("classification_loss", "saliency_loss", "accuracy", "cc")
        super().__init__(_with_squared_error(reported, loss), **kwargs)
        if not alpha >= 0:
            raise ValueError(f"alpha weighs the class error and must be at least 0; got {alpha}")
        pair.check(detector, classifier)
        self.detector = detector
        self.classifier = classifier
        self.alpha = alpha
        self.saliency_loss, self.output_kind = loss, output
        self.built = True

    def call(self, inputs, training=None):
        """Returns the map and the class scores of an image, or of a batch's image.

        Args:
            inputs: RGB in [0, 255], [b, s, s, 3], or a dict with it under `image`.
            training: whether normalisations and dropout behave as in training.

        Returns:
            {"saliency": float32 [b, s, s, 1], "logits": float32 [b, classes]}.
        """
        image = _image_of(inputs)
        saliency = self.detector(image, training=training)
        logits = self.classifier({"image": image, "saliency": saliency}, training=training)
        return {"saliency": saliency, "logits": logits}

    def _score(self, batch, training):
        out = self(batch, training=training)
        values = _classification_scores(batch, out["logits"])
        values |= _saliency_scores(batch, out["saliency"], self.saliency_loss, self.output_kind)
        loss = losses.joint_loss(values["classification_loss"], values["saliency_loss"], self.alpha)
        return values | {"loss": loss}

    def get_config(self):
        """Returns both parts, serialised, alpha and the loss."""
        return super().get_config() | {
            "detector": keras.saving.serialize_keras_object(self.detector),
            "classifier": keras.saving.serialize_keras_object(self.classifier),
            "alpha": self.alpha,
            "saliency_loss": self.saliency_loss.name,
            "output": self.output_kind,
        }
