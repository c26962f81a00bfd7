"""Channel counts of a network at another width, such that its sums still fit."""

from __future__ import annotations

import dataclasses

import keras

from salclass_tf import keras_internals
from salclass_tf.layers import sizes

#: layers that decide how many channels they give, and the setting that says how many
DECIDING = {
    keras.layers.Conv2D: "filters",
    keras.layers.SeparableConv2D: "filters",
    keras.layers.Dense: "units",
}


def plan(network: keras.Model, width: float) -> dict[str, int]:
    """Returns how many channels each convolution and dense layer of a scaled network gives.

    Every published count is scaled and rounded by itself, which a concatenation does not mind. A
    sum does: where a layer is added to a concatenation (Inception-ResNet, NASNet) it gets as many
    channels as the scaled parts have together. At width 1 these are the published counts.

    Args:
        network: functional, of the published width, read once and left as it is.
        width: factor on every count.

    Returns:
        Layer name -> count, for layers in `DECIDING` but those convolutions that work in groups,
        which give what they get.
    """
    deciders: dict[str, _Decider] = {}

    def call(layer: keras.Operation, *args, **kwargs) -> _Stack:
        stacks = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, _Stack)]
        if isinstance(layer, keras.Sequential):
            for inner in layer.layers:
                stacks = [call(inner, *stacks)]
        elif isinstance(layer, keras.layers.Concatenate):
            return _Stack([part for stack in stacks for part in stack.parts])
        elif decides(layer):
            published = getattr(layer, DECIDING[type(layer)])
            deciders[layer.name] = _Decider(published)
            return _Stack([deciders[layer.name]])
        for other in stacks[1:]:
            _equate(stacks[0], other)
        return stacks[0]

    keras_internals.run_through_graph(network, _Stack([]), call)
    return {
        name: sum(sizes.scaled(part.published, width) for part in _Stack([decider]).resolved())
        for name, decider in deciders.items()
    }


def decides(layer: keras.Operation) -> bool:
    """Whether a layer gives another number of channels than it gets."""
    return type(layer) in DECIDING and getattr(layer, "groups", 1) == 1


@dataclasses.dataclass(eq=False)
class _Decider:
    """A layer's published count, or what its channels are added to."""

    published: int
    follows: _Stack | None = None


@dataclasses.dataclass(eq=False)
class _Stack:
    """The channels of a tensor: the layers that decide how many there are, in their order."""

    parts: list[_Decider]

    def resolved(self) -> list[_Decider]:
        """The parts that follow no others."""
        parts = []
        for part in self.parts:
            parts += [part] if part.follows is None else part.follows.resolved()
        return parts


def _equate(one: _Stack, other: _Stack) -> None:
    """Lets two stacks that are added or multiplied have the same channels from now on."""
    if one.resolved() != other.resolved():
        # No network adds two concatenations: one of the two is what a single layer gives.
        single, whole = sorted((one, other), key=lambda stack: len(stack.resolved()))
        [decider] = single.resolved()
        decider.follows = _Stack(whole.resolved())
