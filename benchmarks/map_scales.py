"""Trains stage joint with each height of the map, over seeds, and compares what comes out.

python -m benchmarks.map_scales --seeds=0,1,2

Each way is a family of runs in WORKDIR/<way>; all stages before joint are trained once for each
seed, pretraining once for all, and copied. What is finished is kept, what was interrupted goes on.
"""

import argparse
import pathlib
import sys

import numpy as np

from benchmarks import seeds_report
from salclass_tf import config
from salclass_tf.runs.seeds import seed_run

#: way -> scale, and whether the normalisation of the map is fitted when the parts are joined
WAYS = {
    "none": ("none", False),
    "none_fitted": ("none", True),
    "peak": ("peak", False),
    "peak_fitted": ("peak", True),
    "standardise": ("standardise", False),
}
_FIRST = "none"
_MEASURES = ("cc", "nss", "mse")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="0,1,2", help="with commas between")
    parser.add_argument("--dataset", help="in place of the demo's task")
    parser.add_argument("--epochs", type=int, help="of stage classifier and its twin")
    parser.add_argument("--fit_statistics", action="store_true", help="see train.py")
    parser.add_argument("--steps", type=int, help="at most, of each stage: a try-out")
    parser.add_argument("--data_dir", help="prepared data sets")
    parser.add_argument("--workdir", type=pathlib.Path, default=pathlib.Path("runs/map_scales"))
    return parser.parse_args(argv)


def configs(given: argparse.Namespace) -> dict[str, config.Config]:
    """Returns the run of each way, without its seed."""
    chosen = config.build_config("demo", given.dataset)
    run = {"max_steps": given.steps, "fit_statistics": given.fit_statistics or None}
    chosen = chosen.override("classifier", run, {"epochs": given.epochs})
    return {
        way: chosen.override("joint", {"map_scale": scale, "fit_map_normalization": fitted}, {})
        for way, (scale, fitted) in WAYS.items()
    }


def _train(
    given: argparse.Namespace, runs: dict[str, config.Config], seeds: tuple[int, ...]
) -> None:
    """Trains what is missing."""
    from salclass_tf import training  # imports TensorFlow
    from salclass_tf.config.stage import ROLES
    from salclass_tf.runs.stage_copies import copy_stage
    from salclass_tf.training import plan

    before = [name for name in plan.order(runs[_FIRST], "joint") if name != "joint"]
    for way, chosen in runs.items():
        if way != _FIRST:
            for stage in before:
                if ROLES[stage].pretraining:
                    copy_stage(given.workdir / _FIRST / stage, given.workdir / way / stage)
                for seed in seeds:
                    copy_stage(_run(given, _FIRST, seed) / stage, _run(given, way, seed) / stage)
        training.train_seeds(chosen, "joint", seeds, given.workdir / way, given.data_dir)


def _run(given: argparse.Namespace, way: str, seed: int) -> pathlib.Path:
    """Where the run of a seed is."""
    return seed_run(given.workdir / way, seed)


def _compared(given: argparse.Namespace, seeds: tuple[int, ...]) -> str:
    """Accuracies with intervals, on validation and test pictures; scores of the maps: Markdown."""
    from benchmarks import several_seeds
    from salclass_tf.runs.finished_stage import FinishedStage
    from salclass_tf.training import final_scores

    found = {way: {part: [] for part in several_seeds.PARTS} for way in WAYS}
    for way in WAYS:
        for seed in seeds:
            trained = several_seeds.Trained(_run(given, way, seed), given.data_dir, "joint")
            forward = final_scores.Forward(FinishedStage(trained.folder / "joint").read_network())
            for part, named in found[way].items():
                batches = trained.central_batches(part)
                named.append(several_seeds.right(lambda one, f=forward: f(one)["logits"], batches))
    lines = [f"| | {' | '.join(name.upper() for name in _MEASURES)} |", "|---|--:|--:|--:|"]
    for way in WAYS:
        every = [FinishedStage(_run(given, way, seed) / "joint").metrics["test"] for seed in seeds]
        found_of = {name: [one[name] for one in every] for name in _MEASURES}
        cells = ["" if None in one else f"{np.mean(one):.3f}" for one in found_of.values()]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return several_seeds.table(found, _FIRST) + "\n\n" + "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Trains, compares, prints and writes `map_scales.md`."""
    given = _parse(argv)

    def make(seeds: tuple[int, ...]) -> str:
        _train(given, configs(given), seeds)
        return _compared(given, seeds)

    return seeds_report.write(given, "map_scales.md", make)


if __name__ == "__main__":
    sys.exit(main())
