"""JuntingNet, the shallow network of Pan et al. (CVPR 2016): a baseline of the paper's Table 1.

Layers, their sizes and the input of 96 x 96 pixels are those of the authors' script (repository
imatge-upc/saliency-2016-cvpr, folder `shallow`). The number of parameters in the paper is larger
than what that script builds; the script is followed. Its weights, 2.5 GB of pickled Python
objects, are not read. Unknown: how the bias of the last layer starts; here at a dark map.
"""

import keras

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.layers import sizes

_INPUT = 96  # pixels; the image is stretched to it
_MAP = 48  # cells of the map
_SMALLEST_IMAGE = 1

# Side of the kernel and channels; a pool that halves follows each.
_CONVOLUTIONS = ((5, 32), (3, 64), (3, 64))
_UNITS = _MAP * _MAP
_PIECES = 2
# A map of zeros, as the network counts: see `build`.
_DARK = -1.0


def build(image_size: int = 299, width: float = 1.0, weights: str | None = None) -> keras.Model:
    """Builds JuntingNet; the contract is that of `build_detector`.

    It was trained on maps of gray values g, as g / 127.5 - 1; its output is turned back into
    gray values over 255. The authors' script computes a blur of the 48 x 48 map and then enlarges
    the map without it, as is done here.

    Args:
        image_size: side of images and maps, in pixels.
        width: factor on every channel and unit count but that of the map.
        weights: None (Glorot-uniform, as the script's library starts), or a path.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], unbounded.
    """
    sizes.check_image_size("detector junting", image_size, _SMALLEST_IMAGE)
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.BilinearUpsampling(_INPUT, align_corners=False, name="stretched")(image)
    x = keras.layers.Rescaling(1 / 255, dtype="float32", name="preprocessing")(x)
    x = build_network(x, width)
    gray = keras.layers.Rescaling(0.5, offset=0.5, dtype="float32", name="gray")(x)
    upsampling = layers.BilinearUpsampling(image_size, align_corners=False, name="saliency")
    model = keras.Model(image, upsampling(gray), name="junting_detector")
    if weights is not None:
        weight_files.load(model, weight_files.find(weights, {}, width))
    return model


def build_network(image: keras.KerasTensor, width: float = 1.0) -> keras.KerasTensor:
    """Applies JuntingNet's three convolutions and two dense layers.

    Args:
        image: RGB in [0, 1], [b, 96, 96, 3].
        width: see `build`.

    Returns:
        The map as the authors trained it, about -1 to 1, float32 [b, 48, 48, 1].
    """
    x = image
    for index, (side, channels) in enumerate(_CONVOLUTIONS, start=1):
        filters = sizes.scaled(channels, width)
        x = keras.layers.Conv2D(filters, side, activation="relu", name=f"conv{index}")(x)
        x = keras.layers.MaxPooling2D(2, 2, name=f"pool{index}")(x)
    x = keras.layers.Flatten(name="cells")(x)
    units = sizes.scaled(_UNITS, width) * _PIECES
    x = keras.layers.Dense(units, activation="relu", name="dense1")(x)
    x = layers.Maxout(_PIECES, name="maxout")(x)
    # Small differences of the map count, so the last layer computes in float32.
    x = keras.layers.Dense(
        _UNITS,
        bias_initializer=keras.initializers.Constant(_DARK),
        dtype="float32",
        name="dense2",
    )(x)
    return keras.layers.Reshape((_MAP, _MAP, 1), dtype="float32", name="map")(x)
