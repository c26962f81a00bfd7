"""What a network has learned from: images seen, and steps at each rate, stage by stage."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Self

from salclass_tf.config import ROLES

#: headings of the two columns that stand beside an accuracy
COLUMNS = ("images seen", "steps at each rate")

# A schedule of more pieces is told by its ends.
_MOST_PIECES = 4

#: added to the name of a network that an `attention_loss` has taught
BY_GAZE = ", attention taught by gaze"

Piece = tuple[float, float, int]


@dataclasses.dataclass(frozen=True)
class Learned:
    """What one stage of training adds to a network.

    Attributes:
        stage: name of the stage.
        images: crops that the kept network has learned from, each as often as it was shown.
        rates: (rate of the first step, of the last one, number of steps), in order.
        attention_loss: its weight in that stage, see `config.Stage`.
    """

    stage: str
    images: int
    rates: tuple[Piece, ...]
    attention_loss: float = 0.0

    @classmethod
    def from_json(cls, content: dict) -> Self:
        """Reads what `dataclasses.asdict` gave."""
        rates = tuple((float(a), float(b), int(steps)) for a, b, steps in content["rates"])
        weight = content.get("attention_loss", 0.0)  # older versions had no such loss
        return cls(content["stage"], content["images"], rates, weight)


def read(metrics: dict) -> tuple[Learned, ...] | None:
    """Returns what the `metrics.json` of a stage says its network learned from.

    Args:
        metrics: the content of the file.

    Returns:
        The stages that the scored part of the network has gone through, in order; None where an
        older version, which did not note it, made one of them.
    """
    known = metrics.get("learned_from")
    return None if known is None else tuple(map(Learned.from_json, known))


def addition(stages: Sequence[Learned] | None) -> str:
    """Returns what belongs behind the name of a network that has learned from some stages.

    Args:
        stages: see `read`.

    Returns:
        `BY_GAZE` where gaze has taught attention in one of them; "" otherwise.
    """
    return BY_GAZE if any(one.attention_loss for one in stages or ()) else ""


def columns(stages: Sequence[Learned] | None) -> dict[str, str]:
    """Returns the two columns of a table, by `COLUMNS`.

    Pretraining is left out: what is compared has it in common.

    Args:
        stages: see `read`.

    Returns:
        {} where it is not known.
    """
    if stages is None:
        return {}
    before = {name for name, row in ROLES.items() if row.pretraining}
    told = [one for one in stages if one.stage not in before] or stages
    rates = [piece for one in told for piece in one.rates]
    return dict(zip(COLUMNS, (f"{sum(one.images for one in told):,}", text(rates)), strict=True))


def text(rates: Sequence[Piece]) -> str:
    """Returns steps at each rate in words, such as "120 at 0.001, 60 at 0.0002"."""
    pieces = [
        (first, last, sum(steps for *_, steps in group))
        for (first, last), group in itertools.groupby(rates, lambda piece: piece[:2])
    ]
    if len(pieces) > _MOST_PIECES:
        pieces = [(pieces[0][0], pieces[-1][1], sum(steps for *_, steps in pieces))]
    return ", ".join(_piece(*piece) for piece in pieces)


def _piece(first: float, last: float, steps: int) -> str:
    """One piece in words."""
    there = f"{first:.3g}" if first == last else f"{first:.3g} to {last:.3g}"
    return f"{steps:,} at {there}"
