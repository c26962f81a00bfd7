"""The largest of each group of units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("salclass_tf")
class Maxout(keras.layers.Layer):
    """Keeps the largest of every `pieces` neighbouring units (Goodfellow et al., 2013)."""

    def __init__(self, pieces=2, **kwargs):
        """Creates the layer.

        Args:
            pieces: units in a group.
            **kwargs: `name` and the like, for `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.pieces = pieces

    def build(self, input_shape):
        """Checks that the groups come out even."""
        if input_shape[-1] % self.pieces:
            raise ValueError(
                f"maxout needs a multiple of {self.pieces} units; got {input_shape[-1]}"
            )
        self.built = True

    def call(self, units):
        """Returns [b, n / pieces] of units [b, n]."""
        groups = (-1, units.shape[-1] // self.pieces, self.pieces)
        return ops.max(ops.reshape(units, groups), axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns (b, n / pieces)."""
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"pieces": self.pieces}
