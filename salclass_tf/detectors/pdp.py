"""After PDP (Jetley et al., CVPR 2016): the map is a probability distribution over the pixels.

Known: the convolutions of VGG-16, three more, a map that is enlarged, a softmax over all pixels.
Unknown, and chosen here: kernels (3x3) and channels (512, 256, 1) of the three; that VGG-16's
fifth pool is left out, so cells are 16 pixels wide; bilinear enlargement before the softmax. The
authors published no code.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors.convolutions import convolve
from salclass_tf.layers import sizes, vgg_trunk

_SMALLEST_IMAGE = 16  # stride 16 leaves one cell
_CHANNELS = (512, 256)

# Trained features reach into the hundreds; a density must not start as a single peak.
_HEAD_DEVIATION = 1e-3


def build(image_size: int = 299, width: float = 1.0, weights: str | None = None) -> keras.Model:
    """Builds a network after PDP; the contract is that of `build_detector`.

    Args:
        image_size: side of images and maps, in pixels; at least 16.
        width: factor on every channel count but that of the map.
        weights: None, "imagenet" (VGG-16), or a path.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1]: a density over the pixels with peak 1,
        see `layers.Density`.
    """
    sizes.check_image_size("detector pdp", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.VggPreprocessing(name="vgg_preprocessing")(image)
    x = vgg_trunk.build_trunk("vgg16", x, width, pool_padding="same", strides=(2, 2, 2, 2, 0))
    for index, channels in enumerate(_CHANNELS, start=1):
        x = convolve(x, channels, 3, width=width, name=f"new_conv{index}")
    # No bias: it would add the same to every pixel, which a softmax does not see.
    x = keras.layers.Conv2D(
        1,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        dtype="float32",
        name="saliency_score",
    )(x)
    x = layers.BilinearUpsampling(image_size, align_corners=False, name="enlarged")(x)
    model = keras.Model(image, layers.Density(name="saliency")(x), name="pdp_detector")
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, "vgg16_notop", width))
    return model
