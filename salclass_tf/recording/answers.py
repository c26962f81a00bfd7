"""Finding a class by typing: 2 to 120 of them, by any keyboard."""

import unicodedata
from collections.abc import Sequence

from salclass_tf.recording.pictures import title


def matching(class_names: Sequence[str], typed: str) -> list[str]:
    """Returns the classes that fit what has been typed.

    Case, accents and umlauts do not matter: "schafer" and "Schäfer" both find "Schäferhund".

    Args:
        class_names: all of them.
        typed: a beginning, or a part.

    Returns:
        Those one of whose words begins so, then those that contain it, each in their order.
    """
    wanted = plain(typed)
    by_name = {name: plain(title(name)) for name in class_names}
    begins = [
        name
        for name, text in by_name.items()
        if text.startswith(wanted) or f" {wanted}" in text.replace("-", " ")
    ]
    return begins + [name for name in class_names if wanted in by_name[name] and name not in begins]


def shortened(text: str, length: int) -> str:
    """Leaves the middle of a text out.

    Args:
        text: any.
        length: maximum number of characters, 1 or more.

    Returns:
        The text, or its beginning and end with "\u2026" between them.
    """
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return f"{text[: length - 1 - end]}\u2026{text[len(text) - end :]}"


def plain(text: str) -> str:
    """Removes case and marks from letters; "ß" becomes "ss"."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
