"""Which pixels a unit of a feature map sees, from the settings of the layers before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


class Reach(NamedTuple):
    """Along one axis, unit `i` sees the pixels `step * i + first` to `step * i + last`.

    Attributes:
        step: pixels from one unit to the next.
        first: first pixel that unit 0 sees; below 0 where padding has been added.
        last: last pixel that unit 0 sees.
    """

    step: int = 1
    first: int = 0
    last: int = 0

    @property
    def size(self) -> int:
        """How many pixels a unit sees, those beyond the border of the image included."""
        return self.last - self.first + 1

    def behind(self, window: int, stride: int, before: int) -> Reach:
        """Returns the reach of what looks at this through windows.

        Args:
            window: units from the first to the last that a window takes in.
            stride: units from one window to the next.
            before: units of padding before the first.
        """
        first = self.first - self.step * before
        return Reach(self.step * stride, first, self.last + self.step * (window - 1 - before))


#: of a feature map [b, h, w, c]: the reach along its rows and along its columns
Field = tuple[Reach, Reach]

#: of an image, whose units are its pixels
PIXELS: Field = (Reach(), Reach())


def behind(
    operation: keras.Operation,
    inputs: Sequence[tuple[tuple[int | None, ...], Field | None]],
    shape: tuple[int | None, ...],
) -> Field | None:
    """Returns the receptive field of what an operation gives.

    Convolutions, pools, padding and cropping are known. Of anything else it is taken that a unit
    reads the units at its own place, if the grid stays the same. What multiplies all places alike,
    the gates of squeeze and excitation, is left out, though it is computed from the whole image.

    Args:
        operation: a layer, or another operation of a graph.
        inputs: shape and field of each tensor that it reads.
        shape: of what it gives.

    Returns:
        The field; None where it cannot be told: no grid, or one changed in an unknown way.
    """
    if len(shape) != 4 or None in shape[1:3]:
        return None
    windows = _windows(operation, inputs[0][0][1:3])
    if windows is not None:
        field = inputs[0][1]
        return field and tuple(r.behind(*w) for r, w in zip(field, windows, strict=True))
    fields = [field for given, field in inputs if len(given) == 4 and given[1:3] == shape[1:3]]
    if not fields or None in fields:
        return None
    return _union(fields)


def is_convolution(operation: keras.Operation) -> bool:
    """Whether an operation is a convolution that `behind` knows."""
    return isinstance(operation, _CONVOLUTIONS)


def _windows(operation: keras.Operation, grid: Sequence[int]) -> list[tuple[int, int, int]] | None:
    """Window, stride and padding before the first along both axes, if an operation has windows."""
    if isinstance(operation, keras.layers.ZeroPadding2D):
        return [(1, 1, before) for before, _ in operation.padding]
    if isinstance(operation, keras.layers.Cropping2D):
        return [(1, 1, -before) for before, _ in operation.cropping]
    if isinstance(operation, _CONVOLUTIONS):
        kernels = zip(operation.kernel_size, operation.dilation_rate, strict=True)
        sizes = [dilation * (kernel - 1) + 1 for kernel, dilation in kernels]
    elif isinstance(operation, _POOLS):
        sizes = operation.pool_size
    else:
        return None
    padded = operation.padding == "same"
    return [
        (size, stride, _padding_before(length, size, stride) if padded else 0)
        for size, stride, length in zip(sizes, operation.strides, grid, strict=True)
    ]


def _padding_before(length: int, window: int, stride: int) -> int:
    """What TensorFlow's "same" adds before the first unit: half of all, rounded down."""
    windows = -(-length // stride)
    return max((windows - 1) * stride + window - length, 0) // 2


def _union(fields: Sequence[Field]) -> Field | None:
    """What units see that read several maps at their place; None if these have several steps."""
    if len({tuple(reach.step for reach in field) for field in fields}) > 1:
        return None
    return tuple(
        Reach(axis[0].step, min(reach.first for reach in axis), max(reach.last for reach in axis))
        for axis in zip(*fields, strict=True)
    )
