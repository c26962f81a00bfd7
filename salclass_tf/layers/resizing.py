"""Bilinear resizing by fixed matrices, with aligned corners or by the half-pixel rule."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("salclass_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Resizes maps to a fixed size by bilinear interpolation (paper, Sec. 3.1).

    Each axis has a fixed interpolation matrix, so a map S becomes `A S B^T`: two small matrix
    products, differentiable, without gathers. Computes in float32 under every precision policy.

    With `align_corners=True` output cell i samples the input at `i (in - 1) / (out - 1)`, which is
    what `SpatialUpSamplingBilinear` of Torch7 does; otherwise at `(i + 0.5) in / out - 0.5`, the
    half-pixel rule of `tf.image.resize`.
    """

    def __init__(self, size, align_corners=True, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            size: output height and width in cells; one int gives a square.
            align_corners: whether the centres of the corner cells coincide.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.

        Raises:
            ValueError: if a side is not a positive integer.
        """
        super().__init__(dtype=dtype, **kwargs)
        sides = (size, size) if np.ndim(size) == 0 else tuple(size)
        if len(sides) != 2 or any(int(side) != side or side < 1 for side in sides):
            raise ValueError(f"size must be one or two positive integers; got {size!r}")
        self.size = tuple(int(side) for side in sides)
        self.align_corners = align_corners

    def build(self, input_shape):
        """Computes the two interpolation matrices from the input's height and width."""
        if len(input_shape) != 4 or None in input_shape[1:3]:
            raise ValueError(f"maps must be [b, h, w, c] with known h and w; got {input_shape}")
        self._rows, self._columns = (
            interpolation_matrix(cells, side, self.align_corners)
            for cells, side in zip(input_shape[1:3], self.size, strict=True)
        )
        self.built = True

    def call(self, maps):
        """Returns the maps as float32 [b, *size, c], from [b, h, w, c]."""
        # Both matrices on the right: TFLite's 8-bit product with a constant on the left is zero.
        rows, columns = (
            ops.convert_to_tensor(matrix.T, self.compute_dtype)
            for matrix in (self._rows, self._columns)
        )
        wide = ops.matmul(ops.transpose(maps, (0, 3, 1, 2)), columns)
        resized = ops.matmul(ops.swapaxes(wide, 2, 3), rows)
        return ops.transpose(resized, (0, 3, 2, 1))

    def compute_output_shape(self, input_shape):
        """Returns (b, *size, c)."""
        return (input_shape[0], *self.size, input_shape[3])

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"size": self.size, "align_corners": self.align_corners}


class ProportionalUpsampling(keras.layers.Layer):
    """Resizes maps to a share of an image whose size is known when it comes.

    What `BilinearUpsampling` does for images of one size, for images of any: the interpolation
    matrices are computed with every call, in float32. Not for files: networks are saved with the
    other one.
    """

    def __init__(self, shares, align_corners=True, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            shares: of the image's height and width, each above 0; 1 gives maps of its size.
            align_corners: see `BilinearUpsampling`.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.shares, self.align_corners = tuple(shares), align_corners

    def call(self, maps_and_image):
        """Returns the maps as float32 [b, h, w, c], from [b, i, j, c] and an image [b, y, x, 3]."""
        maps, image = maps_and_image
        sides = zip(ops.shape(image)[1:3], self.shares, strict=True)
        size = tuple(
            ops.cast(ops.round(ops.cast(n, "float32") * share), "int32") for n, share in sides
        )
        return resize(maps, size, self.align_corners)

    def compute_output_shape(self, input_shapes):
        """Returns (b, None, None, c)."""
        (batch, _, _, channels), _ = input_shapes
        return (batch, None, None, channels)


def resize(maps, size, align_corners=True):
    """Resizes maps bilinearly to a size that may be known only when they come.

    Args:
        maps: float32 [b, i, j, c].
        size: height and width, whole numbers or int32 tensors [], at least 1.
        align_corners: see `BilinearUpsampling`.

    Returns:
        float32 [b, *size, c].
    """
    rows, columns = (
        _interpolation_tensor(cells, samples, align_corners)
        for cells, samples in zip(ops.shape(maps)[1:3], size, strict=True)
    )
    channels_first = ops.transpose(maps, (0, 3, 1, 2))
    resized = ops.matmul(rows, ops.matmul(channels_first, ops.transpose(columns)))
    return ops.transpose(resized, (0, 2, 3, 1))


def _interpolation_tensor(cells, samples, align_corners: bool):
    """`interpolation_matrix` of numbers that are tensors."""
    cells, samples = (ops.cast(n, "float32") for n in (cells, samples))
    steps = ops.arange(samples, dtype="float32")
    if align_corners:
        positions = steps * ((cells - 1) / ops.maximum(samples - 1, 1))
    else:
        positions = ops.clip((steps + 0.5) * (cells / samples) - 0.5, 0, cells - 1)
    distances = ops.abs(positions[:, None] - ops.arange(cells, dtype="float32"))
    return ops.maximum(1 - distances, 0)


def interpolation_matrix(cells: int, samples: int, align_corners: bool = True) -> np.ndarray:
    """Returns the matrix of linear interpolation from `cells` values to `samples` values.

    Args:
        cells: length of the input axis.
        samples: length of the output axis.
        align_corners: see `BilinearUpsampling`.

    Returns:
        float32 [samples, cells]; every row is non-negative and sums to 1.
    """
    if align_corners:
        positions = np.linspace(0, cells - 1, samples)
    else:
        centres = (np.arange(samples) + 0.5) * cells / samples - 0.5
        positions = np.clip(centres, 0, cells - 1)
    distances = np.abs(positions[:, np.newaxis] - np.arange(cells))
    return np.maximum(0, 1 - distances).astype(np.float32)
