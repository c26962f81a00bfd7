"""A campaign for each of several small jobs, one after the other."""

import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.campaigns import small_jobs


class JobCampaign(Protocol):
    """What is tried with one job."""

    def run(self, count: int, end: float) -> None:
        """Tries something so many times, or until a time of `time.monotonic` has come."""

    def row(self) -> str:
        """Returns a row of a table."""

    def problems(self) -> list[str]:
        """Returns what went wrong, a line each."""


def run(
    names: Sequence[str],
    begin: Callable[[small_jobs.Job, pathlib.Path], JobCampaign],
    count: int,
    seconds: float,
) -> None:
    """Runs a campaign for each job, and prints its row and what went wrong.

    Args:
        names: of the jobs.
        begin: job and an empty folder for it -> its campaign.
        count: how often each is tried.
        seconds: for all of them; each gets an equal share of what is left when its own begins.
    """
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch:
        inputs = pathlib.Path(scratch, "inputs")
        small_jobs.write_inputs(inputs)
        for number, name in enumerate(names):
            folder = pathlib.Path(scratch, name)
            folder.mkdir()
            campaign = begin(small_jobs.all_jobs(inputs)[name], folder)
            share = (end - time.monotonic()) / (len(names) - number)
            campaign.run(count, time.monotonic() + share)
            print(campaign.row(), flush=True)
            for text in campaign.problems():
                print(f"  {text}")
