"""Convolutions that are part of a network and never learn."""

import keras


@keras.saving.register_keras_serializable("salclass_tf")
class FrozenConv2D(keras.layers.Conv2D):
    """A convolution with fixed weights: trained elsewhere, or random for good.

    Unlike `layer.trainable = False`, which a later stage of training undoes when it lets all
    layers learn, this cannot be switched on: the variables themselves are not trainable, so no
    gradient is computed and no weight decay reaches them.
    """

    def add_weight(self, *args, **kwargs):
        """Creates a variable that is not trainable."""
        return super().add_weight(*args, **(kwargs | {"trainable": False}))


@keras.saving.register_keras_serializable("salclass_tf")
class UnitFilters(keras.initializers.Initializer):
    """Kernels of random numbers with mean 0 and length 1, the same for the same seed.

    Source: the random filters of Vig et al. (CVPR 2014), after Pinto et al. (2009).
    """

    def __init__(self, seed):
        """Creates the initializer.

        Args:
            seed: integer that decides the numbers.
        """
        self.seed = int(seed)

    def __call__(self, shape, dtype=None):
        """Returns kernels of a shape [h, w, in, out]; each [h, w, in] has mean 0 and length 1."""
        seed = keras.random.SeedGenerator(self.seed)
        kernels = keras.random.uniform(shape, -1, 1, dtype="float32", seed=seed)
        kernels -= keras.ops.mean(kernels, axis=(0, 1, 2), keepdims=True)
        length = keras.ops.sqrt(keras.ops.sum(kernels**2, axis=(0, 1, 2), keepdims=True))
        return keras.ops.cast(kernels / keras.ops.maximum(length, 1e-6), dtype or "float32")

    def get_config(self):
        """Returns the seed."""
        return {"seed": self.seed}
