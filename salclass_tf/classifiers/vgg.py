"""VGG classifiers, the paper's "SalClassNet (VGG)" (Sec. 5.4)."""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.classifiers import pooling as poolings
from salclass_tf.classifiers import rgbs
from salclass_tf.layers import sizes, vgg_trunk

# Standard deviation of ImageNet's pixel values. VGG reads pixels unscaled, so a map of deviation 1
# would hardly reach the first convolution.
_PIXEL_DEVIATION = 57.0

# He et al., Delving deep into rectifiers (2015): by Glorot's start a signal halves its variance in
# each of 16 layers, and whether such a network ever leaves chance hangs on rounding.
_FROM_SCRATCH = "he_normal"

# Features are large, trained ones of a mean of 2.7 over cells, and those of He's start as large as
# pixels: Glorot's start would be confident nonsense.
_HEAD_DEVIATION = 1e-3


def build(
    name: str,
    num_classes: int = 120,
    saliency_input: bool = True,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    top: str = "dense",
    dropout: float | None = None,
    seed: int | None = None,
    saliency_spread: float = _PIXEL_DEVIATION,
    pooling: str = "mean",
) -> keras.Model:
    """Builds a VGG classifier; the contract is that of `build_classifier`.

    Args:
        name: "vgg16" or "vgg19".
        num_classes: number of classes.
        saliency_input: whether the network takes a map.
        image_size: side of image and map, in pixels; at least 32.
        width: factor on every channel count, those of fc1 and fc2 included.
        weights: None, "imagenet" or a path.
        top: "dense" for the two layers of 4096 as published, "pool" for the mean over all cells.
        dropout: rate after each layer of the top; None is 0.5 for "dense" as published and 0 for
            "pool".
        seed: of the dropout (fc2 takes the next one); None draws it from Keras' global seed.
        saliency_spread: initial standard deviation of the normalised map, in pixel values.
        pooling: how top "pool" pools, see `pooling.pool`.

    Returns:
        {"image", "saliency"} or image -> logits float32 [b, num_classes].
    """
    sizes.check_image_size(f"classifier {name}", image_size, vgg_trunk.SMALLEST_IMAGE)
    preprocessing = layers.VggPreprocessing(name="vgg_preprocessing")
    inputs, x = rgbs.build_input(preprocessing, image_size, saliency_input, saliency_spread)
    # Of trained weights the start of the map's slice alone is left.
    start = _FROM_SCRATCH if weights is None else "glorot_uniform"
    features = vgg_trunk.build_trunk(name, x, width, kernel_initializer=start)
    if top == "pool":
        mean = keras.layers.GlobalAveragePooling2D(name="avg_pool")
        x = poolings.pool(mean, features, inputs, pooling)
        x = keras.layers.Dropout(dropout or 0.0, seed=seed, name="avg_pool_dropout")(x)
    else:
        _check_dense(top, pooling)
        x = _build_dense(features, width, dropout, seed)
    small = keras.initializers.RandomNormal(stddev=_HEAD_DEVIATION)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer=small, dtype="float32", name="predictions"
    )(x)
    model = keras.Model(inputs, logits, name=f"{name}_classifier")
    if weights is not None:
        # fc1 of the public file fits the 7x7 cells that these image sizes give.
        full = top == "dense" and 224 <= image_size < 256
        path = weight_files.find(weights, name if full else f"{name}_notop", width)
        weight_files.load(model, path, widened="block1_conv1", heads=rgbs.NEW_LAYERS)
    return model


def _check_dense(top: str, pooling: str) -> None:
    """Checks a top that is not pooled."""
    if top != "dense":
        raise ValueError(f'top must be "dense" or "pool"; got {top!r}')
    if pooling != "mean":
        raise ValueError(
            f'pooling={pooling!r} needs top="pool": the dense layers of a VGG read every cell'
        )


def _build_dense(
    features: keras.KerasTensor, width: float, dropout: float | None, seed: int | None
) -> keras.KerasTensor:
    """The two dense layers as published: vectors [b, n] from features [b, h, w, c]."""
    rate = 0.5 if dropout is None else dropout
    x = keras.layers.Flatten(name="flatten")(features)
    for index, name in enumerate(("fc1", "fc2")):
        x = keras.layers.Dense(sizes.scaled(4096, width), activation="relu", name=name)(x)
        # Equal seeds would drop the same units in both layers.
        layer_seed = None if seed is None else seed + index
        x = keras.layers.Dropout(rate, seed=layer_seed, name=f"{name}_dropout")(x)
    return x
