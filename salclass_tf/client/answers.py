"""What a server answers about one image."""

import dataclasses
from collections.abc import Sequence

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


# Output -> dimensions after the images', and what its values are in NumPy's letters.
_FORMS = {
    "probabilities": (1, "fiu"),
    "top_classes": (1, "OSU"),
    "top_probabilities": (1, "fiu"),
    "saliency": (3, "fiu"),
    "overlay_bytes": (0, "OS"),
}


def check(outputs: dict[str, np.ndarray], count: int, wanted: Sequence[str]) -> None:
    """Refuses outputs that cannot be the answer to a request.

    Args:
        outputs: name -> values, whose first dimension is the images.
        count: images of the request.
        wanted: names of the outputs that were asked for.

    Raises:
        ConnectionError: if they are not those of an exported SalClassNet, or not one per image.
    """
    asked = wanted or [field.name for field in dataclasses.fields(Answer)]
    known = {name: outputs[name] for name in asked if name in outputs and name in _FORMS}
    if not known or set(wanted) - set(known):
        raise ConnectionError(f"outputs are {', '.join(asked)}; got {[*outputs]}")
    for name, values in known.items():
        if values.shape[:1] != (count,):
            got = len(values) if values.ndim else "one value"
            raise ConnectionError(f"an answer has one {name} per image; got {got} for {count}")
        dimensions, kinds = _FORMS[name]
        is_empty = values.size == 0 or (name == "saliency" and values.shape[-1] != 1)
        foreign = values.dtype.kind == "O" and not all(
            isinstance(value, bytes | str) for value in values.flat
        )
        if values.ndim != dimensions + 1 or values.dtype.kind not in kinds or is_empty or foreign:
            raise ConnectionError(
                f"output {name} is none of SalClassNet; got {values.dtype} {[*values.shape]}"
            )


def split(outputs: dict[str, np.ndarray], count: int) -> list[Answer]:
    """Returns an answer per image from outputs that `check` let pass for this many."""
    parts = {
        "probabilities": lambda values: values.astype(np.float32),
        "top_classes": lambda values: tuple(_text(value) for value in values),
        "top_probabilities": lambda values: values.astype(np.float32),
        "saliency": lambda values: values.astype(np.float32)[..., 0],
    }
    known = {name: values for name, values in outputs.items() if name in parts}
    return [
        Answer(**{name: parts[name](values[i]) for name, values in known.items()})
        for i in range(count)
    ]


def _text(value: bytes | str) -> str:
    """A name, which gRPC brings as bytes and REST as text."""
    return value.decode() if isinstance(value, bytes) else value
