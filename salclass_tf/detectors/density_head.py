"""What DeepGaze I and II do with their scores: blur, centre bias, a density over the pixels."""

import os
import pathlib

import keras
import numpy as np

from salclass_tf import layers

#: larger images are reduced to it: half the 1024 pixels of the authors' images
LARGEST_INPUT = 512
_PUBLISHED_SIDE = 1024  # pixels; sizes in the authors' code are meant for it
_PUBLISHED_DEVIATION = 8.0  # cells of the map


def reduce_image(image: keras.KerasTensor) -> keras.KerasTensor:
    """Halves images of the published size; smaller ones than half of it stay as they are."""
    if image.shape[1] <= LARGEST_INPUT:
        return image
    return layers.BilinearUpsampling(LARGEST_INPUT, align_corners=False, name="reduced")(image)


def build_density(
    scores: keras.KerasTensor, image_size: int, map_factor: int, centre_bias: str | None
) -> keras.KerasTensor:
    """Turns scores into a density over the pixels of the image.

    The authors' code enlarges by repeating cells; here maps are enlarged linearly. The blur's
    deviation starts as the same share of the image as theirs, 8 cells of a 1024-pixel image's map.

    Args:
        scores: float32 [b, h, w, 1].
        image_size: side of the image, in pixels.
        map_factor: pixels of the image in a cell of the map that is blurred.
        centre_bias: see `fill_centre_bias`.

    Returns:
        float32 [b, image_size, image_size, 1], above 0 with peak 1, see `layers.Density`.
    """
    side = -(-image_size // map_factor)
    x = layers.BilinearUpsampling(side, align_corners=False, name="map")(scores)
    share = _PUBLISHED_DEVIATION * map_factor / _PUBLISHED_SIDE
    x = layers.GaussianBlur(share * side, name="blur")(x)
    x = layers.CentreBias(learned=centre_bias == "learned", name="centre_bias")(x)
    x = layers.BilinearUpsampling(image_size, align_corners=False, name="enlarged")(x)
    return layers.Density(name="saliency")(x)


def fill_centre_bias(model: keras.Model, centre_bias: str | os.PathLike | None) -> None:
    """Gives a detector the centre bias of a data set.

    Args:
        model: with a layer "centre_bias".
        centre_bias: a `.npy` file with a log density [h, w], such as the authors'
            `centerbias_mit1003.npy`; None keeps a Gaussian, "learned" one that learns.

    Raises:
        ValueError: if the file has something else.
        OSError: if there is no such file.
    """
    if centre_bias in (None, "learned"):
        return
    path = pathlib.Path(centre_bias)
    if not path.is_file():
        raise FileNotFoundError(f'centre_bias must be None, "learned" or a file; no file at {path}')
    model.get_layer("centre_bias").set_log_density(np.load(path, allow_pickle=False))
