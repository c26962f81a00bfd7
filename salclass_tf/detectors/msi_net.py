"""MSI-Net (Kroner et al., Neural Networks 2020): a modern yardstick, not in the paper.

Layers are those of the authors' release (repository alexanderkroner/saliency, TensorFlow 1).
Unknown: nothing of the network. Ours: pools round up and maps are enlarged by the half-pixel rule,
which matters at sizes other than multiples of 8. The authors' files, frozen graphs, are not read.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors.convolutions import convolve
from salclass_tf.layers import sizes, vgg_trunk

_TAPS = ("block3_pool", "block4_pool", "block5_pool")
_SMALLEST_IMAGE = 8  # stride 8 leaves one cell

_CONTEXT_CHANNELS = 256
_DILATIONS = (4, 8, 12)
_DECODER_CHANNELS = (128, 64, 32)


def build(image_size: int = 299, width: float = 1.0, weights: str | None = None) -> keras.Model:
    """Builds MSI-Net; the contract is that of `build_detector`.

    Every map is stretched to 0 to 1 at last, as in the release: it has the peak of a true map, and
    the bias of the last convolution has no effect.

    Args:
        image_size: side of images and maps, in pixels; at least 8.
        width: factor on every channel count.
        weights: None, "imagenet" (VGG-16), or a path.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], from 0 to 1.
    """
    sizes.check_image_size("detector msi_net", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.VggPreprocessing(name="vgg_preprocessing")(image)
    x = build_network(x, width)
    x = layers.BilinearUpsampling(image_size, align_corners=False, name="enlarged")(x)
    model = keras.Model(image, layers.UnitRange(name="saliency")(x), name="msi_net_detector")
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, "vgg16_notop", width))
    return model


def build_network(image: keras.KerasTensor, width: float = 1.0) -> keras.KerasTensor:
    """Applies MSI-Net to a preprocessed image [b, h, w, 3].

    Returns:
        Scores, float32 [b, h', w', 1]; h' is h if that is a multiple of 8, else a little more.
    """
    levels = vgg_trunk.build_trunk(
        "vgg16",
        image,
        width,
        pool_padding="same",
        strides=(2, 2, 2, 1, 1),
        dilations=(1, 1, 1, 1, 2),
        taps=_TAPS,
    )
    x = _build_context(keras.layers.Concatenate(name="levels")(levels), width)
    for index, channels in enumerate(_DECODER_CHANNELS, start=1):
        size = tuple(2 * side for side in x.shape[1:3])
        x = layers.BilinearUpsampling(size, align_corners=False, name=f"decoder_up{index}")(x)
        x = convolve(x, channels, 3, 1, width, name=f"decoder_conv{index}")
    # One channel costs little in float32, and small differences of the map count.
    return keras.layers.Conv2D(1, 3, padding="same", dtype="float32", name="saliency_score")(x)


def _build_context(features: keras.KerasTensor, width: float) -> keras.KerasTensor:
    """Spatial pyramid: the features at four scales, and their mean over the image."""
    branches = [convolve(features, _CONTEXT_CHANNELS, width=width, name="context_conv1")]
    for index, dilation in enumerate(_DILATIONS, start=2):
        name = f"context_conv{index}"
        branches.append(convolve(features, _CONTEXT_CHANNELS, 3, dilation, width, name=name))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="context_mean")(features)
    mean = convolve(mean, _CONTEXT_CHANNELS, width=width, name="context_conv5")
    spread = layers.BilinearUpsampling(features.shape[1:3], name="context_spread")(mean)
    x = keras.layers.Concatenate(name="context")([*branches, spread])
    return convolve(x, _CONTEXT_CHANNELS, width=width, name="context_conv6")
