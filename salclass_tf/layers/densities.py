"""From scores to a map: blur, the density over the pixels, and the stretch to 0 to 1."""

import keras
import numpy as np
from keras import ops

_PIXELS = (1, 2, 3)
# Where a density is below exp(-80) of its peak, it counts as that: float32 ends at exp(-87), and
# the logarithm of a map must be finite.
_DEEPEST = -80.0


class _MapLayer(keras.layers.Layer):
    """A layer from maps [b, h, w, c] to maps of that shape, computed in float32."""

    def __init__(self, dtype="float32", **kwargs):
        """Creates the layer."""
        super().__init__(dtype=dtype, **kwargs)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape


@keras.saving.register_keras_serializable("salclass_tf")
class GaussianBlur(_MapLayer):
    """Blurs maps with a Gaussian whose deviation is learned, or fixed.

    Each axis has a matrix of Gaussian weights, nothing cut off; near the border the weights that
    are left are scaled to the sum 1, so a constant map stays as it is. What is learned is the
    deviation's logarithm, which keeps it positive.
    """

    def __init__(self, deviation, learned=True, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            deviation: at the start, in cells of the map, above 0.
            learned: whether it changes in training.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.

        Raises:
            ValueError: if the deviation is not above 0.
        """
        super().__init__(dtype=dtype, **kwargs)
        if not deviation > 0:
            raise ValueError(f"the deviation of a blur must be above 0 cells; got {deviation}")
        self.deviation, self.learned = float(deviation), learned

    def build(self, input_shape):
        """Creates the deviation and, where the size is known, squared distances between cells."""
        if len(input_shape) != 4:
            raise ValueError(f"maps must be [b, h, w, c]; got {input_shape}")
        start = keras.initializers.Constant(float(np.log(self.deviation)))
        self.log_deviation = self.add_weight(
            shape=(), initializer=start, trainable=self.learned, name="log_deviation"
        )
        self._squares = [
            np.subtract.outer(np.arange(cells), np.arange(cells)).astype(np.float32) ** 2
            for cells in input_shape[1:3]
            if None not in input_shape[1:3]
        ]
        self.built = True

    def call(self, maps):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        scale = -0.5 * ops.exp(-2.0 * self.log_deviation)
        # A softmax along the rows is Gaussian weights with the sum 1.
        rows, columns = (
            ops.softmax(scale * ops.convert_to_tensor(squares), axis=-1)
            for squares in self._squares or map(_squares_of, ops.shape(maps)[1:3])
        )
        # Both matrices on the right: TFLite's 8-bit product with a constant on the left is zero.
        along_rows = ops.matmul(ops.transpose(maps, (0, 3, 1, 2)), ops.transpose(columns))
        blurred = ops.matmul(ops.swapaxes(along_rows, 2, 3), ops.transpose(rows))
        return ops.transpose(blurred, (0, 3, 2, 1))

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"deviation": self.deviation, "learned": self.learned}


def _squares_of(cells):
    """Squared distances between cells whose number is known only now, float32 [cells, cells]."""
    places = ops.arange(ops.cast(cells, "float32"), dtype="float32")
    return ops.square(places[:, None] - places[None, :])


@keras.saving.register_keras_serializable("salclass_tf")
class Density(_MapLayer):
    """The softmax over all pixels of each map, divided by its peak: `exp(x - max x)`.

    The result lies in (0, 1] with peak 1, as true maps do; divided by its sum it is the softmax,
    and its logarithm is the log density up to a constant.
    """

    def call(self, scores):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        below_peak = scores - ops.max(scores, axis=_PIXELS, keepdims=True)
        return ops.exp(ops.maximum(below_peak, _DEEPEST))


@keras.saving.register_keras_serializable("salclass_tf")
class UnitRange(_MapLayer):
    """Stretches each map to 0 to 1: `(x - min x) / (eps + max x - min x)`; a constant one to 0."""

    def call(self, scores):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        above = scores - ops.min(scores, axis=_PIXELS, keepdims=True)
        return above / (1e-7 + ops.max(above, axis=_PIXELS, keepdims=True))
