"""Which feature maps a picture shows: those that a user names, or that vary most."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg

from salclass_tf.evaluation.activations import feature_layers
from salclass_tf.evaluation.activations.feature_layers import FeatureLayer

#: what is shown where nothing is named: layers of a network, maps of a layer
LAYERS, MAPS = 4, 3


class Channel(NamedTuple):
    """A channel to show, counted from 0: of the layer of that name, or of all layers if None."""

    layer: str | None
    number: int


def choose(
    known: Mapping[str, FeatureLayer], layers: Sequence[str], channels: Sequence[Channel]
) -> dict[FeatureLayer, list[int]]:
    """Returns the layers to show, with those of their channels that are named.

    Args:
        known: layers of the network, see `feature_layers.find`.
        layers: names; empty for those that `channels` names, or `LAYERS` spread over the depth.
        channels: of these layers.

    Returns:
        Layer -> numbers of channels, [] where none is named.

    Raises:
        ValueError: for a layer or a channel that is not there.
    """
    names = dict.fromkeys(layers) or dict.fromkeys(name for name, _ in channels if name)
    names = names or dict.fromkeys(feature_layers.spread(known, LAYERS))
    for name in (*names, *(name for name, _ in channels if name)):
        if name not in known:
            raise ValueError(f"a layer must be one of {', '.join(known)}; got {name!r}")
        if name not in names:
            raise ValueError(
                f"channels must be of the layers that are shown, {', '.join(names)}; got one of "
                f"{name}: name that layer too"
            )
    shown = {known[name]: [n for of, n in channels if of in (None, name)] for name in names}
    for layer, numbers in shown.items():
        for number in numbers:
            if not 0 <= number < layer.channels:
                raise ValueError(
                    f"layer {layer.name} has the channels 0 to {layer.channels - 1}; got {number}"
                )
    return shown


def most_varied(peaks: np.ndarray, count: int) -> list[int]:
    """Returns the maps whose peaks differ most from image to image, each in a way of its own.

    First the map of largest variance, then always the one that has most variance left when what
    those before it explain is taken off (QR decomposition with column pivoting).

    Args:
        peaks: highest activation of each map on each image, [n, c].
        count: how many maps; all where there are fewer.
    """
    _, order = scipy.linalg.qr(peaks - peaks.mean(axis=0), mode="r", pivoting=True)
    return [int(number) for number in order[:count]]
