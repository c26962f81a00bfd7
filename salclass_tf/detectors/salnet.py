"""SalNet, the deep network of Pan et al. (CVPR 2016): a baseline of the paper's Table 4.

Layers, preprocessing and layer names are those of the authors' Caffe release (repository
imatge-upc/saliency-2016-cvpr). Its script finally clips a map to gray values, enlarges it by cubic
interpolation, blurs it with a 5x5 Gaussian and divides it by its peak; here maps stay unbounded, as
losses need them, and are enlarged linearly.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors import convolutions
from salclass_tf.layers import sizes

_BGR_MEANS = (100.0, 110.0, 118.0)
_PIXEL_SCALE = 1 / 127.5
_LARGEST_INPUT = 320  # larger images are reduced to it, smaller ones are not enlarged
_SMALLEST_IMAGE = 4  # two poolings leave one cell

# Side of the kernel and channels of conv1, conv2, ...; conv9 and the deconvolution follow.
_CONVOLUTIONS = (
    (7, 96),
    (5, 256),
    (3, 512),
    (5, 512),
    (5, 512),
    (7, 256),
    (11, 128),
    (11, 32),
)
# A map of zeros, as the network counts. Most of a true map is dark: training that starts at half
# its height spends the first epochs on nothing else.
_DARK = -127 / 128
# Where VGG-CNN-M, which conv1 to conv3 were taken from, goes on with other kernels.
_NOT_OF_CNN_M = ("conv4", "conv5")


def build(image_size: int = 299, width: float = 1.0, weights: str | None = None) -> keras.Model:
    """Builds SalNet; the contract is that of `build_detector`.

    The network was trained on maps of gray values g, as (g - 127) / 128; its output is turned back
    into gray values over 255, so that it means what all detectors' output means.

    Args:
        image_size: side of images and maps, in pixels; at least 4.
        width: factor on every channel count but that of the map.
        weights: None (He-normal, as in an independent port: the authors' start is not known),
            "released" (the authors' file), or a path. A `.caffemodel` file of VGG-CNN-M fills
            conv1 to conv3, which is how the authors began; VGG-16 has no layer that fits.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1].
    """
    sizes.check_image_size("detector salnet", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    if image_size > _LARGEST_INPUT:
        x = layers.BilinearUpsampling(_LARGEST_INPUT, align_corners=False, name="reduced")(x)
    x = layers.CaffePreprocessing(_BGR_MEANS, _PIXEL_SCALE, name="preprocessing")(x)
    x = build_network(x, width)
    gray = keras.layers.Rescaling(128 / 255, offset=127 / 255, dtype="float32", name="gray")(x)
    # As OpenCV places pixels; the map is up to three pixels smaller than the image.
    upsampling = layers.BilinearUpsampling(image_size, align_corners=False, name="saliency")
    model = keras.Model(image, upsampling(gray), name="salnet_detector")
    if weights is not None:
        path = weight_files.find(weights, {"released": "salnet"}, width)
        is_whole = "conv9" in weight_files.layer_names(path)
        weight_files.load(model, path, heads=() if is_whole else _NOT_OF_CNN_M)
    return model


def build_network(image: keras.KerasTensor, width: float = 1.0) -> keras.KerasTensor:
    """Applies SalNet's nine convolutions and its deconvolution.

    Args:
        image: preprocessed image, [b, h, w, 3].
        width: see `build`.

    Returns:
        The map as the authors trained it, about -1 to 1, float32 [b, h', w', 1]; h' is h if that
        is a multiple of 4, else up to three pixels less.
    """
    x = image
    for index, (side, channels) in enumerate(_CONVOLUTIONS, start=1):
        x = keras.layers.Conv2D(
            sizes.scaled(channels, width),
            side,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv{index}",
        )(x)
        if index == 1:
            x = layers.LocalResponseNormalization(name="norm1")(x)
        if index <= 2:
            x = convolutions.ceil_pool(x, index)
    # One channel costs little in float32, and small differences of the map count.
    x = keras.layers.Conv2D(
        1,
        13,
        padding="same",
        kernel_initializer="lecun_normal",
        bias_initializer=keras.initializers.Constant(_DARK),
        dtype="float32",
        name="conv9",
    )(x)
    # "same" crops (8 - 4) / 2 cells on each side, which is Caffe's `pad: 2`.
    return keras.layers.Conv2DTranspose(
        1,
        8,
        strides=4,
        padding="same",
        use_bias=False,
        kernel_initializer=layers.BilinearKernel(),
        dtype="float32",
        name="deconv1",
    )(x)
