"""Options as they stand on a command line, `name=value,name=value`, read by their types."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping

from salclass_tf import spelling
from salclass_tf.config.optimizer import OPTIMIZERS

# Arguments of every builder, which have flags of their own or follow from the data.
_NOT_OPTIONS = frozenset(
    {"name", "num_classes", "saliency_input", "image_size", "width", "weights"}
)

#: numbers of `Optimizer` that a user may change, without those of the rate's schedule
_OF_OPTIMIZERS = {
    "momentum": float,
    "dampening": float,
    "nesterov": bool,
    "weight_decay": float,
    "inverse_decay": float,
    "untrained_multiplier": float,
    "bias_multiplier": float,
}


def network_options(builder: Callable, texts: list[str], flag: str) -> dict:
    """Reads options of a network by the signature of its builder.

    Args:
        builder: as `detectors.builder_of` and `classifiers.builder_of` return them.
        texts: such as ["convolutions=13", "half_pixel=true"]; a tuple is written "240:320".
        flag: of which they are, for errors.

    Returns:
        Arguments of the builder.

    Raises:
        ValueError: for a name that the network does not have, or a value of another type.
    """
    arguments = inspect.signature(builder, eval_str=True).parameters.values()
    known = {a.name: a.annotation for a in arguments if a.name not in _NOT_OPTIONS}
    return _read(known, texts, flag)


def optimizer_options(texts: list[str]) -> dict:
    """Reads `--optimizer`: a name, numbers of `Optimizer`, or both.

    Args:
        texts: such as ["sgd", "dampening=0.9"].

    Returns:
        Fields of `Optimizer`.

    Raises:
        ValueError: for a name that is not there, or a value of another type.
    """
    names = [text for text in texts if "=" not in text]
    if len(names) > 1 or not set(names) <= set(OPTIMIZERS):
        known = [*OPTIMIZERS, *_OF_OPTIMIZERS]
        raise ValueError(
            f"--optimizer takes one of {', '.join(OPTIMIZERS)}, and numbers written name=value; "
            f"got {', '.join(spelling.quoted(name, known) for name in names)}"
        )
    read = _read(_OF_OPTIMIZERS, [text for text in texts if "=" in text], "optimizer")
    if "weight_decay" in read:
        read["weight_decay"] = ((0, read["weight_decay"]),)
    return {"name": names[0]} | read if names else read


def _read(known: Mapping[str, object], texts: list[str], flag: str) -> dict:
    """Reads `name=value` texts, each name once."""
    read = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if name not in known:
            there = f"options are {', '.join(known)}" if known else "it has no options"
            raise ValueError(f"--{flag}: {spelling.unknown('option', name, known)}; {there}")
        if not equals or name in read:
            raise ValueError(f"--{flag} takes each option once, as name=value; got {text!r}")
        try:
            read[name] = _value(value, known[name])
        except ValueError as error:
            raise ValueError(f"--{flag}: {name} must be {error}; got {value!r}") from None
    return read


def _value(text: str, kind: object) -> object:
    """A text as a value of a type; raises a ValueError that says what it must be."""
    if isinstance(kind, types.UnionType):
        (kind,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
        if text.lower() == "none":
            return None
    if typing.get_origin(kind) is tuple:
        parts = typing.get_args(kind)
        return tuple(_value(part, parts[0]) for part in _sized(text.split(":"), parts))
    if kind is bool:
        return _bool(text)
    try:
        return kind(text)
    except ValueError:
        names = {int: "a whole number", float: "a number"}
        raise ValueError(names[kind]) from None


def _sized(texts: list[str], parts: tuple) -> list[str]:
    """The texts of a tuple, if there are as many as its type has, or it has any number."""
    if Ellipsis not in parts and len(texts) != len(parts):
        raise ValueError(f"{len(parts)} values with colons between them")
    return texts


def _bool(text: str) -> bool:
    """A truth value."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise ValueError("true or false")
    return known[text.lower()]
