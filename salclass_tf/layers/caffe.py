"""Layers of Caffe's networks that Keras lacks."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

# Means of blue, green and red over the ImageNet training set, as in Caffe's VGG models.
_BGR_MEANS = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable("salclass_tf")
class CaffePreprocessing(keras.layers.Layer):
    """Turns RGB in [0, 255] into what Caffe's networks read: `(BGR - means) * scale`.

    Always computes in float32, since bfloat16 would round pixel values before the means are taken
    off. First kernels of Caffe's files fit as they are: their channels are in this order.
    """

    def __init__(self, means, scale=1.0, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            means: of blue, green and red, in pixel values.
            scale: factor on what is left.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.

        Raises:
            ValueError: if there are not three means.
        """
        super().__init__(dtype=dtype, **kwargs)
        if len(means) != 3:
            raise ValueError(f"means must be those of blue, green and red; got {means!r}")
        self.means, self.scale = tuple(means), scale

    def call(self, image):
        """Returns float32 [b, h, w, 3], BGR, from RGB in [0, 255] of the same shape."""
        bgr = ops.flip(ops.cast(image, self.compute_dtype), axis=-1)
        return (bgr - ops.convert_to_tensor(self.means, dtype=self.compute_dtype)) * self.scale

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return super().get_config() | {"means": self.means, "scale": self.scale}


@keras.saving.register_keras_serializable("salclass_tf")
class VggPreprocessing(CaffePreprocessing):
    """Turns RGB in [0, 255] into the BGR minus channel means that VGG was trained on.

    Source: Simonyan and Zisserman (2014), in the form of the Caffe release.
    """

    def __init__(self, dtype="float32", **kwargs):
        """Creates the layer; it has no weights and no settings of its own."""
        super().__init__(_BGR_MEANS, dtype=dtype, **kwargs)

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        return keras.layers.Layer.get_config(self)


@keras.saving.register_keras_serializable("salclass_tf")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by the energy of its neighbours across channels: Caffe's LRN.

    Channel c becomes `x_c / (1 + alpha / n * sum x_i^2) ^ beta`, summed over the n channels
    around c that exist; alpha is divided by n at the first and last channels too. Computes in
    float32 under every precision policy.

    Source: Krizhevsky et al. (2012), Sec. 3.3, who do not divide alpha, nor does TensorFlow.
    """

    def __init__(self, neighbours=5, alpha=1e-4, beta=0.75, dtype="float32", **kwargs):
        """Creates the layer.

        Args:
            neighbours: n, an odd number of channels.
            alpha: see the class.
            beta: see the class.
            dtype: of the computation and the result.
            **kwargs: `name` and the like, for `keras.layers.Layer`.

        Raises:
            ValueError: if n is even or not positive.
        """
        super().__init__(dtype=dtype, **kwargs)
        if neighbours < 1 or neighbours % 2 != 1:
            raise ValueError(f"neighbours must be an odd number of channels; got {neighbours}")
        self.neighbours, self.alpha, self.beta = neighbours, alpha, beta

    def call(self, x):
        """Returns float32 of the input's shape, [b, h, w, c]."""
        return tf.nn.local_response_normalization(
            x,
            depth_radius=self.neighbours // 2,
            bias=1.0,
            alpha=self.alpha / self.neighbours,
            beta=self.beta,
        )

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the arguments that rebuild this layer."""
        settings = {"neighbours": self.neighbours, "alpha": self.alpha, "beta": self.beta}
        return super().get_config() | settings


@keras.saving.register_keras_serializable("salclass_tf")
class BilinearKernel(keras.initializers.Initializer):
    """Start of a transposed convolution that enlarges one map by linear interpolation.

    The kernel falls linearly from its centre, as Caffe's `bilinear` filler makes it: with side 2 s
    and stride s, interpolation by the factor s, exact away from the border.
    """

    def __call__(self, shape, dtype=None):
        """Returns the kernel of a shape [h, w, out, in], the same for all pairs of channels."""
        rows, columns = (
            1 - np.abs(np.arange(side) - (side - 1) / 2) / np.ceil(side / 2) for side in shape[:2]
        )
        kernel = np.outer(rows, columns)[:, :, np.newaxis, np.newaxis]
        return ops.convert_to_tensor(np.broadcast_to(kernel, shape), dtype=dtype)
