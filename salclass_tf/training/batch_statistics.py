"""Statistics of batch normalisation, taken anew where the weights do not move."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from salclass_tf.model import GazeModel
from salclass_tf.training import networks

#: training batches that are looked at, at most
BATCHES = 20


class Fitting:
    """Gives every batch normalisation that learns the mean statistics of some batches.

    Where weights move fast, running means are those of other weights, and of few batches: with a
    momentum of 0.95 of the last twenty steps. What a network answers goes by them.

    Args:
        model: as it is trained; its weights stay as they are.
        strategy: of the model, whose replicas share each batch; None is TensorFlow's default.
    """

    def __init__(self, model: GazeModel, strategy: tf.distribute.Strategy | None = None):
        self._model = model
        self._strategy = strategy or tf.distribute.get_strategy()
        self._layers = [one for one in networks.normalizations(model) if one.trainable]
        # Traced once, for all epochs, with the momentum that layers have while it runs.
        self._normalise = tf.function(self._normalise_batch, autograph=False)

    def measure(self, batches: tf.data.Dataset) -> None:
        """Takes the statistics.

        Args:
            batches: of training images, as they are in training; at most `BATCHES` are looked at,
                and each counts equally. With none of them nothing changes.
        """
        if not self._layers:
            return
        statistics = [v for one in self._layers for v in (one.moving_mean, one.moving_variance)]
        total, count = [np.zeros(value.shape) for value in statistics], 0
        with _forgetting(self._layers), _same_draws(self._model):
            for batch in self._strategy.experimental_distribute_dataset(batches.take(BATCHES)):
                self._normalise(batch)
                total = [kept + now.numpy() for kept, now in zip(total, statistics, strict=True)]
                count += 1
        for value, summed in zip(statistics, total, strict=True) if count else ():
            value.assign((summed / count).astype(np.float32))

    def _normalise_batch(self, batch) -> None:
        """Has layers see a batch."""
        self._strategy.run(lambda given: self._model(given, training=True), args=(batch,))


@contextlib.contextmanager
def _forgetting(layers: Sequence[keras.layers.BatchNormalization]) -> Iterator[None]:
    """Has layers keep the statistics of the newest batch alone."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


@contextlib.contextmanager
def _same_draws(model: GazeModel) -> Iterator[None]:
    """Leaves random layers where they were, so that a run that repeats this goes on as it would."""
    weights = {id(weight) for weight in model.weights}
    states = [state for state in model.variables if id(state) not in weights]
    before = [state.numpy() for state in states]
    try:
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)
