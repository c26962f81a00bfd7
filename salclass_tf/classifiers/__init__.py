"""Classifiers: image and, as its fourth channel, a saliency map in; logits out."""

import functools
from collections.abc import Callable

import keras

from salclass_tf import spelling
from salclass_tf.classifiers import applications, inception_v3, vgg

_BUILDERS = applications.BUILDERS | {
    "inception_v3": inception_v3.build,
    "vgg16": functools.partial(vgg.build, "vgg16"),
    "vgg19": functools.partial(vgg.build, "vgg19"),
}


def list_classifiers() -> list[str]:
    """Returns the names that `build_classifier` takes."""
    return sorted(_BUILDERS)


def build_classifier(
    name: str = "inception_v3",
    num_classes: int = 120,
    saliency_input: bool = True,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    **options,
) -> keras.Model:
    """Builds a classifier of RGBS or RGB images (paper, Sec. 3.2).

    The map goes through a batch normalisation of its own and becomes the fourth channel of the
    first convolution. A file of a 3-channel network fills the RGB part of that convolution; the
    saliency part stays random. Initial values follow `keras.utils.set_random_seed`.

    Args:
        name: one of `list_classifiers()`.
        num_classes: number of classes, at least 2.
        saliency_input: whether the network takes a map next to the image.
        image_size: side s of the square images and maps, in pixels.
        width: factor on every channel count; 1.0 is the published network.
        weights: None (random), "imagenet" (public file, downloaded once), or the path of a
            `.weights.h5`, `.keras` or `.h5` file; layers are matched by name. The class layer
            stays random when the file has other classes.
        **options: settings of that classifier, see its module.

    Returns:
        A functional model: {"image", "saliency"}, or the image alone -> logits float32
        [b, num_classes]. `image` is RGB in [0, 255], uint8 or float32 [b, s, s, 3]; `saliency`
        is float32 [b, s, s, 1].

    Raises:
        ValueError: for an unknown name, fewer than two classes, too small an image, a width of 0
            or below, or a weights file of another network.
        OSError: if the weights file is missing or cannot be downloaded.
    """
    build = builder_of(name)
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2; got {num_classes}")
    return build(
        num_classes=num_classes,
        saliency_input=saliency_input,
        image_size=image_size,
        width=width,
        weights=weights,
        **options,
    )


def builder_of(name: str) -> Callable[..., keras.Model]:
    """Returns what builds a classifier; its signature has the options of that network.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in _BUILDERS:
        known = list_classifiers()
        raise ValueError(
            f"classifier must be one of {', '.join(known)}; got {spelling.quoted(name, known)}"
        )
    return _BUILDERS[name]
