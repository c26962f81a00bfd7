"""Kills commands at random moments: nothing half-written has its name, the same command goes on.

python -m benchmarks.campaigns.command_kills --kills=20

Each command is killed, looked at, and given again in the same folder, until it ends; then all of
its files must be there, and those that are not others each time (by the clock) must be those of an
undisturbed one, byte for byte. Every second kill comes at a random moment, the others when a file
of the output is opened for writing, renamed or removed, or soon after. `reproduce` carries out
steps that only pretend to work.
"""

import argparse
import collections
import pathlib
import random
import signal
import time

from benchmarks.campaigns import children, job_campaigns, small_jobs
from benchmarks.campaigns.file_events import FileEvents

_COMMANDS = ("prepare", "predict", "export", "evaluate", "reproduce")
_MOMENT, _WRITE = "any moment", "write"
_LATER_S = 0.003  # a write of a small file takes about as long


class Campaign:
    """One command that is killed.

    Attributes:
        kills: how many kills there were, by the kind of moment.
        ends: how many times it ended.
        torn: files that were there and not whole, after a kill or at the end.
        wrong: what else differs at the end.
        left_over: files that kills have left at the end.
    """

    HEADER = (
        "| command | kills | of them in writes | ends | torn files | wrong at the end | "
        "compared bytewise | left over |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    )

    def __init__(self, job: small_jobs.Job, folder: pathlib.Path, seed: int):
        """Lets it end undisturbed, twice."""
        self.kills, self.ends = collections.Counter(), 0
        self.torn: list[str] = []
        self.wrong: list[str] = []
        self.left_over: list[str] = []
        self._job, self._folder, self._draw = job, folder, random.Random(seed)
        measured = [self._undisturbed(folder / name) for name in ("one", "other")]
        self._seconds, self._events = (min(values) for values in zip(*measured, strict=True))
        self._expected = small_jobs.Expected(job, folder / "one", folder / "other")

    def run(self, kills: int, end: float) -> None:
        """Kills until enough is killed or a time has come, then lets it end."""
        attempts = 0
        while self.kills.total() < kills and time.monotonic() < end:
            self._attempt(_WRITE if attempts % 2 and self._events else _MOMENT)
            attempts += 1
        self._attempt(None)

    def row(self) -> str:
        """A row of the table."""
        same = len(self._expected.files) - len(self._expected.varying)
        return (
            f"| {self._job.name} | {self.kills.total()} | {self.kills[_WRITE]} | {self.ends} | "
            f"{len(self.torn)} | {len(self.wrong)} | {same} of {len(self._expected.files)} | "
            f"{len(self.left_over)} |"
        )

    def problems(self) -> list[str]:
        """What went wrong, a line each."""
        return [*self.torn, *self.wrong, *self.left_over[:3]]

    def _undisturbed(self, out: pathlib.Path) -> tuple[float, int]:
        """How many seconds it takes, and how many events its files have."""
        started = time.monotonic()
        child = self._start(out, FileEvents(out))
        if child.ended():
            raise RuntimeError(f"{self._job.name}: {child.output()[-2000:]}")
        return time.monotonic() - started, child.events()

    def _start(self, out: pathlib.Path, events: FileEvents | None = None) -> children.Child:
        out.mkdir(exist_ok=True)
        return children.Child(self._job.words(out), self._folder / "log", events=events)

    def _attempt(self, kind: str | None) -> None:
        """Gives the command, and kills it unless it ends before.

        Args:
            kind: of the moment at which it is killed; None to let it end.
        """
        out, events, limit = self._folder / f"killed{self.ends}", None, None
        if kind == _WRITE:
            fatal, later = self._draw.randint(1, self._events), self._draw.uniform(0, _LATER_S)
            events = FileEvents(out, fatal, later)
        elif kind == _MOMENT:
            limit = self._draw.uniform(0, self._seconds)
        child = self._start(out, events)
        code = child.ended() if limit is None else child.wait(limit)
        code = child.kill() if code is None else code
        self.torn += self._expected.torn(out)
        if kind is not None and code == -signal.SIGKILL:
            self.kills[kind] += 1
            return
        self.ends += 1
        self.wrong += [f"missing {name}" for name in self._expected.missing(out)]
        self.wrong += [f"exit {code}: {child.output()[-300:]}"] if code else []
        self.left_over += self._expected.left_over(out)


def main() -> None:
    """Goes over the commands and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seconds", type=float, default=3600, help="for all; no kill after them")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    parser.add_argument("--commands", nargs="+", choices=_COMMANDS, default=_COMMANDS)
    given = parser.parse_args()

    def begin(job: small_jobs.Job, folder: pathlib.Path) -> Campaign:
        return Campaign(job, folder, given.seed)

    print(Campaign.HEADER)
    job_campaigns.run(given.commands, begin, given.kills, given.seconds)


if __name__ == "__main__":
    main()
