"""ML-Net (Cornia et al., ICPR 2016): features of three levels and a learned prior.

Layers, prior and preprocessing are those of the authors' release (repository marcellacornia/mlnet,
Keras 1 on Theano). Unknown: nothing of the network. Two things differ: Theano's pools of a
same-sized border begin one pixel before the image, TensorFlow's at its first pixel, so that levels
lie up to a cell beside the release's; and the last convolution starts near 0
with a bias above it, where the release draws it like the others, since maps of ReLUs that start
all dark never learn.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.layers import sizes, vgg_trunk

_TAPS = ("block3_pool", "block4_pool", "block5_conv3")
_SMALLEST_IMAGE = 8  # stride 8 leaves one cell

# Trained features reach into the hundreds; scores must not start far from the maps' 0 to 1.
_HEAD_DEVIATION = 1e-3
_DARK = 0.1

_VGG = [
    f"block{b}_conv{i}" for b, depth in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, depth + 1)
]
#: layers of the authors' file, by the names that Keras 1 counted -> layers here
RELEASED_NAMES = {
    f"convolution2d_{number}": name
    for number, name in enumerate([*_VGG, "encoding", "saliency_score"], start=1)
} | {"eltwiseproduct_1": "prior"}


def build(
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    letterbox: tuple[int, int] | None = None,
    prior_decay: float = 0.0,
) -> keras.Model:
    """Builds ML-Net; the contract is that of `build_detector`.

    The authors' loss divides a map by its peak first, so the height of a map that was trained with
    it is arbitrary; trained with the squared error it is that of true maps.

    Args:
        image_size: side of images and maps, in pixels; at least 8.
        width: factor on every channel count.
        weights: None, "imagenet" (VGG-16), "released" (the authors' file), or a path.
        letterbox: height and width, in pixels, of the frame that the image is fitted into, black
            beside it; (480, 640) in the release. None shows the image at its own size, and the
            prior of 6 x 8 cells then spans the image.
        prior_decay: factor of the squared prior in the loss; 1 / 48 in the release.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], 0 or above.
    """
    sizes.check_image_size("detector ml_net", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x, margins = (image, None) if letterbox is None else _fit_into(image, letterbox)
    scores = build_network(layers.VggPreprocessing(name="vgg_preprocessing")(x), width, prior_decay)
    if margins is not None:
        frame = layers.BilinearUpsampling(letterbox, align_corners=False, name="frame")
        scores = keras.layers.Cropping2D(margins, dtype="float32", name="crop")(frame(scores))
    upsampling = layers.BilinearUpsampling(image_size, align_corners=False, name="saliency")
    model = keras.Model(image, upsampling(scores), name="ml_net_detector")
    if weights is not None:
        public = {"imagenet": "vgg16_notop", "released": "ml_net"}
        path = weight_files.find(weights, public, width)
        weight_files.load(model, path, aliases=RELEASED_NAMES)
    return model


def _fit_into(image: keras.KerasTensor, frame: tuple[int, int]) -> tuple[keras.KerasTensor, tuple]:
    """Fits a square image into a frame with zeros beside it; returns it and the margins."""
    side = min(frame)
    margins = tuple(((edge - side) // 2, (edge - side + 1) // 2) for edge in frame)
    x = layers.BilinearUpsampling(side, align_corners=False, name="fitted")(image)
    return keras.layers.ZeroPadding2D(margins, dtype="float32", name="letterbox")(x), margins


def build_network(
    image: keras.KerasTensor, width: float = 1.0, prior_decay: float = 0.0
) -> keras.KerasTensor:
    """Applies ML-Net to a preprocessed image [b, h, w, 3]; float32 [b, h / 8, w / 8, 1]."""
    levels = vgg_trunk.build_trunk(
        "vgg16", image, width, pool_padding="same", strides=(2, 2, 2, 1, 0), taps=_TAPS
    )
    x = keras.layers.Concatenate(name="levels")(levels)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    x = keras.layers.Conv2D(
        sizes.scaled(64, width),
        3,
        padding="same",
        activation="relu",
        kernel_initializer="glorot_normal",
        name="encoding",
    )(x)
    x = keras.layers.Conv2D(
        1,
        1,
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION),
        bias_initializer=keras.initializers.Constant(_DARK),
        dtype="float32",
        name="saliency_score",
    )(x)
    x = layers.LearnedPrior(decay=prior_decay, name="prior")(x)
    return keras.layers.ReLU(dtype="float32", name="positive")(x)
