"""Whether a detector and a classifier can be one network: the map of one is read by the other."""

import keras

from salclass_tf.classifiers import rgbs


def check(detector: keras.Model, classifier: keras.Model) -> None:
    """Checks that a pair fits.

    Args:
        detector: image [b, s, s, 3] -> map [b, s, s, 1].
        classifier: {"image", "saliency"} -> logits.

    Raises:
        ValueError: if the classifier takes no map or has no convolution that could read it, the
            two want images of different sizes, or the map is not as large as the image; the
            message names the sizes that work.
    """
    if len(classifier.inputs) < 2:
        raise ValueError(
            "SalClassNet needs a classifier that takes a saliency map; "
            "build it with saliency_input=True"
        )
    rgbs.first_convolution(classifier)
    wanted = [tuple(part.inputs[0].shape[1:3]) for part in (detector, classifier)]
    if not _fit(*wanted):
        raise ValueError(
            f"detector and classifier need images of one size; {detector.name} takes "
            f"{_text(wanted[0])}, {classifier.name} takes {_text(wanted[1])}: build both with one "
            f"image_size, {' or '.join(dict.fromkeys(str(size[0]) for size in wanted))}, or load "
            "weights in place of a whole .keras file"
        )
    image, given = detector.inputs[0].shape[1:3], tuple(detector.outputs[0].shape[1:])
    if len(given) != 3 or given[2] != 1 or not _fit(image, given[:2]):
        raise ValueError(
            f"the map of a detector must be as large as its image, {_text(image)}, with one "
            f"channel; {detector.name} gives {given}: end it with layers.BilinearUpsampling"
        )


def _fit(one: tuple, other: tuple) -> bool:
    """Whether two sizes agree, None being any."""
    return all(a == b or None in (a, b) for a, b in zip(one, other, strict=True))


def _text(size: tuple) -> str:
    """A size in words."""
    return " x ".join("any" if side is None else str(side) for side in size) + " pixels"
