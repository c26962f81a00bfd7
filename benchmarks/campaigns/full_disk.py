"""Lets small disks become full under jobs: a one-line error, and with room the command goes on.

python -m benchmarks.campaigns.full_disk --sizes=20

A job is given a disk in memory of its own (user and mount namespaces, so Linux), from one with room
for nothing to one that lacks a little, so that another write meets the end each time. What is left
on the disk is copied to where there is room, the same command is given, and what it leaves is
compared with what the job leaves undisturbed.
"""

import argparse
import pathlib
import shutil
import signal
import time

import numpy as np

from benchmarks.campaigns import children, job_campaigns, small_jobs

_JOBS = ("train", "prepare", "predict", "export", "evaluate")
_LEAST = 16  # KiB, of the smallest disk


class Campaign:
    """One job on small disks.

    Attributes:
        outcomes: of each disk: its size in KiB, the exit code, the error's line or what is wrong.
    """

    HEADER = (
        "| job | disks | became full | told in one line | other faults |\n|---|--:|--:|--:|--:|"
    )

    def __init__(self, job: small_jobs.Job, folder: pathlib.Path):
        """Lets it end undisturbed, twice."""
        self.outcomes: list[tuple[int, int, str, list[str]]] = []
        self._job, self._folder, self._out = job, folder, folder / "out"
        for name in ("one", "other"):
            child = self._given(None)
            if child.ended():
                raise RuntimeError(f"{job.name}: {child.output()[-2000:]}")
            self._out.rename(folder / name)
        self._expected = small_jobs.Expected(job, folder / "one", folder / "other")

    def run(self, sizes: int, end: float) -> None:
        """Tries disks of as many sizes, or until a time has come."""
        files = [path for path in (self._folder / "one").rglob("*") if path.is_file()]
        whole = sum(-(-path.stat().st_size // 4096) * 4 for path in files)
        for kibibytes in np.linspace(_LEAST, max(whole, 2 * _LEAST), sizes, dtype=int):
            if time.monotonic() < end:
                self._try(int(kibibytes))

    def row(self) -> str:
        """A row of the table."""
        full = [one for one in self.outcomes if one[1]]
        told = sum(bool(line) for _, _, line, _ in full)
        wrong = sum(bool(problems) for *_, problems in self.outcomes)
        return f"| {self._job.name} | {len(self.outcomes)} | {len(full)} | {told} | {wrong} |"

    def problems(self) -> list[str]:
        """What went wrong, a line each."""
        return [
            f"{kibibytes} KiB: {problem}"
            for kibibytes, code, line, found in self.outcomes
            for problem in found or ([] if line or not code else ["no line of an error"])
        ]

    def _given(self, disk: children.Disk | None) -> children.Child:
        self._out.mkdir(exist_ok=True)
        return children.Child(self._job.words(self._out), self._folder / "log", disk)

    def _try(self, kibibytes: int) -> None:
        """Gives the command on a disk, and again where there is room."""
        left = self._folder / "left"
        child = self._given(children.Disk(self._out, kibibytes, left))
        code, text = child.ended(), child.output()
        if left.exists():  # else it was killed, and the disk went with it
            shutil.rmtree(self._out)
            left.rename(self._out)
        problems = [f"killed: {text.strip()[-200:]}"] if code == -signal.SIGKILL else []
        problems += [f"{name} is torn" for name in self._expected.torn(self._out)]
        if "Traceback" in text:
            problems.append(f"a traceback: {text.strip().splitlines()[-1][:200]}")
        again = self._given(None)
        if again.ended():
            problems.append(f"does not go on: {again.output().strip().splitlines()[-1][:200]}")
        problems += [f"{name} is torn at the end" for name in self._expected.torn(self._out)]
        problems += [f"{name} is missing" for name in self._expected.missing(self._out)]
        shutil.rmtree(self._out)
        lines = [line for line in text.splitlines() if line.startswith("error: ")]
        self.outcomes.append((kibibytes, code, lines[0] if len(lines) == 1 else "", problems))


def main() -> None:
    """Goes over the jobs and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, default=20, help="disks of each job")
    parser.add_argument("--seconds", type=float, default=3600, help="for all; no disk after them")
    parser.add_argument("--jobs", nargs="+", choices=_JOBS, default=_JOBS)
    given = parser.parse_args()
    print(Campaign.HEADER)
    job_campaigns.run(given.jobs, Campaign, given.sizes, given.seconds)


if __name__ == "__main__":
    main()
