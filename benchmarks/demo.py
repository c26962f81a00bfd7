"""The demo of this tree beside that of another revision: where its time goes, and its scores.

python -m benchmarks.demo --against=247be46 --steps=2
python -m benchmarks.demo --against=247be46 --seeds=0,1,2

Each side runs `python train.py --stage=joint` in a process of its own, with fresh folders for the
run and for data sets, which it therefore renders; both in turns, for each seed. Times are means
over seeds. Processor time can be compared on a busy machine, too; that of a phase is what all
threads of the process have used while it lasted. Stages that a second process made have
no rows: their processor time stands where its end is seen.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import phases, revisions

_SCORES = ("accuracy", "cc", "nss")
_END = "end of the process"


@dataclasses.dataclass
class Side:
    """One of the two trees, and what its runs came to.

    Attributes:
        title: for the tables.
        tree: its folder.
        times: of each run: "stage/phase" -> (wall, processor) seconds, all of which add up.
        scores: of each run: test scores of stage joint, by name.
    """

    title: str
    tree: pathlib.Path
    times: list[dict[str, Sequence[float]]] = dataclasses.field(default_factory=list)
    scores: list[dict[str, float]] = dataclasses.field(default_factory=list)

    def run(self, flags: list[str]) -> None:
        """Runs the demo once.

        Args:
            flags: of `train.py`, besides the stage and the folders.
        """
        with tempfile.TemporaryDirectory() as folder:
            noted, workdir = pathlib.Path(folder, "times.json"), pathlib.Path(folder, "run")
            command = [sys.executable, "-P", phases.__file__, str(noted), str(time.time())]
            command += ["train.py", "--stage=joint", f"--workdir={workdir}"]
            command += [f"--data_dir={folder}/data", *flags]
            environment = os.environ | {"PYTHONPATH": str(self.tree)}
            before, began = os.times(), time.time()
            subprocess.run(
                command, cwd=self.tree, env=environment, stdout=subprocess.DEVNULL, check=True
            )
            after = os.times()
            used = after.children_user - before.children_user
            used += after.children_system - before.children_system
            times = json.loads(noted.read_text())
            known = np.sum(list(times.values()), axis=0)
            times[f"/{_END}"] = np.subtract([time.time() - began, used], known).tolist()
            self.times.append(times)
            test = json.loads((workdir / "joint" / "metrics.json").read_text())["test"]
            self.scores.append({name: test[name] for name in _SCORES})

    def mean(self, stage: str | None = None, phase: str | None = None) -> np.ndarray:
        """Mean (wall, processor) seconds of a stage, of a phase, or of the whole."""
        total = np.zeros(2)
        for times in self.times:
            for name, spent in times.items():
                of_stage, of_phase = name.split("/")
                if stage in (None, of_stage) and phase in (None, of_phase):
                    total += spent
        return total / len(self.times)

    @property
    def stages(self) -> list[str]:
        """The stages that were trained, in their order."""
        names = dict.fromkeys(name.split("/")[0] for name in self.times[0])
        return [name for name in names if name]


def profile(ours: Side, other: Side) -> Iterator[str]:
    """The lines of the table of times; ratios are the other side's time over ours."""
    yield f"| | {ours.title}: wall, s | processor, s | {other.title}: wall, s | processor, s | " + (
        "wall, ratio | processor, ratio |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|"
    yield _row("**whole**", ours.mean(), other.mean())
    for phase in (phases.START, *phases.FUNCTIONS, phases.OTHER, _END):
        yield _row(phase, ours.mean(phase=phase), other.mean(phase=phase))
    for stage in dict.fromkeys([*ours.stages, *other.stages]):
        yield _row(f"stage {stage}", ours.mean(stage=stage), other.mean(stage=stage))


def _row(title: str, ours: np.ndarray, other: np.ndarray) -> str:
    """A row: seconds of both sides, and ratios where there is something to divide by."""
    pairs = zip(ours, other, strict=True)
    ratios = [f"{theirs / own:.2f}" if min(own, theirs) > 0.05 else "" for own, theirs in pairs]
    cells = [title, *(f"{value:.1f}" for value in (*ours, *other)), *ratios]
    return f"| {' | '.join(cells)} |"


def scores(sides: Sequence[Side]) -> Iterator[str]:
    """The lines of the table of scores: the mean over seeds, its standard error, each one."""
    yield "| test scores of joint | " + " | ".join(_SCORES) + " |"
    yield "|---|" + "---|" * len(_SCORES)
    for side in sides:
        cells = []
        for name in _SCORES:
            values = np.array([found[name] for found in side.scores])
            single = ", ".join(f"{value:.4f}" for value in values)
            error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            cells.append(f"{values.mean():.4f} (se {error:.4f}: {single})")
        yield f"| {side.title} | {' | '.join(cells)} |"


def main() -> None:
    """Runs both sides and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", required=True, help="revision to compare with")
    parser.add_argument("--steps", type=int, help="of each stage: the quick form")
    parser.add_argument("--seeds", default="0", help="one run of each side for each of these")
    parser.add_argument("--precision", help="arithmetic; default: what train.py takes")
    given = parser.parse_args()
    flags = [
        f"--{name}={getattr(given, name)}"
        for name in ("steps", "precision")
        if getattr(given, name)
    ]
    with revisions.checked_out(given.against) as tree:
        ours, other = Side("this tree", revisions.ROOT), Side(given.against, tree)
        for seed in given.seeds.split(","):
            for side in (ours, other):
                print(f"seed {seed}: {side.title}", file=sys.stderr)
                side.run([*flags, f"--seed={seed}"])
        print("\n".join([*profile(ours, other), "", *scores((ours, other))]))


if __name__ == "__main__":
    main()
