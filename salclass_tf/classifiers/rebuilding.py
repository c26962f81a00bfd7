"""A network rebuilt, layer by layer, in the graph of another one and at another width."""

import re
from collections.abc import Iterator

import keras

from salclass_tf import keras_internals
from salclass_tf.classifiers import channels, pooling, rgbs
from salclass_tf.classifiers.depthwise import DepthwiseConvolution

_MEAN = keras.layers.GlobalAveragePooling2D


class Rebuilding:
    """Rebuilds the layers of a network.

    A new layer has the settings and the name of the old one, with seven exceptions: those that
    normalise pixels are left out; those inside a `Sequential` stand by themselves; convolutions in
    groups of one channel are a `DepthwiseConvolution`; names that Keras counted over the whole
    process are counted from the first of their kind; channel counts have the width; the layer of
    the classes and what follows it compute in float32; and the last features may be pooled by gaze.

    Attributes:
        first: name of the first convolution.
        head: name of the class layer, the last one with weights.
        pairs: layers with weights, (old, new).
    """

    def __init__(
        self,
        network: keras.Model,
        num_classes: int,
        width: float = 1.0,
        bn_momentum: float | None = None,
        dropout: float | None = None,
        pooled: str = "mean",
    ):
        """Prepares the copy.

        Args:
            network: functional, of the published width.
            num_classes: channels of the new class layer.
            width: factor on every other channel count.
            bn_momentum: of every batch normalisation; None keeps the network's own.
            dropout: rate of the dropouts before the class layer; None keeps the network's own.
            pooled: how the last features are pooled, one of `pooling.POOLINGS`.

        Raises:
            ValueError: if it has no convolution, which could be widened, or others than the class
                layer would have to read both poolings.
        """
        layers = list(_flat(network.operations))
        last = max(i for i, layer in enumerate(layers) if getattr(layer, "weights", ()))
        self._network = network
        self._names = _recounted(layers)
        self._after_features = {layer.name for layer in layers[last:]}
        self._channels = channels.plan(network, width) | {layers[last].name: num_classes}
        self._bn_momentum = bn_momentum
        self._dropout = dropout
        first = next((x.name for x in layers if isinstance(x, keras.layers.Conv2D)), None)
        if first is None:
            raise ValueError(f"{network.name} has no convolution that could read the map")
        self.first, self.head = self._names[first], self._names[layers[last].name]
        self.pairs: list[tuple[keras.Layer, keras.Layer]] = []
        pools = [n for n, x in enumerate(layers) if isinstance(x, _MEAN)]
        self._pool, self._pooled = layers[pools[-1]], pooled
        between = [x.name for x in layers[pools[-1] : last] if getattr(x, "weights", ())]
        if pooled == "both" and between:
            raise ValueError(
                f'pooling="both" doubles what {between[0]} of {network.name} reads; take '
                'pooling="gaze", or a network whose class layer alone reads the pooled features'
            )
        self._inputs: keras.KerasTensor | dict[str, keras.KerasTensor] = {}

    def apply(
        self, stack: keras.KerasTensor, inputs: keras.KerasTensor | dict[str, keras.KerasTensor]
    ) -> keras.KerasTensor:
        """Returns what the new layers make of a stack of normalised channels.

        Args:
            stack: [b, s, s, c].
            inputs: what it was made of, see `rgbs.build_input`: pooling by gaze reads the map.
        """
        self._inputs = inputs
        # `clone_model` insists on making a model of the tensors that it is given, which cannot be
        # part of a larger one without nesting.
        return keras_internals.run_through_graph(self._network, stack, self._call)

    def _call(self, layer: keras.Operation, *args, **kwargs) -> keras.KerasTensor:
        """Applies the new layer in place of an old one."""
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            return args[0]
        if isinstance(layer, keras.Sequential):
            [x] = args
            for inner in layer.layers:
                x = self._call(inner, x)
            return x
        new = self._make(layer, args)
        if layer is self._pool:
            return pooling.pool(new, args[0], self._inputs, self._pooled)
        out = new(*args, **kwargs)
        if getattr(layer, "weights", ()):
            self.pairs.append((layer, new))
        return out

    def _make(self, layer: keras.Operation, args: tuple) -> keras.Operation:
        """Makes the new layer."""
        name = self._names[layer.name]
        config = layer.get_config() | {"name": name} | self._channel_settings(layer, args)
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = rgbs.has_replicas()
            if self._bn_momentum is not None:
                config["momentum"] = self._bn_momentum
        elif isinstance(layer, keras.layers.Dropout) and layer.noise_shape is None:
            config["rate"] = layer.rate if self._dropout is None else self._dropout
        if layer.name in self._after_features and isinstance(layer, keras.Layer):
            config["dtype"] = "float32"
        # What `channels` leaves out among convolutions works on each channel by itself.
        alone = type(layer) is keras.layers.Conv2D and layer.name not in self._channels
        return (DepthwiseConvolution if alone else type(layer)).from_config(config)

    def _channel_settings(self, layer: keras.Operation, args: tuple) -> dict:
        """The settings of a layer that count channels."""
        if layer.name in self._channels:
            return {channels.DECIDING[type(layer)]: self._channels[layer.name]}
        given = getattr(args[0], "shape", (None,))[-1]
        if isinstance(layer, keras.layers.Conv2D):
            return {"filters": given, "groups": given}
        if isinstance(layer, keras.layers.Reshape):
            return {"target_shape": (*layer.target_shape[:-1], given)}
        if type(layer).__name__ == "LayerScale":
            return {"projection_dim": given}
        return {}


def _flat(layers: list[keras.Operation]) -> Iterator[keras.Operation]:
    """Layers in the order of the graph, with those of a `Sequential` in its place."""
    for layer in layers:
        if isinstance(layer, keras.Sequential):
            yield from _flat(layer.layers)
        else:
            yield layer


def _recounted(layers: list[keras.Operation]) -> dict[str, str]:
    """Old name -> new name."""
    numbers: dict[str, dict[str, int]] = {}
    for layer in layers:
        stem, number = re.fullmatch(r"(.+?)(?:_(\d+))?", layer.name).groups()
        if stem.replace("_", "") == type(layer).__name__.lower():
            numbers.setdefault(stem, {})[layer.name] = int(number or 0)
    names = {layer.name: layer.name for layer in layers}
    for stem, found in numbers.items():
        first = min(found.values())
        for name, number in found.items():
            names[name] = f"{stem}_{number - first}" if number > first else stem
    return names
