"""A network cut in two where learning begins: what comes before gives the same for the same view.

Both halves share the layers of the network, which stays whole and as it was: what the second half
learns the network has learned.
"""

import dataclasses
from typing import Any

import keras

from salclass_tf import keras_internals, layers


@dataclasses.dataclass(frozen=True)
class Halves:
    """A network in two.

    Attributes:
        beginning: the network's inputs -> features, [b, ...] each, in the arithmetic of the layers
            that compute them; a list of them where there are several.
        rest: the same features -> the network's output.
        ends: names of the layers that give the features.
    """

    beginning: keras.Model
    rest: keras.Model
    ends: tuple[str, ...]


def halves(network: keras.Model) -> Halves | None:
    """Cuts a network before the first layers of each path that learn.

    What comes before answers in training as in inference, by which `beginning` is computed: no
    layer there has parameters that learn, draws random numbers, as dropout does, or normalises by
    the statistics of a batch. Batch normalisation that is frozen goes by its running means.

    Args:
        network: functional; its layers' `trainable` says which of them learn.

    Returns:
        The halves; None if no layer with weights comes before learning begins, if nothing learns,
        or if the network is not functional.
    """
    graph = keras_internals.graph_of(network)
    if graph is None:
        return None
    cut = _Cut(graph.inputs)
    output = keras_internals.run_through_graph(graph, graph.inputs, cut.apply)
    if not cut.has_weights or not cut.features or cut.is_fixed(output):
        return None
    features, places = zip(*cut.features.values(), strict=True)
    return Halves(
        keras.Model(graph.input, list(features), name=f"{network.name}_beginning"),
        keras.Model(list(places), output, name=f"{network.name}_rest"),
        tuple(keras_internals.operation_of(tensor).name for tensor in features),
    )


def first_learner(network: keras.Model) -> str | None:
    """Returns the name of the first layer that keeps a network from having a frozen beginning.

    Args:
        network: one of which `halves` are None.

    Returns:
        The name; None if nothing learns.
    """
    learners = (layer.name for layer in layers.leaves(network) if not _is_constant(layer))
    return next(learners, None)


class _Cut:
    """The walk over a graph that applies its layers again, on one side of the cut or the other.

    Attributes:
        features: by the tensors' identity, what the beginning gives and the input of the rest that
            stands for it.
        has_weights: whether a layer of the beginning has any.
    """

    def __init__(self, inputs: list[keras.KerasTensor]):
        self._fixed = {id(tensor) for tensor in inputs}
        self._kept: list[Any] = []  # an identity is one only as long as its object lives
        self.features: dict[int, tuple[keras.KerasTensor, keras.KerasTensor]] = {}
        self.has_weights = False

    def is_fixed(self, tensor: Any) -> bool:
        """Whether a tensor of the walk is one of the beginning."""
        return id(tensor) in self._fixed

    def apply(self, operation: keras.Operation, *args, **kwargs) -> Any:
        """Applies an operation of the graph to what stands in for its inputs."""
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if _is_symbolic(x)]
        if _is_constant(operation) and all(self.is_fixed(tensor) for tensor in tensors):
            out = operation(*args, **kwargs)
            self._fixed |= {id(tensor) for tensor in keras.tree.flatten(out)}
            self._kept.append(out)
            self.has_weights |= bool(getattr(operation, "weights", ()))
            return out
        args, kwargs = keras.tree.map_structure(self._in_rest, (args, kwargs))
        return operation(*args, **kwargs)

    def _in_rest(self, value: Any) -> Any:
        """What stands for a tensor in the rest: itself, or the input that takes its place."""
        if not _is_symbolic(value) or not self.is_fixed(value):
            return value
        if id(value) not in self.features:
            place = keras.Input(batch_shape=value.shape, dtype=value.dtype)
            self.features[id(value)] = value, place
        return self.features[id(value)][1]


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _is_constant(operation: keras.Operation) -> bool:
    """Whether an operation gives the same for the same inputs, in every step of training."""
    if isinstance(operation, keras.Model):
        return all(_is_constant(layer) for layer in layers.leaves(operation))
    if not isinstance(operation, keras.Layer):
        return True
    learns = bool(operation.trainable_variables)
    draws = len(operation.variables) > len(operation.weights)  # states of random numbers
    by_batch = isinstance(operation, keras.layers.BatchNormalization) and operation.trainable
    return not (learns or draws or by_batch)
