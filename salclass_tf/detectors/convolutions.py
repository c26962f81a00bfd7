"""Convolutions and pools that several detectors are made of."""

import keras

from salclass_tf.layers import sizes


def convolve(
    x: keras.KerasTensor,
    channels: int,
    side: int = 1,
    dilation: int = 1,
    width: float = 1.0,
    kernel_initializer: str = "glorot_uniform",
    name: str | None = None,
) -> keras.KerasTensor:
    """A convolution with a ReLU that keeps height and width.

    Args:
        x: [b, h, w, c].
        channels: of the result at width 1.
        side: of the kernel.
        dilation: steps between the cells that the kernel reads.
        width: factor on `channels`.
        kernel_initializer: see `keras.layers.Conv2D`.
        name: of the layer.
    """
    return keras.layers.Conv2D(
        sizes.scaled(channels, width),
        side,
        padding="same",
        dilation_rate=dilation,
        activation="relu",
        kernel_initializer=kernel_initializer,
        name=name,
    )(x)


def ceil_pool(x: keras.KerasTensor, index: int) -> keras.KerasTensor:
    """Caffe's 3x3 maximum at stride 2, which rounds up: an even side gets one more row of zeros.

    Zeros do not matter to the maximum of what a ReLU has left.

    Args:
        x: 0 or above, [b, h, w, c]; h and w are known.
        index: number in the layers' names, pad<index> and pool<index>.
    """
    height, width = x.shape[1:3]
    rows = ((0, 1 - height % 2), (0, 1 - width % 2))
    x = keras.layers.ZeroPadding2D(rows, name=f"pad{index}")(x)
    return keras.layers.MaxPooling2D(3, 2, name=f"pool{index}")(x)
