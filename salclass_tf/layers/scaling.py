"""How high a map is where another network reads it: as it is, with peak 1, or standardised."""

import keras
from keras import ops

#: what `MapScale` takes
MAP_SCALES = ("none", "peak", "standardise")

_PIXELS = (1, 2, 3)
# Peaks and deviations below this count as this: a flat map must not become noise of full height.
_LOWEST = 1e-3


@keras.saving.register_keras_serializable("salclass_tf")
class MapScale(keras.layers.Layer):
    """Brings each map of a batch, by itself, to the height that its reader is used to.

    A detector that learns from the squared error gives lower maps than people do, and a classifier
    that has read people's has never seen such. All three ways are differentiable.
    """

    def __init__(self, scale="none", mean=0.0, deviation=1.0, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            scale: "none" leaves maps as they are; "peak" cuts them off below 0 and divides them by
                their peak, so that they lie in [0, 1] with peak 1 as true maps do, and are 0
                where nothing is above 0; "standardise" gives the pixels of each map the mean
                `mean` and the standard deviation `deviation`. Peaks and deviations below 0.001
                count as 0.001.
            mean: of "standardise".
            deviation: of "standardise", above 0.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.

        Raises:
            ValueError: for a scale that is not there, or a deviation that is not above 0.
        """
        super().__init__(dtype=dtype, **kwargs)
        if scale not in MAP_SCALES:
            raise ValueError(f"map_scale is one of {', '.join(MAP_SCALES)}; got {scale!r}")
        if not deviation > 0:
            raise ValueError(f"the deviation of a map scale must be above 0; got {deviation}")
        self.scale, self.mean, self.deviation = scale, float(mean), float(deviation)

    def call(self, maps):
        """Returns float32 of the input's shape, [b, h, w, 1]."""
        if self.scale == "peak":
            positive = ops.relu(maps)
            peak = ops.max(positive, axis=_PIXELS, keepdims=True)
            return positive / ops.maximum(peak, _LOWEST)
        if self.scale == "standardise":
            centred = maps - ops.mean(maps, axis=_PIXELS, keepdims=True)
            variance = ops.mean(ops.square(centred), axis=_PIXELS, keepdims=True)
            unit = centred / ops.sqrt(ops.maximum(variance, _LOWEST**2))
            return self.mean + self.deviation * unit
        return maps

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        own = {"scale": self.scale, "mean": self.mean, "deviation": self.deviation}
        return super().get_config() | own
