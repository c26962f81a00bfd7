"""Kills commands at random moments: nothing half-written has its name, the same command goes on.

python -m benchmarks.campaigns.command_kills --kills=20

Each command is killed, looked at, and given again in the same folder, until it ends; then all of
its files must be there, and those that are not others each time (by the clock) must be those of an
undisturbed one, byte for byte. `reproduce` carries out steps that only pretend to work.
"""

import argparse
import pathlib
import random
import signal
import tempfile
import time

from benchmarks.campaigns import children, small_jobs

_COMMANDS = ("prepare", "predict", "export", "evaluate", "reproduce")


class Campaign:
    """One command that is killed.

    Attributes:
        kills: how many kills there were.
        ends: how many times it ended.
        torn: files that were there and not whole, after a kill or at the end.
        wrong: what else differs at the end.
        left_over: files that kills have left at the end.
    """

    def __init__(self, job: small_jobs.Job, folder: pathlib.Path, seed: int):
        """Lets it end undisturbed, twice."""
        self.kills, self.ends = 0, 0
        self.torn: list[str] = []
        self.wrong: list[str] = []
        self.left_over: list[str] = []
        self._job, self._folder, self._draw = job, folder, random.Random(seed)
        seconds = [self._undisturbed(folder / name) for name in ("one", "other")]
        self._seconds = min(seconds)
        self._expected = small_jobs.Expected(job, folder / "one", folder / "other")

    def run(self, kills: int, end: float) -> None:
        """Kills until enough is killed or a time has come, then lets it end."""
        while self.kills < kills and time.monotonic() < end:
            self._attempt(self._draw.uniform(0, self._seconds))
        self._attempt(None)

    def row(self) -> str:
        """A row of the table."""
        same = len(self._expected.files) - len(self._expected.varying)
        return (
            f"| {self._job.name} | {self.kills} | {self.ends} | {len(self.torn)} | "
            f"{len(self.wrong)} | {same} of {len(self._expected.files)} | {len(self.left_over)} |"
        )

    def _undisturbed(self, out: pathlib.Path) -> float:
        started = time.monotonic()
        child = self._start(out)
        if child.ended():
            raise RuntimeError(f"{self._job.name}: {child.output()[-2000:]}")
        return time.monotonic() - started

    def _start(self, out: pathlib.Path) -> children.Child:
        out.mkdir(exist_ok=True)
        return children.Child(self._job.words(out), self._folder / "log")

    def _attempt(self, limit: float | None) -> None:
        """Gives the command, and kills it unless it ends before."""
        out = self._folder / f"killed{self.ends}"
        child = self._start(out)
        code = child.ended() if limit is None else child.wait(limit)
        code = child.kill() if code is None else code
        self.torn += self._expected.torn(out)
        if limit is not None and code == -signal.SIGKILL:
            self.kills += 1
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
    end = time.monotonic() + given.seconds
    print(
        "| command | kills | ends | torn files | wrong at the end | compared bytewise | left over |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        inputs = pathlib.Path(scratch, "inputs")
        small_jobs.write_inputs(inputs)
        for number, name in enumerate(given.commands):
            folder = pathlib.Path(scratch, name)
            folder.mkdir()
            campaign = Campaign(small_jobs.all_jobs(inputs)[name], folder, given.seed)
            share = (end - time.monotonic()) / (len(given.commands) - number)
            campaign.run(given.kills, time.monotonic() + share)
            print(campaign.row(), flush=True)
            for text in [*campaign.torn, *campaign.wrong, *campaign.left_over[:3]]:
                print(f"  {text}")


if __name__ == "__main__":
    main()
