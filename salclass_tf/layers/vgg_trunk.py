"""The convolutions and pools that all VGG detectors and classifiers share."""

import keras

from salclass_tf import layers
from salclass_tf.layers import sizes

SMALLEST_IMAGE = 32  # five halvings leave one cell

_CHANNELS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def build_trunk(
    name: str,
    image: keras.KerasTensor,
    width: float = 1.0,
    convolutions: int | None = None,
    pool_padding: str = "valid",
    prefix: str = "",
    strides: tuple[int, ...] = (2, 2, 2, 2, 2),
    dilations: tuple[int, ...] = (1, 1, 1, 1, 1),
    frozen: bool = False,
    taps: tuple[str, ...] = (),
    kernel_initializer: str = "glorot_uniform",
) -> keras.KerasTensor | list[keras.KerasTensor]:
    """Applies VGG's 3x3 convolutions and 2x2 pools; layers have `keras.applications` names.

    Args:
        name: "vgg16" or "vgg19" (Simonyan and Zisserman, 2014, configurations D and E).
        image: preprocessed image, [b, h, w, c].
        width: factor on every channel count.
        convolutions: how many of the convolutions to keep, counted from the image; the five pools
            stay. None keeps all (16 of VGG-19, 13 of VGG-16).
        pool_padding: "valid" drops an odd last row as Keras' VGG does; "same" keeps it, which
            equals the ceil-mode pooling of Caffe and Torch. Pools of stride 1 always keep it.
        prefix: of the layers' names, for a network with more than one trunk.
        strides: of the five pools; 0 leaves a pool out.
        dilations: of the convolutions in each block; 2 makes up for a pool of stride 1 before.
        frozen: whether the convolutions never learn, see `layers.FrozenConv2D`.
        taps: names of layers, without the prefix, whose outputs are wanted: `block5_conv3`,
            `block3_pool`, or `block5_conv1_linear` for a convolution before its ReLU.
        kernel_initializer: start of the convolutions, see `keras.layers.Conv2D`.

    Returns:
        Features after the last pool, [b, h / 32, w / 32, 512 * width] where all strides are 2; with
        `taps`, a list of those layers' outputs.

    Raises:
        ValueError: if `convolutions` leaves a block without one, or exceeds what the network has,
            or a tap is no layer of the trunk.
    """
    convolution = layers.FrozenConv2D if frozen else keras.layers.Conv2D
    x, outputs = image, {}
    blocks = zip(_CHANNELS, _convolutions_per_block(name, convolutions), strict=True)
    for block, (channels, depth) in enumerate(blocks, start=1):
        for index in range(1, depth + 1):
            layer = f"block{block}_conv{index}"
            is_split = f"{layer}_linear" in taps
            x = convolution(
                sizes.scaled(channels, width),
                3,
                padding="same",
                dilation_rate=dilations[block - 1],
                activation=None if is_split else "relu",
                kernel_initializer=kernel_initializer,
                name=prefix + layer,
            )(x)
            if is_split:
                outputs[f"{layer}_linear"] = x
                x = keras.layers.Activation("relu", name=f"{prefix}{layer}_relu")(x)
            outputs[layer] = x
        if stride := strides[block - 1]:
            padding = "same" if stride == 1 else pool_padding
            layer = f"block{block}_pool"
            x = keras.layers.MaxPooling2D(2, stride, padding=padding, name=prefix + layer)(x)
            outputs[layer] = x
    return _tapped(outputs, taps) if taps else x


def _tapped(outputs: dict[str, keras.KerasTensor], taps: tuple[str, ...]) -> list:
    """The outputs that were asked for."""
    for tap in taps:
        if tap not in outputs:
            raise ValueError(f"a tap must be one of {', '.join(outputs)}; got {tap!r}")
    return [outputs[tap] for tap in taps]


def _convolutions_per_block(name: str, convolutions: int | None) -> list[int]:
    """Convolutions in each of the five blocks, cut off after `convolutions` in total."""
    published = _CONVOLUTIONS[name]
    fewest, most = sum(published[:-1]) + 1, sum(published)
    kept = most if convolutions is None else convolutions
    if not fewest <= kept <= most:
        raise ValueError(f"convolutions must be {fewest} to {most} for {name}; got {convolutions}")
    return [*published[:-1], kept - fewest + 1]
