"""What a step is given: a dict of tensors, or the inputs and targets of Keras."""

import tensorflow as tf

Batch = dict[str, tf.Tensor]


def as_batch(data: Batch | tuple | tf.Tensor, target: str | None) -> Batch:
    """Brings what `fit` and `evaluate` hand to a step into one form.

    Args:
        data: a batch as a dict; or `(x,)` or `(x, y)` with the image, or a dict that has it, as
            x, and a dict of the rest, or the one target, as y.
        target: the key of a y that is no dict, None where a model has several targets.

    Returns:
        A dict of `image` and all the rest.

    Raises:
        ValueError: if there are sample weights, or y is no dict where there are several targets.
    """
    if isinstance(data, dict):
        return data
    if not isinstance(data, tuple):  # `fit(x)` alone
        data = (data,)
    x, y, weights = (*data, None, None)[:3]
    if weights is not None:
        raise ValueError(
            "sample_weight and class_weight are not supported: every example counts the same in "
            "training; put `weight`, float [b], into y for what is reported"
        )
    batch = dict(x) if isinstance(x, dict) else {"image": x}
    if isinstance(y, dict):
        return batch | y
    if y is None:
        return batch
    if target is None:
        raise ValueError(
            'y must be a dict, {"saliency": maps [b, s, s, 1], "label": classes [b]}; '
            f"got {type(y).__name__}"
        )
    return batch | {target: y}


def check_keys(batch: Batch, needed: tuple[str, ...], model: str) -> None:
    """Checks that a batch has what a model learns from.

    Raises:
        ValueError: naming what is missing.
    """
    missing = [key for key in needed if key not in batch]
    if missing:
        raise ValueError(
            f"{model} learns from {', '.join(needed)}; the batch lacks {', '.join(missing)}, it "
            f"has {', '.join(sorted(batch))}: pass dicts, or x=images and y={{...}}"
        )
