"""After DeepGaze II (Kuemmerer et al., 2016): VGG-19's features, read out by a small network.

Known: five frozen layers of VGG-19's last block, 1x1 convolutions with 16, 32, 2 and 1 channels
and ReLUs, a blur whose deviation is learned, a weighted centre bias, a softmax over the pixels;
sizes and starts are those of the authors' PyTorch port (repository matthias-k/DeepGaze). Unknown:
the centre bias, which comes from other images' gaze; whether the last of the four has a ReLU (not
here) or a bias (not here: a softmax does not see it); how the readout starts.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors import density_head
from salclass_tf.layers import sizes, vgg_trunk

_TAPS = (
    "block5_conv1_linear",
    "block5_conv1",
    "block5_conv2",
    "block5_conv3_linear",
    "block5_conv4",
)
_SMALLEST_IMAGE = 16  # stride 16 leaves one cell
_MAP_FACTOR = 2  # pixels of the image in a cell of the map
_READOUT = (16, 32, 2)

# Trained features reach into the hundreds; the readout must not start where ReLUs are dead.
_HEAD_DEVIATION = 1e-3
_ALIVE = 0.1


def build(
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    frozen: bool | None = None,
    centre_bias: str | None = None,
) -> keras.Model:
    """Builds a network after DeepGaze II; the contract is that of `build_detector`.

    Args:
        image_size: side of images and maps, in pixels; at least 16.
        width: factor on every channel count.
        weights: None, "imagenet" (VGG-19), or a path.
        frozen: whether the features stay as they are, as published. None freezes them where
            weights are given: random features that never learn would tell nothing.
        centre_bias: None (a Gaussian), "learned" or a file, see `density_head.fill_centre_bias`.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1]: a density over the pixels with peak 1,
        see `layers.Density`.
    """
    sizes.check_image_size("detector deep_gaze_2", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = density_head.reduce_image(image)
    x = layers.VggPreprocessing(name="vgg_preprocessing")(x)
    features = vgg_trunk.build_trunk(
        "vgg19",
        x,
        width,
        pool_padding="same",
        strides=(2, 2, 2, 2, 0),
        frozen=weights is not None if frozen is None else frozen,
        taps=_TAPS,
    )
    scores = build_readout(keras.layers.Concatenate(name="features")(features), width)
    saliency = density_head.build_density(scores, image_size, _MAP_FACTOR, centre_bias)
    model = keras.Model(image, saliency, name="deep_gaze_2_detector")
    density_head.fill_centre_bias(model, centre_bias)
    if weights is not None:
        path = weight_files.find(weights, "vgg19_notop", width)
        report = weight_files.load(model, path)
        random = [n for n in report.missing if isinstance(model.get_layer(n), layers.FrozenConv2D)]
        if random:
            raise ValueError(
                f"{path} lacks {', '.join(random)} of VGG-19, which would stay random: name a file "
                "of VGG-19, or let the features learn (frozen=False)"
            )
    return model


def build_readout(features: keras.KerasTensor, width: float = 1.0) -> keras.KerasTensor:
    """Applies the 1x1 convolutions to features [b, h, w, c]; float32 [b, h, w, 1]."""
    x, start = features, keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION)
    for index, channels in enumerate(_READOUT, start=1):
        x = keras.layers.Conv2D(
            sizes.scaled(channels, width),
            1,
            activation="relu",
            kernel_initializer=start,
            bias_initializer=keras.initializers.Constant(_ALIVE),
            name=f"readout{index}",
        )(x)
        start = "he_normal"
    return keras.layers.Conv2D(1, 1, use_bias=False, dtype="float32", name="saliency_score")(x)
