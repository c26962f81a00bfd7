"""Splits of our own, for sets whose authors ship none; the same ones for ever."""

import hashlib
from collections.abc import Iterable, Mapping


def held_out(names: Iterable[str], share: float) -> set[str]:
    """Chooses the names with the smallest SHA-256, which no library's random numbers can change.

    Args:
        names: what to choose from, unique.
        share: how many of them, in [0, 1]; rounded to a whole number.

    Returns:
        The chosen names.
    """
    shuffled = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(shuffled[: round(len(shuffled) * share)])


def held_out_by_class(classes: Mapping[str, str], share: float) -> set[str]:
    """Chooses the same share of every class.

    Args:
        classes: class by name.
        share: how many names of each class, in [0, 1]; rounded to a whole number.

    Returns:
        The chosen names.
    """
    members: dict[str, list[str]] = {}
    for name, label in classes.items():
        members.setdefault(label, []).append(name)
    return set().union(*(held_out(names, share) for names in members.values()))
