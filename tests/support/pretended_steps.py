"""Steps that only pretend to work, in processes without TensorFlow: see test_reproduction.py.

`python tests/support/pretended_steps.py WORKDIR` runs a plan of them.
"""

import dataclasses
import os
import pathlib
import signal
import sys
import time
import types
from collections.abc import Callable

from salclass_tf import commandline
from salclass_tf.reproduction import running
from salclass_tf.reproduction.steps import Place, Plan, Step


@dataclasses.dataclass(frozen=True)
class Pretend:
    """Writes a file; a file `<name>.trouble` in the work folder names what goes wrong instead."""

    name: str
    setting: int = 0

    @property
    def makes(self) -> tuple[str, ...]:
        return (f"{self.name}.txt",)

    def __str__(self) -> str:
        return f"pretends {self.name}"

    def __setstate__(self, state: dict) -> None:
        """Comes into the process of a step, before what carries out is imported there."""
        self.__dict__.update(state)
        real = "salclass_tf.reproduction.carrying_out"
        sys.modules[real] = types.SimpleNamespace(carry_out=carry_out)


def plan(*settings: int) -> Plan:
    """Steps a; b, which needs a; c, which needs b; d, which needs a."""
    needs = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",)}
    settings = settings or (0,) * len(needs)
    steps = (
        Step(name, Pretend(name, setting), before)
        for (name, before), setting in zip(needs.items(), settings, strict=True)
    )
    return Plan("demo", tuple(steps), "")


def carry_out(work: Pretend, place: Place) -> None:
    """What takes the place of the real one in the processes of steps."""
    with (place.workdir / "calls.txt").open("a") as file:
        file.write(f"{work.name} {os.getpid()}\n")
    trouble = place.workdir / f"{work.name}.trouble"
    if trouble.exists():
        globals()[trouble.read_text()](place.workdir)
    (place.workdir / f"{work.name}.txt").write_text("made")


def mistake(workdir: pathlib.Path) -> None:
    raise ValueError("points.csv is torn:\n  line 3\nMend it")


def bug(workdir: pathlib.Path) -> None:
    raise RuntimeError("of our own")


def no_memory(workdir: pathlib.Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(workdir: pathlib.Path) -> None:
    """Works on until it is told to stop, and saves then, as training does."""
    _noted_signal(workdir)
    (workdir / "saved").touch()
    raise KeyboardInterrupt("saved")


def finish_after_signal(workdir: pathlib.Path) -> None:
    """Is told to stop when there is nothing left to do."""
    _noted_signal(workdir)


def wait_unprepared(workdir: pathlib.Path) -> None:
    """Works on and knows nothing of signals."""
    (workdir / "waiting").touch()
    _until(lambda: False)


def _noted_signal(workdir: pathlib.Path) -> None:
    """Waits for a signal."""
    received = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: received.append(number))
    (workdir / "waiting").touch()
    _until(lambda: received)


def _until(holds: Callable[[], object]) -> None:
    """Waits; not for ever, since the test that should end it may be gone."""
    deadline = time.monotonic() + 120
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)


def main() -> None:
    running.run(plan(), Place(pathlib.Path(sys.argv[1])))


if __name__ == "__main__":
    commandline.run(lambda arguments: main(), takes_arguments=True)
