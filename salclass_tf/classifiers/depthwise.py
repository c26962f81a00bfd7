"""A convolution of each channel by itself, with the kernel of a grouped one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("salclass_tf")
class DepthwiseConvolution(keras.layers.Conv2D):
    """`Conv2D` with as many groups as channels, by the operation that is made for it.

    Keras compiles grouped convolutions with XLA: seconds for each shape, and nothing that a server
    without XLA could run. Kernel [h, w, 1, c] and all else are those of `Conv2D`, so that weight
    files fit.
    """

    def convolution_op(self, inputs, kernel):
        """Returns the convolution of [b, h, w, c] with a kernel [h, w, 1, c]."""
        return ops.depthwise_conv(
            inputs, ops.transpose(kernel, (0, 1, 3, 2)), self.strides, self.padding
        )
