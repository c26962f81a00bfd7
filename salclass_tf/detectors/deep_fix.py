"""After DeepFix (Kruthiventi et al., IEEE TIP 2017): convolutions that know where they are.

Known: VGG-16's convolutions with stride 1 in the fourth and fifth pool and a dilated fifth block,
two blocks of parallel 1x1, 3x3 and dilated convolutions, two location-biased convolutions (large,
dilated, reading 16 fixed Gaussian maps too), a 1x1 convolution, squared error. Unknown, and chosen
here: channels in the parallel blocks (those of GoogLeNet's 4c: 128, 256, 64, 64) and their fourth
branch, a 3x3 maximum; 512 channels, 5x5 kernels and dilation 6 of the location-biased ones;
deviations of the Gaussian maps; no dropout; bilinear enlargement. The authors published no code.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.detectors.convolutions import convolve
from salclass_tf.layers import sizes, vgg_trunk

_SMALLEST_IMAGE = 8  # stride 8 leaves one cell

# Channels of a parallel block: 1x1; before and after 3x3; before and after dilated; after maximum.
_PARALLEL = (128, (128, 256), (32, 64), 64)
_BIASED = {"channels": 512, "side": 5, "dilation": 6}

# Trained features reach into the hundreds; scores must not start far from the maps' 0 to 1.
_HEAD_DEVIATION = 1e-3


def build(image_size: int = 299, width: float = 1.0, weights: str | None = None) -> keras.Model:
    """Builds a network after DeepFix; the contract is that of `build_detector`.

    Args:
        image_size: side of images and maps, in pixels; at least 8.
        width: factor on every channel count but those of the 16 Gaussian maps and of the map.
        weights: None, "imagenet" (VGG-16), or a path.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], unbounded.
    """
    sizes.check_image_size("detector deep_fix", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.VggPreprocessing(name="vgg_preprocessing")(image)
    strides, dilations = (2, 2, 2, 1, 1), (1, 1, 1, 1, 2)
    x = vgg_trunk.build_trunk(
        "vgg16", x, width, pool_padding="same", strides=strides, dilations=dilations
    )
    for index in (1, 2):
        x = _build_parallel(x, width, f"parallel{index}")
    for index in (1, 2):
        x = layers.GaussianMaps(name=f"gaussian_maps{index}")(x)
        x = convolve(x, width=width, name=f"biased_conv{index}", **_BIASED)
    # The scores are few, so float32 costs nothing and keeps the map's small differences.
    scores = keras.layers.Conv2D(
        1,
        1,
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        dtype="float32",
        name="saliency_score",
    )(x)
    upsampling = layers.BilinearUpsampling(image_size, align_corners=False, name="saliency")
    model = keras.Model(image, upsampling(scores), name="deep_fix_detector")
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, "vgg16_notop", width))
    return model


def _build_parallel(x: keras.KerasTensor, width: float, name: str) -> keras.KerasTensor:
    """A block of four branches: a point, a 3x3 field, a dilated one, and a local maximum."""
    point, plain, dilated, maximum = _PARALLEL
    pooled = keras.layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_maximum")(x)
    branches = [convolve(x, point, width=width, name=f"{name}_point")]
    for (before, after), kind, dilation in ((plain, "plain", 1), (dilated, "dilated", 2)):
        reduced = convolve(x, before, width=width, name=f"{name}_{kind}_reduced")
        branches.append(convolve(reduced, after, 3, dilation, width, name=f"{name}_{kind}"))
    branches.append(convolve(pooled, maximum, width=width, name=f"{name}_maximum_conv"))
    return keras.layers.Concatenate(name=name)(branches)
