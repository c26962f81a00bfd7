"""How a run is carried out: what changes neither its numbers nor its networks."""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import keras


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
        callbacks: stage name -> Keras callbacks; they see what they would see in `fit`.
    """

    strategy: str = "auto"
    checkpoint_steps: int | None = None
    checkpoint_seconds: float = 120.0
    keep_checkpoints: int = 2
    deterministic: bool = False
    callbacks: Callable[[str], Sequence[keras.callbacks.Callback]] = lambda stage: ()

    def __post_init__(self):
        """Validates the values."""
        for name in ("checkpoint_steps", "keep_checkpoints"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")


@contextlib.contextmanager
def sole_user(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps other processes out of a run's folder while inside a `with`.

    The lock is the operating system's: it goes with the process, however that ends.

    Args:
        workdir: folder of the run; made if it is not there.

    Raises:
        ValueError: if another process has it, with that process's number.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ValueError(
                f"{workdir} is in use by process {holder}; wait for its end, or name another "
                "--workdir"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
