"""What is known of gaze before the image is seen: priors over the place in the image."""

import keras
import numpy as np
from keras import ops

from salclass_tf.layers.resizing import interpolation_matrix, resize

# Sides of the grid that keeps a centre bias. A prior is smooth, and a fixed grid lets the same
# weights serve maps of any size.
_GRID = (32, 32)
# Deviation of gaze around the centre, as a share of the image's side, where no data say more.
_GAZE_DEVIATION = 0.25


def _offsets(cells: int) -> np.ndarray:
    """Distances of cell centres from the middle, in sides of the image: from -0.5 to 0.5."""
    return (np.arange(cells) + 0.5) / cells - 0.5


def _resize(maps, size, align_corners: bool):
    """Resizes one map [h, w] to `size`."""
    if not all(isinstance(side, int) for side in size):
        whole = ops.cast(maps, "float32")[None, ..., None]
        return resize(whole, size, align_corners)[0, ..., 0]
    rows, columns = (
        ops.convert_to_tensor(interpolation_matrix(cells, side, align_corners), "float32")
        for cells, side in zip(maps.shape, size, strict=True)
    )
    return ops.matmul(rows, ops.matmul(ops.cast(maps, "float32"), ops.transpose(columns)))


class _Prior(keras.layers.Layer):
    """A layer that gives back maps of its input's size, computed in float32.

    Built for maps of unknown height and width it looks at those that come.
    """

    def __init__(self, dtype="float32", **kwargs):
        """Creates the layer."""
        super().__init__(dtype=dtype, **kwargs)

    def build(self, input_shape):
        """Keeps height and width, as far as they are known."""
        if len(input_shape) != 4:
            raise ValueError(f"maps must be [b, h, w, c]; got {input_shape}")
        self._size = None if None in input_shape[1:3] else tuple(input_shape[1:3])
        self.built = True

    def _size_of(self, maps):
        """Height and width of the maps: numbers where they are known, else tensors."""
        return self._size or tuple(ops.shape(maps)[1:3])

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape


@keras.saving.register_keras_serializable("salclass_tf")
class LearnedPrior(_Prior):
    """Multiplies a map with a learned coarse one: `x * enlarged(1 + W)` (Cornia et al., 2016).

    W starts at 0, which leaves the map as it is, and is enlarged by bilinear interpolation with
    the half-pixel rule; the authors' Theano function may place samples up to half a cell of the
    map elsewhere.
    """

    def __init__(self, grid=(6, 8), decay=0.0, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            grid: height and width of W; 6 x 8 in the paper, for maps of 60 x 80.
            decay: factor of a penalty `decay * sum(W^2)` that training adds to the loss; 1 / 48 in
                the paper.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.grid, self.decay = tuple(grid), decay

    def build(self, input_shape):
        """Creates W."""
        penalty = keras.regularizers.L2(self.decay) if self.decay else None
        self.prior = self.add_weight(
            shape=self.grid, initializer="zeros", regularizer=penalty, name="prior"
        )
        super().build(input_shape)

    def call(self, maps):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        factor = 1 + _resize(self.prior, self._size_of(maps), align_corners=False)
        return maps * factor[None, :, :, None]

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"grid": self.grid, "decay": self.decay}


@keras.saving.register_keras_serializable("salclass_tf")
class GaussianMaps(_Prior):
    """Appends fixed Gaussian maps to features, so that a convolution can tell where it is.

    A convolution that reads features and maps is the location-biased one of DeepFix
    (Kruthiventi et al., 2017). The maps are centred, have peak 1, and combine every vertical
    deviation with every horizontal one.
    """

    def __init__(self, deviations=(0.05, 0.1, 0.2, 0.4), dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            deviations: of the Gaussians, as shares of the side; n give n * n maps. DeepFix has
                16 maps; their deviations are not known, these are ours.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.deviations = tuple(deviations)

    def build(self, input_shape):
        """Computes the maps, where their size is known."""
        super().build(input_shape)
        if self._size is None:
            return
        rows, columns = (
            np.exp(-0.5 * (_offsets(cells)[:, np.newaxis] / self.deviations) ** 2)
            for cells in self._size
        )
        maps = np.einsum("yi,xj->yxij", rows, columns).reshape(*self._size, -1)
        self._maps = maps[np.newaxis].astype(np.float32)

    def call(self, features):
        """Returns float32 [b, h, w, c + n * n] of features [b, h, w, c]."""
        if self._size is None:
            maps = self._maps_of(ops.shape(features)[1:3])
        else:
            maps = ops.convert_to_tensor(self._maps, self.compute_dtype)
        batch = ops.shape(features)[0]
        return ops.concatenate([features, ops.tile(maps, (batch, 1, 1, 1))], axis=-1)

    def _maps_of(self, size):
        """The maps of a size that is known only now, float32 [1, h, w, n * n]."""
        rows, columns = (
            ops.exp(-0.5 * ops.square(self._offsets_of(cells) / np.float32(self.deviations)))
            for cells in size
        )
        maps = rows[:, None, :, None] * columns[None, :, None, :]
        return ops.reshape(maps, (1, *size, len(self.deviations) ** 2))

    @staticmethod
    def _offsets_of(cells):
        """`_offsets` of a number that is a tensor, [cells, 1]."""
        cells = ops.cast(cells, "float32")
        return ((ops.arange(cells, dtype="float32") + 0.5) / cells - 0.5)[:, None]

    def compute_output_shape(self, input_shape):
        """Returns the input's shape with more channels."""
        return (*input_shape[:3], input_shape[3] + len(self.deviations) ** 2)

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"deviations": self.deviations}


@keras.saving.register_keras_serializable("salclass_tf")
class CentreBias(_Prior):
    """Adds a weighted log density of where people look in any image: `x + weight * log p`.

    The log density lives on a grid of 32 x 32 cells and is enlarged to the map; until
    `set_log_density` gives another one it is a Gaussian's around the centre. It stays as it is,
    unless `learned`; the weight, which starts at 1, is learned.

    Source: the centre bias of DeepGaze I and II (Kuemmerer et al., 2015 and 2016).
    """

    def __init__(self, learned=False, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            learned: whether the grid learns too.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.learned = learned

    def build(self, input_shape):
        """Creates the weight and the grid."""
        self.weight = self.add_weight(shape=(), initializer="ones", name="weight")
        self.log_density = self.add_weight(
            shape=_GRID, initializer=_log_gaussian, trainable=self.learned, name="log_density"
        )
        super().build(input_shape)

    def set_log_density(self, log_density):
        """Takes a log density, float [h, w] of any size; a constant added to it does not matter.

        Raises:
            ValueError: if it is not finite numbers [h, w].
        """
        log_density = np.asarray(log_density, np.float32)
        if log_density.ndim != 2 or not np.isfinite(log_density).all():
            raise ValueError(
                "a centre bias must be finite log densities [h, w] (bound zeros from below); "
                f"got {log_density.dtype} {log_density.shape}"
            )
        small = ops.image.resize(log_density[..., None], _GRID, antialias=True)[..., 0]
        self.log_density.assign(small - ops.max(small))

    def call(self, maps):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        bias = _resize(self.log_density, self._size_of(maps), align_corners=False)
        return maps + self.weight * bias[None, :, :, None]

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"learned": self.learned}


def _log_gaussian(shape: tuple[int, int], dtype: str | None = None):
    """The start of a centre bias: a Gaussian's log density, without its constant."""
    rows, columns = (-0.5 * (_offsets(cells) / _GAZE_DEVIATION) ** 2 for cells in shape)
    return ops.convert_to_tensor(rows[:, np.newaxis] + columns, dtype or "float32")
