"""Names that were probably meant."""

import difflib
from collections.abc import Iterable


def quoted(name: str, known: Iterable[str]) -> str:
    """Returns a name that is not known in quotes, followed by the nearest known one, if any is.

    Args:
        name: as it was given.
        known: the names that there are.
    """
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return repr(name) + (f" (nearest: {near[0]})" if near else "")


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Returns the start of an error about a name: "unknown <what> '<name>'", see `quoted`."""
    return f"unknown {what} {quoted(name, known)}"
