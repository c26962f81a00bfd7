"""Saliency detectors: image in, map of the same size out."""

import functools

import keras

from salclass_tf.detectors import salicon, salnet, vgg

_BUILDERS = {
    "salicon": salicon.build,
    "salnet": salnet.build,
    "vgg16": functools.partial(vgg.build, "vgg16"),
    "vgg19": functools.partial(vgg.build, "vgg19"),
}


def list_detectors() -> list[str]:
    """Returns the names that `build_detector` takes."""
    return sorted(_BUILDERS)


def build_detector(
    name: str = "vgg19",
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    **options,
) -> keras.Model:
    """Builds a saliency detector: the paper's own (Sec. 3.1), or one of its baselines (Table 4).

    Initial values follow `keras.utils.set_random_seed`.

    Args:
        name: one of `list_detectors()`.
        image_size: side s of the square images and maps, in pixels.
        width: factor on every channel count; 1.0 is the published network.
        weights: None (random), the path of a `.weights.h5`, `.keras`, `.h5` or `.caffemodel`
            file, whose layers are matched by name, or a public file, downloaded once: "imagenet"
            where the network has convolutions of VGG, "released" for what the authors of `salnet`
            and `salicon` trained.
        **options: settings of that detector, see its module.

    Returns:
        A functional model: `image` RGB in [0, 255], uint8 or float32 [b, s, s, 3] -> map
        float32 [b, s, s, 1], unbounded.

    Raises:
        ValueError: for an unknown name, too small an image, a width of 0 or below, or a weights
            file of another network.
        OSError: if the weights file is missing or cannot be downloaded.
    """
    if name not in _BUILDERS:
        raise ValueError(f"detector must be one of {', '.join(list_detectors())}; got {name!r}")
    return _BUILDERS[name](image_size=image_size, width=width, weights=weights, **options)
