"""Saliency detectors: image in, map of the same size out."""

import functools
from collections.abc import Callable

import keras

from salclass_tf import spelling
from salclass_tf.detectors import (
    deep_fix,
    deep_gaze,
    deep_gaze_2,
    edn,
    junting,
    ml_net,
    msi_net,
    pdp,
    salicon,
    salnet,
    vgg,
)

# Name -> how it is built, and what comes out.
_DETECTORS = {
    "deep_fix": (deep_fix.build, "map"),
    "deep_gaze": (deep_gaze.build, "density"),
    "deep_gaze_2": (deep_gaze_2.build, "density"),
    "edn": (edn.build, "map"),
    "junting": (junting.build, "map"),
    "ml_net": (ml_net.build, "map"),
    "msi_net": (msi_net.build, "map"),
    "pdp": (pdp.build, "density"),
    "salicon": (salicon.build, "map"),
    "salnet": (salnet.build, "map"),
    "vgg16": (functools.partial(vgg.build, "vgg16"), "map"),
    "vgg19": (functools.partial(vgg.build, "vgg19"), "map"),
}


def list_detectors() -> list[str]:
    """Returns the names that `build_detector` takes."""
    return sorted(_DETECTORS)


def output_of(name: str) -> str:
    """Returns the kind of output of a detector: "map" or "density".

    All of them are maps float32 [b, s, s, 1] that compare with true maps of peak 1, so the squared
    error, figures and scores need no difference to be made. A loss on distributions does:

    - "map": about 0 to 1, unbounded; it may be negative where a head is linear.
    - "density": a probability density over the pixels, divided by its peak: above 0, peak 1.
      Divided by its sum it is the softmax that the network ends in, and its logarithm, which is
      finite, is the log density up to a constant; nothing has to be added before taking it.

    Args:
        name: one of `list_detectors()`.

    Raises:
        ValueError: for an unknown name.
    """
    return _detector(name)[1]


def build_detector(
    name: str = "vgg19",
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    **options,
) -> keras.Model:
    """Builds a saliency detector: the paper's own (Sec. 3.1), or one that it compares with.

    Initial values follow `keras.utils.set_random_seed`. `docs/detectors.md` lists them all, with
    what is not known of each.

    Args:
        name: one of `list_detectors()`.
        image_size: side s of the square images and maps, in pixels.
        width: factor on every channel count; 1.0 is the published network.
        weights: None (random), the path of a `.weights.h5`, `.keras`, `.h5` or `.caffemodel`
            file, whose layers are matched by name, or a public file, downloaded once: "imagenet"
            where the network has convolutions of VGG, "released" for what the authors of `ml_net`,
            `salnet` and `salicon` trained.
        **options: settings of that detector, see its module.

    Returns:
        A functional model: `image` RGB in [0, 255], uint8 or float32 [b, s, s, 3] -> map
        float32 [b, s, s, 1], see `output_of`.

    Raises:
        ValueError: for an unknown name, too small an image, a width of 0 or below, or a weights
            file of another network.
        OSError: if the weights file is missing or cannot be downloaded.
    """
    return builder_of(name)(image_size=image_size, width=width, weights=weights, **options)


def builder_of(name: str) -> Callable[..., keras.Model]:
    """Returns what builds a detector; its signature has the options of that network.

    Raises:
        ValueError: for an unknown name.
    """
    return _detector(name)[0]


def _detector(name: str) -> tuple:
    """The entry of a detector."""
    if name not in _DETECTORS:
        known = list_detectors()
        raise ValueError(
            f"detector must be one of {', '.join(known)}; got {spelling.quoted(name, known)}"
        )
    return _DETECTORS[name]
