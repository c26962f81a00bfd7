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


def measure(
    model: GazeModel, batches: tf.data.Dataset, strategy: tf.distribute.Strategy | None = None
) -> None:
    """Gives every batch normalisation that learns the mean statistics of some batches.

    Where weights move fast, running means are those of other weights, and of few batches: with a
    momentum of 0.95 of the last twenty steps. What a network answers goes by them.

    Args:
        model: as it is trained; its weights stay as they are.
        batches: of training images, as they are in training; at most `BATCHES` are looked at, and
            each counts equally. With none of them nothing changes.
        strategy: of the model, whose replicas share each batch; None is TensorFlow's default.
    """
    strategy = strategy or tf.distribute.get_strategy()
    layers = [layer for layer in networks.normalizations(model) if layer.trainable]
    if not layers:
        return
    statistics = [value for one in layers for value in (one.moving_mean, one.moving_variance)]
    total, count = [np.zeros(value.shape) for value in statistics], 0
    with _forgetting(layers), _same_draws(model):

        @tf.function(autograph=False)
        def normalise(batch):
            strategy.run(lambda given: model(given, training=True), args=(batch,))

        for batch in strategy.experimental_distribute_dataset(batches.take(BATCHES)):
            normalise(batch)
            total = [kept + now.numpy() for kept, now in zip(total, statistics, strict=True)]
            count += 1
    for value, summed in zip(statistics, total, strict=True) if count else ():
        value.assign((summed / count).astype(np.float32))


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
