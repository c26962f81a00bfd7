"""What all models that learn from gaze share: their steps, and how they meet people's images."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

import salclass_tf  # whose front knows the rooms above this one
from salclass_tf import layers
from salclass_tf.data import photographs
from salclass_tf.data.geometry import Geometry
from salclass_tf.model import examples
from salclass_tf.model.compiled import OutputMetrics
from salclass_tf.model.examples import Batch

#: key of a batch that has been through the frozen beginning of a part, see `read_features`
FEATURES = "features"

_NAMED_CLASSES = 5

# What is reported of images that somebody looked at, and of no others.
_OF_SEEN = ("cc", "attention_loss")


@dataclasses.dataclass(frozen=True)
class _Shortened:
    """The part of a model that begins later; no layer of the model, so that nothing saves it."""

    part: str
    rest: keras.Model


class GazeModel(keras.Model):
    """A model that learns from gaze batches: one score for training and testing.

    A batch is a dict of `image` (RGB in [0, 255], [b, s, s, 3]), `saliency` (float32 in [0, 1],
    [b, s, s, 1]) and `label` (int [b]); each subclass reads what it learns from. An optional
    `weight` (float [b]) says how much an example counts in what is reported, not in training.
    A saliency loss that is taken at fixations reads `fixation_counts`, [b, s, s, 1]. Keras'
    `(x, y)` serves too, with the image as x and the rest as y.
    `compile(optimizer)` and `fit` work, and so does any other loop around `train_step`.

    Args:
        reported: what `_score` reports besides the loss.
        network: the part that the sizes of image and classes are taken from.
        class_names: names of the classes in the order of the logits; () for numbers.
        short_side: short side of the images that crops are taken from, in pixels; None for the
            paper's ratio to the crop, 340 / 299.
        **kwargs: passed to `keras.Model`.

    Raises:
        ValueError: if there are too many or too few class names, or crops are larger than images.
    """

    # The stage of a run whose network this is; the keys of what `call` returns; the key of a
    # target that comes alone.
    _stage = ""
    _gives: tuple[str, ...] = ()
    _target: str | None = None

    def __init__(
        self,
        reported: tuple[str, ...],
        network: keras.Model,
        class_names: Sequence[str] = (),
        short_side: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._means = [keras.metrics.Mean(name=name) for name in ("loss", *reported)]
        self._asked = OutputMetrics(None, self._gives)
        self._shortened: _Shortened | None = None
        self.image_size = _side(network)
        self.num_classes = network.output_shape[-1] if "logits" in self._gives else 0
        self.class_names = tuple(class_names)
        self.short_side = short_side
        if self.class_names and len(self.class_names) != self.num_classes:
            raise ValueError(
                f"class_names must name all {self.num_classes} classes; "
                f"got {len(self.class_names)} names"
            )
        if short_side is not None:
            _ = self.geometry  # it validates the size

    @classmethod
    def from_preset(cls, location: str | os.PathLike, **kwargs) -> Self:
        """Loads a trained network, with its class names and the geometry of its images.

        Args:
            location: the folder of a run, such as `runs/demo`, of which the stage of this kind
                of model is taken; the folder of a stage; a `.keras` file; or `hf://user/name`, a
                repository of Hugging Face that holds one of those (needs `huggingface_hub`).
            **kwargs: arguments of the constructor in place of what is found, such as
                `class_names`, `short_side` and `saliency_loss`.

        Returns:
            The model, not compiled.

        Raises:
            ValueError: if there is no network, it is of another kind, or cannot be read.
        """
        found = salclass_tf.open_location(location, cls._stage)
        settings = cls._settings_of(found.network)
        if settings is None:
            raise ValueError(
                f"{location} is nothing for {cls.__name__}.from_preset; it holds "
                f"{salclass_tf.kind_of(found.network)}"
            )
        return cls(**(cls._facts(found) | settings | kwargs))

    @classmethod
    def _settings_of(cls, network: keras.Model) -> dict[str, Any] | None:
        """The arguments that make this model of a network, None if it is of another kind."""
        raise NotImplementedError

    @classmethod
    def _facts(cls, found) -> dict[str, Any]:
        """What lies beside a network, as arguments."""
        return {"class_names": found.class_names, "short_side": found.short_side}

    @property
    def geometry(self) -> Geometry:
        """Crop and resize sizes of the images that the model is for.

        Raises:
            ValueError: if its networks take images of any size.
        """
        if self.image_size is None:
            raise ValueError(
                "the network takes images of any size, so nothing tells how to prepare yours: "
                "pass batches [b, h, w, 3] as the network is to see them"
            )
        if self.short_side is None:
            return Geometry.for_image_size(self.image_size)
        return Geometry(self.image_size, self.short_side)

    @property
    def metrics(self):
        """The running means of `loss` and of everything else that is reported."""
        return [*self._means, *self._asked.all]

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        **kwargs,
    ):
        """Sets what `fit` trains with; the losses are the model's own.

        Args:
            optimizer: as in `keras.Model.compile`.
            loss: not taken, since the model has its own: `saliency_loss=` and `alpha=` of its
                constructor choose it.
            loss_weights: not taken: `alpha=`.
            metrics: {"saliency": [...], "logits": [...]}, as far as the model has these outputs:
                metrics of Keras, compared with `saliency` and `label`; a list where there is one
                output. Each is reported as `<output>_<name>`.
            weighted_metrics: not taken: `metrics` are weighted by `weight` where a batch has it.
            **kwargs: passed to `keras.Model.compile`, such as `jit_compile`.

        Raises:
            ValueError: if one of those that are not taken is given, or a metric is not there.
        """
        for name, value in (("loss", loss), ("loss_weights", loss_weights)):
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__} has its own loss and takes no {name}; choose it with "
                    "saliency_loss= and alpha= of the constructor, and leave it out of compile"
                )
        if weighted_metrics is not None:
            raise ValueError(
                "weighted_metrics are not taken; metrics= are weighted where a batch has `weight`"
            )
        self._asked = OutputMetrics(metrics, self._gives)
        self._asked_in_words = metrics
        super().compile(optimizer=optimizer, **kwargs)
        for network in self.networks_of_steps():
            layers.take_strides_first(network)

    def get_compile_config(self) -> dict:
        """Returns what `compile` was given, serialised."""
        config = super().get_compile_config()
        if config:
            config["metrics"] = keras.saving.serialize_keras_object(self._asked_in_words)
        return config

    def compile_from_config(self, config: dict) -> None:
        """Compiles a loaded model as it was before, its optimizer ready to take its state."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def _score(self, batch: Batch, out: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns one value per example, float32 [b], for `loss` and all that is reported."""
        raise NotImplementedError

    def _score_and_track(self, data: Batch | tuple, training: bool) -> tf.Tensor:
        """Scores a batch, updates the running means, returns the mean loss."""
        batch = examples.as_batch(data, self._target)
        if not self._has_features(batch):
            examples.check_keys(batch, self._learns_from, type(self).__name__)
        return self.track(batch, self._answer(batch, training))

    @property
    def is_scored_by_answers(self) -> bool:
        """Whether `track` needs nothing but what `call` returns."""
        return True

    def _answer(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        """Returns what a batch is scored by: what `call` returns, and whatever a loss reads."""
        return self(batch, training=training)

    def track(self, batch: Batch, out: dict[str, tf.Tensor]) -> tf.Tensor:
        """Updates the running means by a batch and what the model answered to it.

        Args:
            batch: a dict with what the model learns from.
            out: what `call` returned for it, of a model that `is_scored_by_answers`.

        Returns:
            The mean loss, float32 [].
        """
        values = self._score(batch, out)
        counted = batch.get("weight", tf.ones_like(values["loss"]))
        for mean in self._means:
            # Where nobody looked there is nothing to compare with.
            weight = counted * values["seen"] if mean.name in _OF_SEEN else counted
            mean.update_state(values[mean.name], sample_weight=weight)
        self._asked.update(batch, out)
        return tf.reduce_mean(values["loss"])

    def read_features(self, part: str, rest: keras.Model) -> None:
        """Lets batches hold what the frozen beginning of a part has made of them.

        Batches that have `features`, a tuple of tensors [b, ...], need not have what the beginning
        reads; others are answered as before. What is trained and saved stays the whole network.

        Args:
            part: "detector" or "classifier".
            rest: features -> the part's output, see `frozen_beginnings.halves`.
        """
        self._shortened = _Shortened(part, rest)

    def networks_of_steps(self) -> list[keras.Model]:
        """Returns the networks that a training step computes, without kept features' beginnings."""
        parts = {name: getattr(self, name, None) for name in ("detector", "classifier")}
        if self._shortened is not None:
            parts[self._shortened.part] = self._shortened.rest
        return [network for network in parts.values() if network is not None]

    def _has_features(self, batch: Any) -> bool:
        """Whether a batch has been through the frozen beginning of a part."""
        return self._shortened is not None and isinstance(batch, dict) and FEATURES in batch

    def _apply(self, part: str, batch: Any, read: Callable[[Any], Any], training) -> tf.Tensor:
        """What a part makes of a batch: of its features, or of what is read from it."""
        if self._has_features(batch) and self._shortened.part == part:
            return self._shortened.rest(list(batch[FEATURES]), training=training)
        return getattr(self, part)(read(batch), training=training)

    def _results(self) -> dict[str, tf.Tensor]:
        """All that is reported, up to now."""
        return {mean.name: mean.result() for mean in self._means} | self._asked.results()

    def train_step(self, data: Batch | tuple) -> dict[str, tf.Tensor]:
        """Takes one optimizer step; returns the running means and this step's `step_loss`.

        Gradients are summed over the replicas of a distribution strategy, hence the division of
        the loss by their number.

        Raises:
            ValueError: if the batch lacks what the model learns from, or has sample weights.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss = self._score_and_track(data, training=True)
            total = tf.add_n([loss, *self.losses]) if self.losses else loss
            scaled = self.optimizer.scale_loss(total / replicas)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return self._results() | {"step_loss": loss}

    def test_step(self, data: Batch | tuple) -> dict[str, tf.Tensor]:
        """Scores one batch without learning from it; returns the running means.

        Raises:
            ValueError: if the batch lacks what the model learns from, or has sample weights.
        """
        self._score_and_track(data, training=False)
        return self._results()

    def predict(
        self, x: Any, batch_size: int | None = None, verbose="auto", steps=None, callbacks=None
    ) -> dict[str, np.ndarray]:
        """Predicts people's images, or the batches that Keras takes.

        A path, one image [h, w, 3], a list of those, and a batch of another size than the
        network's are **prepared as in evaluation**: scaled to the short side of `geometry`, the
        centre cut out. A batch [b, s, s, 3] of the network's own size, a dict, a
        `tf.data.Dataset` and whatever else `keras.Model.predict` takes goes there **as it is**.

        Args:
            x: the images; uint8, or numbers in [0, 255].
            batch_size: as in Keras, 32 by default.
            verbose: as in Keras.
            steps: as in Keras.
            callbacks: as in Keras.

        Returns:
            What `call` returns, as arrays: `saliency` float32 [n, s, s, 1], on the central crop,
            and `logits` float32 [n, classes], as far as the model has them. For images that
            were prepared also what a server answers: `probabilities` float32 [n, classes],
            `top_classes` [n, k] the names of the five likeliest classes, and
            `top_probabilities` float32 [n, k], largest first.

        Raises:
            ValueError: for what is no image; the message names which and why.
        """
        keras_takes = {"verbose": verbose, "steps": steps, "callbacks": callbacks}
        if not photographs.are_photographs(x, self.image_size):
            return super().predict(x, batch_size=batch_size, **keras_takes)
        if not self._answers_images:
            raise ValueError(
                "this classifier reads true gaze maps, so images alone are not enough: pass "
                'batches {"image": [b, s, s, 3], "saliency": [b, s, s, 1]}'
            )
        views = photographs.central_views(x, self.geometry)
        out = super().predict(views, batch_size=batch_size, **keras_takes)
        return out | self._likeliest(out["logits"]) if "logits" in out else out

    @property
    def _learns_from(self) -> tuple[str, ...]:
        """The keys of a batch that a step needs."""
        raise NotImplementedError

    @property
    def _answers_images(self) -> bool:
        """Whether an image alone is enough for an answer."""
        return True

    def _plain_signature(self) -> list:
        """The inputs of an export that holds the network alone."""
        return [_image_spec(self.image_size)]

    def _likeliest(self, logits: np.ndarray) -> dict[str, np.ndarray]:
        """Probabilities, and the names of the likeliest classes."""
        probabilities = tf.nn.softmax(tf.cast(logits, tf.float32))
        top = tf.math.top_k(probabilities, min(_NAMED_CLASSES, self.num_classes))
        return {
            "probabilities": probabilities.numpy(),
            "top_classes": np.array(self.names_of_classes)[top.indices.numpy()],
            "top_probabilities": top.values.numpy(),
        }

    @property
    def names_of_classes(self) -> tuple[str, ...]:
        """The names of the classes; their numbers where they have none."""
        return self.class_names or tuple(str(number) for number in range(self.num_classes))

    def export(
        self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs
    ):
        """Exports the model; it need not have been called or compiled.

        A SavedModel gets the signatures that `export.py` writes and `docs/serving.md` describes:
        encoded images, or bytes of any size, in; maps, probabilities and class names out, with
        the preparation inside. Where another format, a signature of your own, or a model that
        reads true maps is asked for, it is Keras' export: the network alone, image to outputs.

        Args:
            filepath: folder of the SavedModel, or the file of another format. An earlier
                export there is replaced.
            format: as in Keras.
            verbose: as in Keras; a SavedModel prints nothing.
            input_signature: as in Keras; None is `image` [b, s, s, 3] of the network's size.
            **kwargs: as in Keras.

        Raises:
            ValueError: if the folder has other content, or the network takes any size of image.
        """
        own = format == "tf_saved_model" and input_signature is None and not kwargs
        if not own or not self._answers_images:
            signature = input_signature or self._plain_signature()
            return super().export(filepath, format, verbose, signature, **kwargs)
        return salclass_tf.export_network(
            self, filepath, self.geometry, self.names_of_classes if self.num_classes else ()
        )

    def _own_config(self) -> dict[str, Any]:
        """The arguments of the constructor besides the networks, those that are set."""
        own = {"class_names": list(self.class_names), "short_side": self.short_side}
        return {key: value for key, value in own.items() if value}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor; each subclass adds its networks, serialised."""
        return super().get_config() | self._own_config()

    @classmethod
    def from_config(cls, config):
        """Builds the model, and the networks in it, that `get_config` described."""
        parts = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("detector", "classifier")
            if key in config
        }
        return cls(**(config | parts))


def _side(network: keras.Model) -> int | None:
    """The side of the square images that a network takes, None if any or not square."""
    shapes = [tensor.shape for tensor in network.inputs if tensor.shape[-1] == 3]
    height, width = shapes[0][1:3] if shapes else (None, None)
    return height if height == width else None


def _image_spec(side: int | None) -> keras.InputSpec:
    """Any number of images."""
    return keras.InputSpec(shape=(None, side, side, 3), dtype="float32", name="image")
