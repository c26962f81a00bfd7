"""The classes: which head badge goes with which tail."""

from typing import NamedTuple

BADGES = ("disc", "ring", "cross", "bars", "triangle", "dots")
TAILS = ("curl", "fork", "spike", "club", "fan")
PARTS = BADGES + TAILS


class Kind(NamedTuple):
    """One class of critters.

    Attributes:
        badge: name from `BADGES`, the mark on the head.
        tail: name from `TAILS`.
    """

    badge: str
    tail: str

    @property
    def name(self) -> str:
        """The label, for example `ring_fork`."""
        return f"{self.badge}_{self.tail}"


def _is_task_kind(badge: int, tail: int) -> bool:
    """Gives each badge two of the five tails, so that neither part tells the class alone."""
    return (tail - badge) % len(TAILS) in (0, 2)


_ALL = [(b, t) for b in range(len(BADGES)) for t in range(len(TAILS))]

TASK_KINDS = tuple(Kind(BADGES[b], TAILS[t]) for b, t in _ALL if _is_task_kind(b, t))
PRETRAIN_KINDS = tuple(Kind(BADGES[b], TAILS[t]) for b, t in _ALL if not _is_task_kind(b, t))
