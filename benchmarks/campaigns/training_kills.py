"""Kills training at random moments, again and again, and compares what it ends with.

python -m benchmarks.campaigns.training_kills --kills=50

Every second kill comes at a random moment of the run, the others in a step, a validation, the
writing of a network, checkpoint or history, or where one stage follows another. What is killed is
started again until it ends; its networks must be those of an undisturbed run, bit for bit, and so
must its histories.
"""

import argparse
import collections
import pathlib
import random
import signal
import tempfile
import time

from benchmarks.campaigns import children, stage_files

_RUN = "tests/support/tiny_run.py"
_PLACES = ("step", "validation", "network", "checkpoint", "write", "history", "border")
_MOST_CALLS = 2


class Campaign:
    """Runs that are killed, one after the other.

    Attributes:
        kills: how many there were, by place.
        struck: how many there were, by the stage that was under way.
        ended: what each run that ended differs in from the undisturbed one.
        failed: output of the processes that ended otherwise.
    """

    def __init__(self, folder: pathlib.Path, given: argparse.Namespace):
        """Trains undisturbed."""
        self.kills, self.struck = collections.Counter(), collections.Counter()
        self.ended: list[list[str]] = []
        self.failed: list[str] = []
        self._folder, self._given, self._draw = folder, given, random.Random(given.seed)
        data = children.Child(["benchmarks/campaigns/tiny_data.py", folder / "data"], self._log)
        assert data.wait() == 0, data.output()
        started = time.monotonic()
        whole = self._start("whole")
        assert whole.wait() == 0, whole.output()
        self.whole_seconds = time.monotonic() - started
        print(f"undisturbed: {self.whole_seconds:.0f} s", flush=True)

    def run(self) -> None:
        """Kills until enough is killed, then lets the last run end."""
        end, attempts = time.monotonic() + self._given.seconds, 0
        while sum(self.kills.values()) < self._given.kills and time.monotonic() < end:
            self._attempt(attempts % 2 == 0)
            attempts += 1
        if (self._folder / self._name).exists():
            self._finished(self._start(self._name), limit=None)

    @property
    def _log(self) -> pathlib.Path:
        return self._folder / "log"

    @property
    def _name(self) -> str:
        return f"run{len(self.ended) + len(self.failed)}"

    def _start(self, name: str, *more: str) -> children.Child:
        words = [_RUN, self._folder / name, self._folder / "data"]
        words += [f"--stage={self._given.stage}", f"--epochs={self._given.epochs}", *more]
        return children.Child(words, self._log)

    def _attempt(self, at_a_moment: bool) -> None:
        """Starts or continues a run, and kills it unless it ends before."""
        run = self._folder / self._name
        from_the_start, started = not run.exists(), time.monotonic()
        if at_a_moment:
            place, limit = "any moment", self._draw.uniform(0, self.whole_seconds)
            child = self._start(self._name)
        else:
            place, limit = self._draw.choice(_PLACES), None
            moment = f"{place}:{self._draw.randint(1, _MOST_CALLS)}"  # of those that are to come
            child = self._start(self._name, f"--kill_at={moment}")
        if not self._finished(child, limit):
            stages = [path.name for path in run.glob("*/") if not (path / "metrics.json").exists()]
            self.kills[place] += 1
            self.struck[stages[0] if stages else "between stages"] += 1
        elif from_the_start:  # on a busy machine no run is as long as another
            self.whole_seconds = min(self.whole_seconds, time.monotonic() - started)

    def _finished(self, child: children.Child, limit: float | None) -> bool:
        """Whether a run ended by itself; it is compared then."""
        run = self._folder / self._name
        code = child.wait(limit)
        if code is None:
            code = child.kill()
        if code == -signal.SIGKILL:
            return False
        if code == 0:
            self.ended.append(stage_files.differences(self._folder / "whole", run))
        else:
            self.failed.append(f"exit {code}: {child.output()[-500:]}")
        return True


def main() -> None:
    """Runs the campaign and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="how often training is killed")
    parser.add_argument("--seconds", type=float, default=3600, help="no kill begins after them")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    parser.add_argument("--stage", default="joint", help="and before it what it starts from")
    parser.add_argument("--epochs", type=int, default=2, help="of each stage, of three steps each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(pathlib.Path(folder), given)
        campaign.run()
        equal = sum(not found for found in campaign.ended)
        print("| kills | runs that ended | bit-equal to the undisturbed one | other ends |")
        print("|--:|--:|--:|--:|")
        kills = sum(campaign.kills.values())
        print(f"| {kills} | {len(campaign.ended)} | {equal} | {len(campaign.failed)} |")
        for title, counts in (("killed in", campaign.kills), ("stages", campaign.struck)):
            print(f"{title}: {', '.join(f'{name} {n}' for name, n in sorted(counts.items()))}")
        for text in [*(", ".join(found) for found in campaign.ended if found), *campaign.failed]:
            print(text)


if __name__ == "__main__":
    main()
