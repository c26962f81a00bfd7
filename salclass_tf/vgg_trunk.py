"""The convolutions and pools that all VGG detectors and classifiers share."""

import keras

from salclass_tf import sizes

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
) -> keras.KerasTensor:
    """Applies VGG's 3x3 convolutions and 2x2 pools; layers have `keras.applications` names.

    Args:
        name: "vgg16" or "vgg19" (Simonyan and Zisserman, 2014, configurations D and E).
        image: preprocessed image, [b, h, w, c].
        width: factor on every channel count.
        convolutions: how many of the convolutions to keep, counted from the image; the five pools
            stay. None keeps all (16 of VGG-19, 13 of VGG-16).
        pool_padding: "valid" drops an odd last row as Keras' VGG does; "same" keeps it, which
            equals the ceil-mode pooling of Caffe and Torch.
        prefix: of the layers' names, for a network with more than one trunk.

    Returns:
        Features after the fifth pool, [b, h / 32, w / 32, 512 * width].

    Raises:
        ValueError: if `convolutions` leaves a block without one, or exceeds what the network has.
    """
    x = image
    blocks = zip(_CHANNELS, _convolutions_per_block(name, convolutions), strict=True)
    for block, (channels, depth) in enumerate(blocks, start=1):
        for index in range(1, depth + 1):
            x = keras.layers.Conv2D(
                sizes.scaled(channels, width),
                3,
                padding="same",
                activation="relu",
                name=f"{prefix}block{block}_conv{index}",
            )(x)
        x = keras.layers.MaxPooling2D(
            2, 2, padding=pool_padding, name=f"{prefix}block{block}_pool"
        )(x)
    return x


def _convolutions_per_block(name: str, convolutions: int | None) -> list[int]:
    """Convolutions in each of the five blocks, cut off after `convolutions` in total."""
    published = _CONVOLUTIONS[name]
    fewest, most = sum(published[:-1]) + 1, sum(published)
    kept = most if convolutions is None else convolutions
    if not fewest <= kept <= most:
        raise ValueError(f"convolutions must be {fewest} to {most} for {name}; got {convolutions}")
    return [*published[:-1], kept - fewest + 1]
