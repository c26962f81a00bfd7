"""Features pooled where people look: the mean over cells, weighted by a map."""

import keras
import numpy as np
from keras import ops

#: what is added to a map's mean in each cell: a thousandth of a true map's peak
FLOOR = 1e-3


@keras.saving.register_keras_serializable("salclass_tf")
class GazePooling(keras.layers.Layer):
    """The mean of features over the cells of their grid, weighted by a map of the image.

    A cell's weight is `max(m, 0) + 0.001`, m being the mean of the map over the pixels that the
    cell stands for. So the height of a map does not matter but next to 0, and a map that is nowhere
    above 0, as where nobody looked, gives the plain mean. Computes in float32 under every precision
    policy, differentiable in both inputs.
    """

    def __init__(self, keepdims=False, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            keepdims: whether a grid of one cell is left.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.keepdims = keepdims

    def call(self, features_and_map):
        """Returns float32 [b, c] or [b, 1, 1, c] of features [b, h, w, c] and maps [b, y, x, 1]."""
        features, maps = features_and_map
        weights = ops.relu(cell_means(maps, features.shape[1:3])) + FLOOR
        weights /= ops.sum(weights, axis=(1, 2), keepdims=True)
        return ops.sum(features * weights, axis=(1, 2), keepdims=self.keepdims)

    def compute_output_shape(self, input_shapes):
        """Returns (b, c), or (b, 1, 1, c)."""
        (batch, _, _, channels), _ = input_shapes
        return (batch, 1, 1, channels) if self.keepdims else (batch, channels)

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"keepdims": self.keepdims}


def cell_means(maps, cells):
    """Means of maps over the cells of a coarser grid, which share the pixels evenly.

    A pixel on the border of two cells counts in each by the part of it that lies there.

    Args:
        maps: float32 [b, y, x, 1], of known size.
        cells: rows and columns of the grid, each at most as many as there are pixels.

    Returns:
        float32 [b, *cells, 1].
    """
    # Both matrices on the right: TFLite's 8-bit product with a constant on the left is zero.
    rows, columns = (
        ops.convert_to_tensor(area_matrix(pixels, count).T, "float32")
        for pixels, count in zip(maps.shape[1:3], cells, strict=True)
    )
    narrow = ops.matmul(maps[..., 0], columns)
    means = ops.matmul(ops.swapaxes(narrow, 1, 2), rows)
    return ops.swapaxes(means, 1, 2)[..., None]


def area_matrix(pixels: int, cells: int) -> np.ndarray:
    """Returns the share that each pixel of a line has in each of the cells that divide it evenly.

    Args:
        pixels: of the line.
        cells: at most as many.

    Returns:
        float64 [cells, pixels]; the rows sum to 1.

    Raises:
        ValueError: for more cells than pixels.
    """
    if not 0 < cells <= pixels:
        raise ValueError(f"a line has at least as many pixels as cells; got {pixels} and {cells}")
    edges = np.arange(cells + 1) * pixels / cells
    first = np.arange(pixels)
    ends = np.minimum(edges[1:, None], first + 1), np.maximum(edges[:-1, None], first)
    return np.maximum(ends[0] - ends[1], 0) * cells / pixels
