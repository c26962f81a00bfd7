"""The feature maps of a network by the names of its layers, and a few spread over its depth."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import keras

from salclass_tf import keras_internals
from salclass_tf.evaluation.activations import receptive_fields
from salclass_tf.evaluation.activations.receptive_fields import PIXELS, Field

_NONLINEARITIES = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureLayer:
    """A layer that gives feature maps.

    Attributes:
        name: of the layer.
        maps: what it gives, symbolic [b, h, w, c].
        field: what a unit of it sees.
        depth: convolutions on the longest way from the image to here.
        is_end: whether convolutions end here: in an activation, or where branches meet.
        is_neck: whether everything that the network answers comes through here.
        answers: the network's output, symbolic in the same inputs as `maps`.
    """

    name: str
    maps: keras.KerasTensor
    field: Field
    depth: int
    is_end: bool
    is_neck: bool
    answers: keras.KerasTensor

    @property
    def channels(self) -> int:
        """Number of feature maps."""
        return self.maps.shape[-1]


def find(network: keras.Model) -> dict[str, FeatureLayer]:
    """Returns the layers of feature maps whose receptive field is known, from the image on.

    Args:
        network: functional or sequential, of images [b, s, s, c]; such networks may be its layers.

    Returns:
        Name -> layer. Where an inner network has a name of the outer one, the first has it.

    Raises:
        ValueError: if there is none.
    """
    layers = _Walk(network).layers() if keras_internals.graph_of(network) is not None else {}
    if not layers:
        raise ValueError(
            f"network {network.name} has no feature maps to look at: it must be a functional or "
            "sequential model that begins with convolutions of the image"
        )
    return layers


def last(network: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Returns the deepest feature maps that everything comes through, and the answers from them.

    Args:
        network: see `find`.

    Returns:
        Maps [b, h, w, c] and the network's output, both symbolic in the network's inputs.

    Raises:
        ValueError: if there are none.
    """
    layers = find(network)
    [name] = spread(layers, 1)
    # Both must come from one walk: another one makes other tensors.
    return layers[name].maps, layers[name].answers


def spread(layers: Mapping[str, FeatureLayer], count: int) -> list[str]:
    """Returns the names of layers in equal steps of depth; the last features are among them.

    Depth is counted in convolutions. Asked are the ends of blocks that everything comes through:
    activations of VGG, stacks of Inception (`mixed5`), ends of ResNet's blocks. Where these are
    too few, as in NASNet, the ends of branches are asked too.

    Args:
        layers: see `find`.
        count: how many; fewer come from a network that has no more.
    """
    ends = [layer for layer in layers.values() if layer.is_end] or list(layers.values())
    necks = [layer for layer in ends if layer.is_neck]
    asked = necks if len(necks) > count else ends
    deepest = max(layer.depth for layer in asked)
    wanted = [deepest * step / count for step in range(1, count + 1)]
    # Of equally near ones the last: where branches meet, not where the longest one ends.
    found = [min(reversed(asked), key=lambda layer: abs(layer.depth - depth)) for depth in wanted]
    return list(dict.fromkeys(layer.name for layer in found))


class _Walk:
    """Goes through a network, inner ones included, and notes what every layer gives."""

    def __init__(self, network: keras.Model):
        # Tensors are known by their ids: the list keeps them, and so their ids, alive.
        self._given: list[tuple[keras.Operation, keras.KerasTensor]] = []
        self._fields = {id(x): PIXELS if len(x.shape) == 4 else None for x in network.inputs}
        self._inputs = set(self._fields)
        self._depths = collections.Counter()
        self._joined: set[int] = set()
        self._last_reader: dict[int, int] = {}
        self._answers = self._through(network, network.inputs)
        # What comes after the network reads its answers.
        answers = keras.tree.flatten(self._answers)
        self._last_reader |= {id(x): len(self._given) for x in answers}

    def layers(self) -> dict[str, FeatureLayer]:
        """Those whose field is known, and that have more than one unit a map."""
        found: dict[str, FeatureLayer] = {}
        necks = self._necks()
        for operation, maps in self._given:
            field = self._fields[id(maps)]
            if field is None or maps.shape[1] * maps.shape[2] == 1:
                continue
            layer = FeatureLayer(
                operation.name,
                maps,
                field,
                self._depths[id(maps)],
                _is_activated(operation) or id(maps) in self._joined,
                id(maps) in necks,
                self._answers,
            )
            found.setdefault(layer.name, layer)
        return found

    def _through(self, network: keras.Model, inputs: Sequence[keras.KerasTensor]):
        """Applies a network again, operation by operation."""
        # What inner networks give is symbolic in their own inputs alone; applied again, it is of
        # the image.
        graph = keras_internals.graph_of(network)
        return keras_internals.run_through_graph(graph, inputs, self._call)

    def _call(self, operation: keras.Operation, *args, **kwargs):
        """Applies one operation, or those of an inner network."""
        read = [x for x in keras.tree.flatten((args, kwargs)) if keras.backend.is_keras_tensor(x)]
        if keras_internals.graph_of(operation) is not None:
            return self._through(operation, read)
        out = operation(*args, **kwargs)
        fields = [(x.shape, self._fields[id(x)]) for x in read]
        self._last_reader |= {id(x): len(self._given) for x in read}
        for maps in keras.tree.flatten(out):
            self._given.append((operation, maps))
            self._fields[id(maps)] = receptive_fields.behind(operation, fields, maps.shape)
            convolves = receptive_fields.is_convolution(operation)
            self._depths[id(maps)] = convolves + max(self._depths[id(x)] for x in read)
            if sum(field is not None for _, field in fields) > 1:
                self._joined.add(id(maps))
        return out

    def _necks(self) -> set[int]:
        """Ids of tensors that are, when they are made, the only ones still to be read."""
        necks, waiting = set(), self._inputs
        for place, (_, maps) in enumerate(self._given):
            waiting = {x for x in (*waiting, id(maps)) if self._last_reader.get(x, -1) > place}
            if waiting == {id(maps)}:
                necks |= waiting
        return necks


def _is_activated(operation: keras.Operation) -> bool:
    """Whether an operation is, or ends with, something that is not linear."""
    own = getattr(operation, "activation", None) not in (None, keras.activations.linear)
    return own or isinstance(operation, _NONLINEARITIES)
