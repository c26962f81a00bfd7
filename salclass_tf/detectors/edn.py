"""After eDN (Vig et al., CVPR 2014): a linear readout of random hierarchical features.

Known: feature hierarchies of one to three layers of random filters, rectified, pooled and
normalised; their sizes found by a search, the six best kept; a linear SVM on fixated and other
pixels, with a feature of the distance to the centre; a blur. `edn_search.fit` does that search.
Unknown, and ours: ranges of sizes; average pools; normalisation over the channels alone; images
reduced to 256 pixels; a Gaussian centre; the blur. The authors' features (sthor) are not rebuilt.
"""

import pathlib
import re

import keras
import numpy as np

from salclass_tf import layers
from salclass_tf import weights as weight_files
from salclass_tf.layers import sizes

_LARGEST_INPUT = 256  # pixels; larger images are reduced to it
_CELL = 4  # pixels of what the features see in one cell of the map
_SMALLEST_IMAGE = 8  # three halvings leave one cell
_BLUR = 1 / 32  # deviation, as a share of the image's side
_DEFAULT_SEEDS = (0, 1, 2, 3, 4, 5)
_CENTRE = (0.25,)  # deviation of the centre feature, as a share of the side

# What the search draws from: layers of a hierarchy, channels, sides of kernels and pools.
_DEPTHS, _CHANNELS, _SIDES, _POOLS = (1, 2, 3), (16, 32, 64), (3, 5, 7, 9), (2, 3, 5)


def build(
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    seeds: tuple[int, ...] | None = None,
) -> keras.Model:
    """Builds a network after eDN; the contract is that of `build_detector`.

    The features are random and stay so. The readout, which a linear SVM learns in the paper, learns
    by gradient here, or is filled by `edn_search.fit`.

    Args:
        image_size: side of images and maps, in pixels; at least 8.
        width: factor on every channel count.
        weights: None or a path.
        seeds: one for each hierarchy; decides its sizes, its filters and its layers' names. None
            is 0 to 5, or those that the file is of.

    Returns:
        image [b, s, s, 3] -> saliency float32 [b, s, s, 1], unbounded.
    """
    sizes.check_image_size("detector edn", image_size, _SMALLEST_IMAGE)
    path = None if weights is None else weight_files.find(weights, {}, width)
    if seeds is None:
        seeds = _DEFAULT_SEEDS if path is None else _seeds_of(path)
    if not seeds:
        raise ValueError("seeds must name at least one hierarchy of features; got none")
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    if image_size > _LARGEST_INPUT:
        x = layers.BilinearUpsampling(_LARGEST_INPUT, align_corners=False, name="reduced")(x)
    side = -(-x.shape[1] // _CELL)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="preprocessing")(x)
    maps = [
        layers.BilinearUpsampling(side, align_corners=False, name=f"h{seed}_cells")(
            _build_hierarchy(x, seed, width, f"h{seed}")
        )
        for seed in sorted(seeds)
    ]
    x = keras.layers.Concatenate(dtype="float32", name="hierarchies")(maps) if maps[1:] else maps[0]
    x = layers.GaussianMaps(_CENTRE, name="features")(x)
    start = keras.initializers.RandomNormal(stddev=0.01)
    score = keras.layers.Conv2D(
        1, 1, kernel_initializer=start, dtype="float32", name="saliency_score"
    )
    x = layers.GaussianBlur(_BLUR * side, learned=False, name="blur")(score(x))
    upsampling = layers.BilinearUpsampling(image_size, align_corners=False, name="saliency")
    model = keras.Model(image, upsampling(x), name="edn_detector")
    if path is not None:
        weight_files.load(model, path)
    return model


def _seeds_of(path: pathlib.Path) -> tuple[int, ...]:
    """Seeds of the hierarchies in a file: the layers are called after them."""
    found = (re.fullmatch(r"h(\d+)_conv1", name) for name in weight_files.layer_names(path))
    return tuple(int(match[1]) for match in found if match) or _DEFAULT_SEEDS


def draw_hierarchy(seed: int) -> list[tuple[int, int, int]]:
    """Draws the sizes of a hierarchy: channels, side of the kernel, side of the pool, by layer."""
    rng = np.random.default_rng(seed)
    return [
        tuple(int(rng.choice(choices)) for choices in (_CHANNELS, _SIDES, _POOLS))
        for _ in range(rng.choice(_DEPTHS))
    ]


def _build_hierarchy(
    x: keras.KerasTensor, seed: int, width: float, prefix: str
) -> keras.KerasTensor:
    """One hierarchy of random features; every layer halves height and width."""
    for index, (channels, side, pool) in enumerate(draw_hierarchy(seed), start=1):
        filters = sizes.scaled(channels, width)
        x = layers.FrozenConv2D(
            filters,
            side,
            padding="same",
            activation="relu",
            use_bias=False,
            kernel_initializer=layers.UnitFilters(seed * len(_DEPTHS) + index),
            name=f"{prefix}_conv{index}",
        )(x)
        x = keras.layers.AveragePooling2D(pool, 2, padding="same", name=f"{prefix}_pool{index}")(x)
        # Over all channels: x / sqrt(1 + sum x^2).
        around = 2 * filters + 1
        norm = layers.LocalResponseNormalization(around, around, 0.5, name=f"{prefix}_norm{index}")
        x = norm(x)
    return x
