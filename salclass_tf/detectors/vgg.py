"""The paper's detector: VGG convolutions, one 1x1 convolution, bilinear upsampling (Sec. 3.1)."""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.layers import sizes, vgg_trunk

# Trained features reach into the hundreds; scores must not start far from the maps' 0 to 1.
_HEAD_DEVIATION = 1e-3


def build(
    name: str,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    convolutions: int | None = None,
    head_activation: str | None = None,
    half_pixel: bool = False,
) -> keras.Model:
    """Builds a VGG detector; the contract is that of `build_detector`.

    Pools round up (ceil mode), so that 299 pixels give the paper's 10x10 cells.

    Args:
        name: "vgg16" or "vgg19".
        image_size: side of images and maps, in pixels; at least 32.
        width: factor on every channel count.
        weights: None, "imagenet" or a path.
        convolutions: how many to keep, counted from the image; None keeps all. 13 of VGG-19 is
            the literal reading of the paper's "thirteen convolutional layers".
        head_activation: None for the paper's linear scores, or "sigmoid".
        half_pixel: whether upsampling samples by the half-pixel rule and not by aligned corners.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1].
    """
    sizes.check_image_size(f"detector {name}", image_size, vgg_trunk.SMALLEST_IMAGE)
    if head_activation not in (None, "sigmoid"):
        raise ValueError(f'head_activation must be None or "sigmoid"; got {head_activation!r}')
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.VggPreprocessing(name="vgg_preprocessing")(image)
    x = vgg_trunk.build_trunk(name, x, width, convolutions, pool_padding="same")
    # The scores are few, so float32 costs nothing and keeps the map's small differences.
    scores = keras.layers.Conv2D(
        1,
        1,
        activation=head_activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        dtype="float32",
        name="saliency_score",
    )(x)
    upsampling = layers.BilinearUpsampling(image_size, not half_pixel, name="saliency")
    model = keras.Model(image, upsampling(scores), name=f"{name}_detector")
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, f"{name}_notop", width))
    return model
