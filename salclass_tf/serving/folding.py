"""Batch normalisations as part of the convolutions before them."""

import keras
import numpy as np

from salclass_tf import keras_internals
from salclass_tf.model import SalClassNet


def fold(twin: keras.Model, trained: keras.Model) -> keras.Model:
    """Returns a network that infers what `trained` does, with fewer operations.

    At inference a batch normalisation is `y -> s y + t` per channel, with `s = gamma / sqrt(var +
    epsilon)` and `t = beta - s mean`. After a convolution without activation that nothing else
    reads, `s` scales the kernel's output channels and `t` joins the bias. Products are taken in
    float64 and rounded once, to the precision of the twin.

    Args:
        twin: functional networks of the layers of `trained`, in the precision that is wanted, or
            SalClassNet of two such; its weights do not matter.
        trained: has the weights, its layers in the same order.

    Returns:
        A new network of the inputs and outputs of `twin`.

    Raises:
        ValueError: if the two do not have the same layers.
    """
    if isinstance(twin, SalClassNet):
        parts = (
            fold(getattr(twin, part), getattr(trained, part)) for part in ("detector", "classifier")
        )
        return twin.joined_alike(*parts)
    if [type(layer) for layer in twin.layers] != [type(layer) for layer in trained.layers]:
        raise ValueError("config.json and model.keras of the stage describe different networks")
    normalisations = _foldable(twin)

    def clone(layer: keras.Layer) -> keras.Layer:
        if layer.name in normalisations.values():
            return keras.layers.Identity(name=layer.name, dtype=layer.dtype_policy)
        more = {"use_bias": True} if layer.name in normalisations else {}
        return type(layer).from_config(layer.get_config() | more)

    def call(layer: keras.Layer, *args, **kwargs) -> keras.KerasTensor:
        # A batch normalisation was called with a mask, which its stand-in does not know.
        return (
            layer(args[0]) if isinstance(layer, keras.layers.Identity) else layer(*args, **kwargs)
        )

    folded = keras.models.clone_model(twin, clone_function=clone, call_function=call)
    # By place: layers without a name of their own are numbered differently in each network.
    sources = dict(zip((layer.name for layer in twin.layers), trained.layers, strict=True))
    for layer in folded.layers:
        if layer.name in normalisations:
            normalisation = sources[normalisations[layer.name]]
            layer.set_weights(_folded(sources[layer.name], normalisation))
        elif layer.weights:
            layer.set_weights(sources[layer.name].get_weights())
    return folded


def _foldable(network: keras.Model) -> dict[str, str]:
    """Name of each convolution -> name of the batch normalisation that alone reads it."""
    found = {}
    for layer in network.layers:
        if type(layer) is not keras.layers.BatchNormalization:
            continue
        before = keras_internals.operation_of(layer.input)
        if (
            type(before) is keras.layers.Conv2D
            and before.activation is keras.activations.linear
            and keras_internals.number_of_uses(before) == 1
            and layer.axis in (-1, 3)
        ):
            found[before.name] = layer.name
    return found


def _folded(
    convolution: keras.layers.Conv2D, normalisation: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Kernel and bias that do the work of both."""
    kernel, *bias = (np.float64(weight) for weight in convolution.get_weights())
    deviation = np.sqrt(np.float64(normalisation.moving_variance) + normalisation.epsilon)
    factor = 1 / deviation
    if normalisation.scale:
        factor = np.float64(normalisation.gamma) / deviation
    shift = np.float64(normalisation.beta) if normalisation.center else 0.0
    centred = sum(bias) - np.float64(normalisation.moving_mean)
    return [kernel * factor, centred * factor + shift]
