"""Steps that only pretend to work, in processes without TensorFlow: see test_running.py.

`python tests/support/pretended_steps.py WORKDIR` runs a plan of them; with the name of a step and a
setting behind it, that step.
"""

import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Callable

from salclass_tf import commandline
from salclass_tf.reproduction import running
from salclass_tf.reproduction.plan import Place, Plan, Step


@dataclasses.dataclass(frozen=True)
class Pretend(Step):
    """Writes a file; a file `<name>.trouble` in the work folder names what goes wrong instead."""

    setting: int = 0

    def arguments(self, place: Place) -> list[str]:
        return [__file__, str(place.workdir), self.name, str(self.setting)]

    def __str__(self) -> str:
        return f"pretends {self.name}"


def plan(*settings: int) -> Plan:
    """Steps a, b, c, d."""
    settings = settings or (0,) * 4
    steps = (
        Pretend(name, (), (f"{name}.txt",), setting=setting)
        for name, setting in zip("abcd", settings, strict=True)
    )
    return Plan("demo", (0,), tuple(steps), "")


def carry_out(workdir: pathlib.Path, name: str) -> None:
    """What a step does in its process."""
    with (workdir / "calls.txt").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    trouble = workdir / f"{name}.trouble"
    if trouble.exists():
        globals()[trouble.read_text()](workdir)
    (workdir / f"{name}.txt").write_text("made")


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


def main(arguments: list[str]) -> None:
    workdir, *step = arguments
    if step:
        carry_out(pathlib.Path(workdir), step[0])
    else:
        running.run(plan(), Place(pathlib.Path(workdir)))


if __name__ == "__main__":
    commandline.run(main, takes_arguments=True)
