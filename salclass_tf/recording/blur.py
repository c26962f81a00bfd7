"""A picture in all levels of blur, computed before it is shown."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from salclass_tf.recording.screen import Place


def shown(picture: Image.Image, place: Place) -> npt.NDArray[np.uint8]:
    """Scales a picture to its place on the screen.

    Args:
        picture: RGB.
        place: its rectangle.

    Returns:
        uint8 [height, width, 3] in pixels of the screen.
    """
    return np.asarray(picture.resize((place.width, place.height), Image.Resampling.LANCZOS))


def blurred(pixels: npt.NDArray[np.uint8], sigma: float) -> npt.NDArray[np.uint8]:
    """Blurs pixel values as they are stored, without linear light; margins are repeated.

    Args:
        pixels: [h, w, 3].
        sigma: of the Gaussian in these pixels; 0 returns the pixels.

    Returns:
        uint8 [h, w, 3].
    """
    if sigma == 0:
        return pixels
    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0), mode="nearest")
    return np.clip(np.rint(smooth), 0, 255).astype(np.uint8)


def levels(pixels: npt.NDArray[np.uint8], sigmas: Sequence[float]) -> list[npt.NDArray[np.uint8]]:
    """Returns a picture at each level.

    Args:
        pixels: the sharp picture [h, w, 3].
        sigmas: of each level, in its pixels.

    Returns:
        A picture for each sigma.
    """
    return [blurred(pixels, sigma) for sigma in sigmas]
