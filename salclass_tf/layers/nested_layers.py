"""The layers of a network that holds other networks."""

from collections.abc import Iterator

import keras


def leaves(network: keras.Model) -> Iterator[keras.Layer]:
    """Yields the layers of a network in order, those of networks inside it in their place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer
