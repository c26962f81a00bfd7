"""Saliency from the spectrum of the image, by OpenCV."""

from types import ModuleType

import numpy as np


def opencv() -> ModuleType:
    """Returns OpenCV.

    Raises:
        ValueError: if it is not there, or without its module for saliency; with what to install.
    """
    try:
        import cv2

        cv2.saliency.StaticSaliencySpectralResidual_create  # noqa: B018 -- of opencv-contrib alone
    except (ImportError, AttributeError):
        raise ValueError(
            "the baseline spectral_residual needs OpenCV with its contributed modules: pip install "
            "-r requirements-baselines.txt (in place of other OpenCV packages, which lack them), "
            "or leave it out of --baselines"
        ) from None
    return cv2


def spectral_residual(image: np.ndarray) -> np.ndarray:
    """Returns what of an image's spectrum its neighbourhood does not explain, where it is.

    Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007. OpenCV reduces the
    image to 64 x 64 grey pixels for it and enlarges the map again.

    Args:
        image: RGB, uint8 [h, w, 3].

    Returns:
        float32 [h, w] in [0, 1].

    Raises:
        ValueError: if OpenCV is not there, see `opencv`.
    """
    model = opencv().saliency.StaticSaliencySpectralResidual_create()
    _, saliency = model.computeSaliency(np.ascontiguousarray(image[..., ::-1]))  # OpenCV has BGR
    return saliency
