"""How a run is carried out: what changes neither its numbers nor its networks."""

import dataclasses
from collections.abc import Callable, Sequence

import keras


def no_callbacks(stage: str) -> Sequence[keras.callbacks.Callback]:
    """Returns none, whatever the stage."""
    return ()


@dataclasses.dataclass(frozen=True)
class Execution:
    """How a run is carried out.

    Attributes:
        strategy: one of `config.STRATEGIES`.
        checkpoint_steps: steps between two checkpoints inside an epoch; None goes by the clock,
            one every `checkpoint_seconds`, or after 50 times what the last one took where that is
            longer: writing is 2 % of the time at most. The end of an epoch always has one.
        checkpoint_seconds: see above.
        keep_checkpoints: how many of the newest stay; the best network is kept besides.
        deterministic: whether TensorFlow is told to use deterministic operations only.
        seeds_at_once: how many of several seeds are trained at once, each in a process of its own;
            None goes by cores and memory, see `seed_processes.how_many`.
        stages_at_once: above 1, a second process makes stages that others need late or not at all,
            see `second_process`; None goes by cores and memory, see `child_process.how_many`.
        callbacks: stage name -> Keras callbacks; they see what they would see in `fit`.
    """

    strategy: str = "auto"
    checkpoint_steps: int | None = None
    checkpoint_seconds: float = 120.0
    keep_checkpoints: int = 2
    deterministic: bool = False
    seeds_at_once: int | None = None
    stages_at_once: int | None = 1
    callbacks: Callable[[str], Sequence[keras.callbacks.Callback]] = no_callbacks

    def __post_init__(self):
        """Validates the values."""
        for name in ("checkpoint_steps", "keep_checkpoints", "seeds_at_once", "stages_at_once"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
