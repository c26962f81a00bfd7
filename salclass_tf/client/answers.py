"""What a server answers about one image."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Answer:
    """The outputs of `serving_default` for one image; None where the network has no such output.

    Attributes:
        probabilities: one per class, float32 [classes].
        top_classes: names of the likeliest classes, the likeliest first.
        top_probabilities: of these, float32 [k].
        saliency: map of the image's central crop, float32 [s, s].
    """

    probabilities: np.ndarray | None = None
    top_classes: tuple[str, ...] | None = None
    top_probabilities: np.ndarray | None = None
    saliency: np.ndarray | None = None


def split(outputs: dict[str, np.ndarray]) -> list[Answer]:
    """Returns an answer per image from outputs whose first dimension is the images."""
    parts = {
        "probabilities": lambda values: values.astype(np.float32),
        "top_classes": lambda values: tuple(_text(value) for value in values),
        "top_probabilities": lambda values: values.astype(np.float32),
        "saliency": lambda values: values.astype(np.float32)[..., 0],
    }
    known = {name: values for name, values in outputs.items() if name in parts}
    count = len(next(iter(known.values()), ()))
    return [
        Answer(**{name: parts[name](values[i]) for name, values in known.items()})
        for i in range(count)
    ]


def _text(value: bytes | str) -> str:
    """A name, which gRPC brings as bytes and REST as text."""
    return value.decode() if isinstance(value, bytes) else value
