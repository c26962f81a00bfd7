"""SALICON (Huang et al., ICCV 2015): a baseline of the paper's Table 4.

Two VGG-16 with weights of their own see the image at two scales; one 1x1 convolution scores both.
The authors published a web page alone; this is the network of OpenSALICON (Thomas, TR-2016-02,
repository CLT29/OpenSALICON), whose weights are public.
"""

import os

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.layers import sizes, vgg_trunk

_SMALLEST_IMAGE = 64  # halved, it still leaves one cell

# Trained features reach into the hundreds; the sigmoid must not start where it is flat.
_HEAD_DEVIATION = 1e-3

# The sigmoid of it is 0.1. Most of a true map is dark: training that starts at half its height
# spends the first epochs on nothing else.
_DARK = -2.2


def build(
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    fine_size: int | None = None,
) -> keras.Model:
    """Builds SALICON; the contract is that of `build_detector`.

    Layers of the coarse trunk are named as those of the fine one, with `coarse_` before.

    Args:
        image_size: side of images and maps, in pixels; at least 64.
        width: factor on every channel count.
        weights: None, "imagenet" (both trunks start as VGG-16), "released" (OpenSALICON's file)
            or a path. A file of one VGG-16 fills both trunks.
        fine_size: side of the image that the fine trunk sees, in pixels; at least 64. The coarse
            one sees half of it. None is `image_size`, as in the paper of 2015, where photographs
            had the fine size; OpenSALICON doubles their sides first.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], between 0 and 1.
    """
    fine_size = image_size if fine_size is None else fine_size
    sizes.check_image_size("detector salicon", image_size, _SMALLEST_IMAGE)
    sizes.check_image_size("the fine trunk of detector salicon", fine_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    fine = _build_trunk(image, fine_size, width, "")
    coarse = _build_trunk(image, (fine_size + 1) // 2, width, "coarse_")
    coarse = layers.BilinearUpsampling(fine.shape[1:3], name="coarse_enlarged")(coarse)
    both = keras.layers.Concatenate(dtype="float32", name="both_scales")([coarse, fine])
    scores = keras.layers.Conv2D(
        1,
        1,
        activation="sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        bias_initializer=keras.initializers.Constant(_DARK),
        dtype="float32",
        name="saliency_score",
    )(both)
    saliency = layers.BilinearUpsampling(image_size, name="saliency")(scores)
    model = keras.Model(image, saliency, name="salicon_detector")
    if weights is not None:
        public = {"imagenet": "vgg16_notop", "released": "salicon"}
        _load(model, weight_files.find(weights, public, width))
    return model


def _build_trunk(
    image: keras.KerasTensor, size: int, width: float, prefix: str
) -> keras.KerasTensor:
    """VGG-16's features of the image at a size; pools round up, as Caffe's do."""
    x = image
    if size != image.shape[1]:
        x = layers.BilinearUpsampling(size, align_corners=False, name=f"{prefix}resized")(x)
    x = layers.VggPreprocessing(name=f"{prefix}vgg_preprocessing")(x)
    return vgg_trunk.build_trunk("vgg16", x, width, pool_padding="same", prefix=prefix)


def _load(model: keras.Model, path: os.PathLike) -> None:
    """Loads a file of two trunks, or of one VGG-16, which both trunks take.

    OpenSALICON divides pixels by 255 after the means are off, VGG-16 does not. Here the pixels stay
    as VGG-16 wants them, and the first kernels of OpenSALICON's file are divided instead.
    """
    first = [f"{prefix}block1_conv1" for prefix in ("", "coarse_")]
    has_both = weight_files.layer_names(path).issuperset(first)
    # The scores of a VGG-16 detector belong to half as many features.
    heads = () if has_both else ("saliency_score",)
    weight_files.load(model, path, heads=heads, twin_prefix="coarse_")
    if has_both and path.suffix == ".caffemodel":
        for name in first:
            kernel, bias = model.get_layer(name).get_weights()
            model.get_layer(name).set_weights([kernel / 255, bias])
