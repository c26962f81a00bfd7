"""Loses, freezes and slows workers of a run of several: it ends with a message, or goes on.

python -m benchmarks.campaigns.workers

Some steps into the run a worker is killed, stopped (SIGSTOP) for good or for a while, or stopped
and continued all the time. The others must end by themselves, with a message, in a bounded time; a
slow worker must end nothing. Then the same commands are given again: what all end with must be what
an undisturbed run of as many workers ends with. The processes talk in a network namespace of their
own (`unshare`, Linux); where there is none, on the machine's loopback.
"""

import argparse
import dataclasses
import itertools
import pathlib
import random
import signal
import tempfile
import threading
import time
from collections.abc import Sequence

from benchmarks.campaigns import children, cluster, stage_files

_RUN = "tests/support/tiny_run.py"
_STAGE = "classifier"
_MESSAGE = "another worker of this run has gone"
_TOLERANCE = 1e-4
_PAUSE_S = 4.0  # less than the five seconds between two heartbeats


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What becomes of a worker.

    Attributes:
        name: what a table calls it.
        chief: whether it is the chief that has it; else the last worker.
        signal: what it is sent.
        stopped: seconds until it is continued; None for not before the others have ended.
        running: seconds until it is stopped again, as long as it lives; None for never.
        comes_back: whether one that is frozen is continued then; else it is killed.
    """

    name: str
    chief: bool
    signal: signal.Signals
    stopped: float | None = None
    running: float | None = None
    comes_back: bool = False

    @property
    def ends(self) -> bool:
        """Whether the others have to end; else all have to go on."""
        return self.stopped is None


TROUBLES = {
    one.name: one
    for one in (
        Trouble("lost", False, signal.SIGKILL),
        Trouble("lost chief", True, signal.SIGKILL),
        Trouble("frozen", False, signal.SIGSTOP),
        Trouble("frozen chief", True, signal.SIGSTOP),
        Trouble("frozen, comes back", False, signal.SIGSTOP, comes_back=True),
        Trouble("slow", False, signal.SIGSTOP, stopped=0.3, running=0.1),
        Trouble("slow chief", True, signal.SIGSTOP, stopped=0.3, running=0.1),
        Trouble("paused", False, signal.SIGSTOP, stopped=_PAUSE_S),
        Trouble("paused chief", True, signal.SIGSTOP, stopped=_PAUSE_S),
    )
}


@dataclasses.dataclass
class Outcome:
    """What became of a run.

    Attributes:
        seconds: from the trouble until the last of the others had ended; None if they did not.
        codes: how the others ended, those that did.
        told: how many of them gave the message, in one line that is no traceback.
        victim: how the worker in trouble ended: its code, its message's first words.
        difference: the largest between the networks and histories that the run, resumed where it
            ended, and the undisturbed one end with, relative; None if it did not end.
    """

    seconds: float | None
    codes: list[int]
    told: int
    victim: str
    difference: float | None

    def problems(self, trouble: Trouble) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.seconds is None:
            found.append("the others do not end")
        if trouble.ends and (0 in self.codes or self.told < len(self.codes)):
            found.append(f"ends without the message: exit {self.codes}, told by {self.told}")
        if not trouble.ends and any(self.codes):
            found.append(f"does not go on: exit {self.codes}")
        if self.difference is None or not self.difference <= _TOLERANCE:
            found.append(f"does not end as an undisturbed run: {self.difference}")
        return found


class Campaign:
    """Runs of a number of workers."""

    def __init__(self, folder: pathlib.Path, workers: int, epochs: int, bound: float):
        """Trains undisturbed.

        Args:
            folder: for all that is written; the data set is in `data` beside it.
            workers: how many processes train together.
            epochs: of four steps each.
            bound: seconds in which the others have to end.
        """
        folder.mkdir()
        self._folder, self._workers, self._epochs, self._bound = folder, workers, epochs, bound
        run = self._start("whole")
        codes = [child.ended() for child in run]
        if any(codes):
            raise RuntimeError(f"exit {codes}: {run[0].output()[-2000:]}")

    def outcome(self, trouble: Trouble, steps: int) -> Outcome:
        """Trains with a worker in trouble, then again until it ends.

        Args:
            trouble: what it has.
            steps: how many the worker takes before.
        """
        name = trouble.name.replace(" ", "_")
        run = self._start(name)
        *others, victim = run[::-1] if trouble.chief else run
        self._wait_for_steps(name, steps, run)
        started = time.monotonic()
        disturbed = threading.Thread(target=_disturb, args=(victim, trouble), daemon=True)
        disturbed.start()
        codes = _ended_within(others, self._bound)
        seconds = time.monotonic() - started if len(codes) == len(others) else None
        if trouble.comes_back:
            victim.send(signal.SIGCONT)
        elif trouble.ends and victim.wait(0) is None:
            victim.kill()
        disturbed.join()
        end = victim.ended()
        for child in others:
            child.kill()
        told = sum(_told(child) for child in others)
        words = f"{end}" + (", with the message" if _told(victim) else "")
        difference = self._again(name) if trouble.ends else self._difference(name)
        return Outcome(seconds, codes, told, words, difference)

    def _start(self, name: str) -> list[children.Child]:
        """Starts all workers of a run; the chief comes first."""
        found = []
        for index, environment in enumerate(cluster.environments(self._workers)):
            words = [
                *(_RUN, self._folder / name, self._folder.parent / "data"),
                *("--strategy=multi_worker", f"--stage={_STAGE}", f"--epochs={self._epochs}"),
                f"--losses={self._folder / f'{name}.losses{index}'}",
            ]
            log = self._folder / f"{name}.log{index}"
            found.append(children.Child(words, log, environment=environment))
        return found

    def _wait_for_steps(self, name: str, steps: int, run: Sequence[children.Child]) -> None:
        """Waits until every worker has noted the losses of some steps."""
        for index, child in enumerate(run):
            path = self._folder / f"{name}.losses{index}"
            while not path.exists() or len(path.read_text().split()) < steps:
                if child.wait(0.02) is not None:
                    raise RuntimeError(f"has ended before: {child.output()[-2000:]}")

    def _again(self, name: str) -> float | None:
        """Gives the same commands again; returns how far their end is from the undisturbed one."""
        run = self._start(name)
        return None if any(child.ended() for child in run) else self._difference(name)

    def _difference(self, name: str) -> float | None:
        stages = [self._folder / one / _STAGE for one in (name, "whole")]
        if not all((stage / "metrics.json").exists() for stage in stages):
            return None
        return stage_files.largest_difference(*stages)


def _disturb(victim: children.Child, trouble: Trouble) -> None:
    """Sends the signals."""
    while victim.send(trouble.signal) and trouble.stopped is not None:
        time.sleep(trouble.stopped)
        if not victim.send(signal.SIGCONT) or trouble.running is None:
            return
        time.sleep(trouble.running)


def _ended_within(run: Sequence[children.Child], seconds: float) -> list[int]:
    """Exit codes of those that end in some time, all together."""
    end = time.monotonic() + seconds
    codes = [child.wait(max(end - time.monotonic(), 0)) for child in run]
    return [code for code in codes if code is not None]


def _told(child: children.Child) -> bool:
    """Whether a worker has given the message, and no traceback."""
    text = child.output()
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    return len(lines) == 1 and _MESSAGE in lines[0] and "Traceback" not in text


def main() -> None:
    """Goes over numbers of workers and troubles, and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 4], help="of each run")
    parser.add_argument("--troubles", nargs="+", choices=TROUBLES, default=list(TROUBLES))
    parser.add_argument("--epochs", type=int, default=4, help="of four steps each")
    parser.add_argument("--bound", type=float, default=300, help="seconds for the others to end")
    parser.add_argument("--seconds", type=float, default=3600, help="no run begins after them")
    parser.add_argument("--seed", type=int, default=0, help="draws the steps")
    given = parser.parse_args()
    own = cluster.enter_own_network("benchmarks.campaigns.workers")
    end, draw = time.monotonic() + given.seconds, random.Random(given.seed)
    print("network:", "a namespace of its own" if own else "the machine's loopback")
    print(
        "| workers | trouble | seconds until the others ended | their exits | with the message | "
        "exit of the one in trouble | largest difference at the end |\n"
        "|--:|---|--:|---|--:|---|--:|"
    )
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        data = children.Child(["benchmarks/campaigns/tiny_data.py", root / "data"], root / "log")
        if data.ended():
            raise RuntimeError(data.output()[-2000:])
        for workers in given.workers:
            campaign = Campaign(root / f"{workers}", workers, given.epochs, given.bound)
            for name in itertools.takewhile(lambda _: time.monotonic() < end, given.troubles):
                trouble = TROUBLES[name]
                found = campaign.outcome(trouble, draw.randint(2, 2 * given.epochs))
                _print(workers, trouble, found)


def _print(workers: int, trouble: Trouble, found: Outcome) -> None:
    """Prints a row of the table, and what is wrong with it."""
    seconds = "-" if found.seconds is None else f"{found.seconds:.1f}"
    difference = "-" if found.difference is None else f"{found.difference:.1e}"
    codes = " ".join(map(str, found.codes))
    print(
        f"| {workers} | {trouble.name} | {seconds} | {codes} | {found.told} of {workers - 1} | "
        f"{found.victim} | {difference} |",
        flush=True,
    )
    for problem in found.problems(trouble):
        print(f"  {problem}", flush=True)


if __name__ == "__main__":
    main()
