"""After DeepGaze I (Kuemmerer et al., ICLR workshop 2015): AlexNet's features, read out linearly.

Known: frozen features of AlexNet's fifth convolution (here Caffe's network, two groups, before the
ReLU), a linear readout without bias, a blur whose deviation is learned, a weighted centre bias, a
softmax over the pixels; sizes and starts are those of the authors' PyTorch port (repository
matthias-k/DeepGaze), which uses another AlexNet. Unknown: the factor of the paper's sparsity
penalty (none by default, as in the port); the centre bias, which comes from other images' gaze.
The port's weights, a PyTorch file for that other AlexNet, are not read.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors import convolutions, density_head
from salclass_tf.layers import sizes

_BGR_MEANS = (104.007, 116.669, 122.679)  # of Caffe's ImageNet models
_SMALLEST_IMAGE = 23  # two poolings leave one cell
_MAP_FACTOR = 4  # pixels of the image in a cell of the map

# Features reach into the hundreds; a density must not start as a single peak.
_HEAD_DEVIATION = 1e-3


def build(
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    frozen: bool | None = None,
    sparsity: float = 0.0,
    centre_bias: str | None = None,
) -> keras.Model:
    """Builds a network after DeepGaze I; the contract is that of `build_detector`.

    Args:
        image_size: side of images and maps, in pixels; at least 23.
        width: factor on every channel count.
        weights: None, or a path: a `.caffemodel` file of AlexNet fills the features.
        frozen: whether the features stay as they are, as published. None freezes them where
            weights are given: random features that never learn would tell nothing.
        sparsity: factor of the readout's absolute weights in the loss.
        centre_bias: None (a Gaussian), "learned" or a file, see `density_head.fill_centre_bias`.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1]: a density over the pixels with peak 1,
        see `layers.Density`.
    """
    sizes.check_image_size("detector deep_gaze", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = density_head.reduce_image(image)
    x = layers.CaffePreprocessing(_BGR_MEANS, name="preprocessing")(x)
    x = build_features(x, width, weights is not None if frozen is None else frozen)
    scores = keras.layers.Conv2D(
        1,
        1,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        kernel_regularizer=keras.regularizers.L1(sparsity) if sparsity else None,
        dtype="float32",
        name="saliency_score",
    )(x)
    saliency = density_head.build_density(scores, image_size, _MAP_FACTOR, centre_bias)
    model = keras.Model(image, saliency, name="deep_gaze_detector")
    density_head.fill_centre_bias(model, centre_bias)
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, {}, width))
    return model


def build_features(
    image: keras.KerasTensor, width: float = 1.0, frozen: bool = True
) -> keras.KerasTensor:
    """Applies the five convolutions of Caffe's AlexNet (Krizhevsky et al., 2012).

    Args:
        image: BGR without its means, [b, h, w, 3].
        width: factor on every channel count, which stays even: there are two groups.
        frozen: see `build`.

    Returns:
        conv5 before its ReLU, [b, about h / 16, about w / 16, 256 * width].
    """

    def convolve(x, index, channels, side, groups=1, **options):
        layer = layers.FrozenConv2D if frozen else keras.layers.Conv2D
        filters = 2 * sizes.scaled(channels // 2, width)
        return layer(filters, side, groups=groups, name=f"conv{index}", **options)(x)

    same = {"padding": "same", "activation": "relu"}
    x = convolve(image, 1, 96, 11, strides=4, activation="relu")
    x = convolutions.ceil_pool(layers.LocalResponseNormalization(name="norm1")(x), 1)
    x = convolve(x, 2, 256, 5, groups=2, **same)
    x = convolutions.ceil_pool(layers.LocalResponseNormalization(name="norm2")(x), 2)
    x = convolve(x, 3, 384, 3, **same)
    x = convolve(x, 4, 384, 3, groups=2, **same)
    return convolve(x, 5, 256, 3, groups=2, padding="same")
