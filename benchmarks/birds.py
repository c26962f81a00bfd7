"""What real gaze is worth to a classifier: the paper's networks and three more ways, over seeds.

python -m benchmarks.birds --weights=FILE --manual_dir=DIR --seeds=0,1,2,3,4

Each seed of each way is a run in WORKDIR/<way>/seeds/seed_<number>; what is finished is kept, what
was interrupted goes on. A row is compared with the network of RGB alone that has seen as many
images at the same rates.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Iterator

import numpy as np

from benchmarks import seeds_report
from benchmarks.power import Spread
from salclass_tf import config
from salclass_tf.config.stage import ROLES
from salclass_tf.runs import learned
from salclass_tf.runs.seeds import seed_run

_RGB, _RGB_LONGER, _MAPS, _JOINT = "classifier_rgb", "classifier_rgb_longer", "classifier", "joint"
_DETECTOR, _PARTS = "saliency", "parts"
_EFFECT = 0.02
_CONFIDENCE, _RESAMPLES = 0.95, 9999


@dataclasses.dataclass(frozen=True)
class Way:
    """A run in which gaze may help.

    Attributes:
        name: of its folder.
        stage: the last one.
        longer: the last one with `--longer`; "" for the same.
        pooling: of classifiers that read a map; "" for their own.
        numbers: of both stages of RGB alone, see `config.Stage`.
        shared: stages that are those of the first way.
    """

    name: str
    stage: str
    longer: str = ""
    pooling: str = ""
    numbers: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


WAYS = (
    Way("paper", _JOINT),
    Way("pooling", _MAPS, _JOINT, pooling="both", shared=(_DETECTOR, _RGB, _RGB_LONGER)),
    Way("crops", _RGB, _RGB_LONGER, numbers=("crop_around",)),
    Way("attention", _RGB, _RGB_LONGER, numbers=("attention_loss",)),
)

#: title, way, stage; `_PARTS` is the detector and the classifier of a way, put together
ROWS = (
    ("RGB only", "paper", _RGB),
    ("RGB + true map", "paper", _MAPS),
    ("parts put together", "paper", _PARTS),
    ("RGB + true map, pooled by it too", "pooling", _MAPS),
    ("parts put together, pooled by the map too", "pooling", _PARTS),
    ("RGB only, crops around gaze", "crops", _RGB),
    ("RGB only, attention drawn to gaze", "attention", _RGB),
    ("RGB only, as long as joint", "paper", _RGB_LONGER),
    ("SalClassNet, joint", "paper", _JOINT),
    ("SalClassNet, joint, pooled by its map too", "pooling", _JOINT),
    ("RGB only, crops around gaze, as long", "crops", _RGB_LONGER),
    ("RGB only, attention drawn to gaze, as long", "attention", _RGB_LONGER),
)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="0,1,2,3,4", help="with commas between")
    parser.add_argument("--ways", default=",".join(way.name for way in WAYS), help="some of these")
    parser.add_argument(
        "--longer", action="store_true", help="train every way for as long as stage joint"
    )
    parser.add_argument("--weights", help="VGG-16 that both networks start from; default: random")
    parser.add_argument(
        "--frozen",
        default="block1_conv2|block2_",
        help="layers that do not learn with --weights, in classifiers and in stage joint",
    )
    parser.add_argument("--attention_loss", type=float, default=1.0, help="its weight")
    parser.add_argument("--epochs", type=int, help="of classifiers, in place of the recipe's")
    parser.add_argument("--steps", type=int, help="at most, of each stage: a try-out")
    parser.add_argument("--width", type=float, help="scales every channel count")
    parser.add_argument("--image_size", type=int, help="side of the crops, in pixels")
    parser.add_argument("--split", help="what is tested, such as test[:50]")
    parser.add_argument("--dataset", default="cub_gha", help="a set with gaze and classes")
    parser.add_argument("--data_dir", help="prepared data sets")
    parser.add_argument("--manual_dir", help="original files of the set")
    parser.add_argument("--workdir", type=pathlib.Path, default=pathlib.Path("runs/birds"))
    return parser.parse_args(argv)


def configs(given: argparse.Namespace) -> dict[Way, config.Config]:
    """Returns the run of each way that was asked for, without its seed.

    Raises:
        ValueError: for a way that is not there, or a number out of range.
    """
    names, known = given.ways.split(","), [way.name for way in WAYS]
    unknown = [name for name in names if name not in known]
    if unknown or WAYS[0].name not in names:
        raise ValueError(
            f"ways are some of {', '.join(known)}, {known[0]} among them, with which the others "
            f"are compared; got {given.ways!r}"
        )
    return {way: _config(given, way) for way in WAYS if way.name in names}


def _config(given: argparse.Namespace, way: Way) -> config.Config:
    """The run of a way: the birds' recipe, with what was asked for."""
    run = {"detector": "vgg16", "classifier": "vgg16", "max_steps": given.steps}
    run |= {"detector_weights": given.weights, "classifier_weights": given.weights}
    run |= {"width": given.width, "image_size": given.image_size}
    run["fit_statistics"] = True  # what reads a map would else go by those of ten batches
    chosen = config.build_config("demo", "cub_gha")
    frozen = given.frozen if given.weights else ""  # nothing has trained random weights
    changed = {
        name: dataclasses.replace(
            stage, dataset=given.dataset, frozen=stage.frozen if given.weights else ""
        )
        for name, stage in chosen.stages.items()
    }
    chosen = dataclasses.replace(chosen, stages=changed, pretrain_classifier=False)
    chosen = chosen.override(_MAPS, run, {"frozen": frozen, "epochs": given.epochs})
    chosen = chosen.override(_JOINT, {}, {"frozen": frozen})
    values = {"crop_around": "gaze", "attention_loss": given.attention_loss}
    for stage in (_RGB, _RGB_LONGER):
        chosen = chosen.override(stage, {}, {name: values[name] for name in way.numbers})
    options = {"classifier": {"pooling": way.pooling}} if way.pooling else {}
    return chosen.override(_JOINT, {}, {}, options=options)


def _train(
    given: argparse.Namespace, runs: dict[Way, config.Config], seeds: tuple[int, ...]
) -> None:
    """Trains what is missing, all ways of a seed before the next seed."""
    from salclass_tf import training  # imports TensorFlow
    from salclass_tf.runs.stage_copies import copy_stage

    for seed in seeds:
        for way, chosen in runs.items():
            for stage in way.shared:
                first, own = (_folder(given, name, seed) for name in (WAYS[0].name, way.name))
                copy_stage(first / stage, own / stage)
            workdir = given.workdir / way.name
            training.train_seeds(
                chosen, _last(given, way), (seed,), workdir, given.data_dir, given.manual_dir
            )


def _last(given: argparse.Namespace, way: Way) -> str:
    """The last stage of a way."""
    return way.longer if given.longer and way.longer else way.stage


def _has(given: argparse.Namespace, way: Way, run: config.Config, stage: str) -> bool:
    """Whether a way trains, or is given, the network of a row."""
    from salclass_tf.training import plan  # imports TensorFlow

    there = {*plan.order(run, _last(given, way)), *way.shared}
    return {_DETECTOR, _MAPS} <= there if stage == _PARTS else stage in there


def _folder(given: argparse.Namespace, way: str, seed: int) -> pathlib.Path:
    """Where the run of a seed is."""
    return seed_run(given.workdir / way, seed)


@dataclasses.dataclass(frozen=True)
class Row:
    """Answers of the networks of a row, of all seeds.

    Attributes:
        title: of the row.
        stage: what they went through last.
        right: whether each image is named right, float64 [seeds, images].
        seen: headings -> what each has learned from.
    """

    title: str
    stage: str
    right: np.ndarray
    seen: dict[str, str]


def _rows(
    given: argparse.Namespace, runs: dict[Way, config.Config], seeds: tuple[int, ...]
) -> list[Row]:
    """The answers of all rows, scored where that has not been done.

    Raises:
        ValueError: if something could not be scored.
    """
    from salclass_tf.evaluation.tables import paper  # imports TensorFlow

    settings = paper.Settings(
        models=tuple(
            f"{_run(way.name, seed)}={_folder(given, way.name, seed)}"
            for way in runs
            for seed in seeds
        ),
        datasets=(given.dataset,),
        tables=(5,),
        map_uses=False,
        split=given.split,
        data_dir=given.data_dir,
        manual_dir=given.manual_dir,
        output=given.workdir / "evaluation",
    )
    evaluation = paper.evaluate(settings)
    if evaluation.failures:
        raise ValueError("; ".join(evaluation.failures))
    found = {method.name: (method.seen, guesses) for method, guesses in evaluation.classes}
    return [
        _row(title, stage, [found[_network(given, way, run, seed, stage)] for seed in seeds])
        for title, name, stage in ROWS
        for way, run in runs.items()
        if way.name == name and _has(given, way, run, stage)
    ]


def _run(way: str, seed: int) -> str:
    """What the run of a seed is called in tables."""
    return f"{way} {seed}"


def _network(given: argparse.Namespace, way: Way, run: config.Config, seed: int, stage: str) -> str:
    """What the network of a stage of a seed is called in tables: its run, if it is alone there."""
    from salclass_tf.runs.finished_stage import FinishedStage

    text, folder = _run(way.name, seed), _folder(given, way.name, seed)
    alone = sum(FinishedStage(folder / name).is_finished for name in ROLES) == 1
    return text if alone else f"{text}: {_title(run, stage)}"


def _title(run: config.Config, stage: str) -> str:
    """What the network of a stage is called in tables of its run."""
    last = _JOINT if stage == _PARTS else stage
    name = ROLES[last].method.format(detector="vgg16", classifier="vgg16")
    name += learned.BY_GAZE if run.stages[last].attention_loss else ""
    return f"{name}, parts before joint training" if stage == _PARTS else name


def _row(title: str, stage: str, answers: list) -> Row:
    """A row of the answers of its seeds."""
    (seen, first), *_ = answers
    for other, guesses in answers:
        if guesses.images != first.images or other != seen:
            raise ValueError(f"seeds of {title!r} have not learned, or answered, alike: {other}")
    right = [guesses.truth == guesses.guess for _, guesses in answers]
    return Row(title, stage, np.array(right, np.float64), dict(seen))


def _reference(row: Row, rows: list[Row]) -> Row | None:
    """The network of RGB alone that a row is compared with; None for such a network itself."""
    longer = row.stage in (_JOINT, _RGB_LONGER)
    plain = next(one for one in rows if one.stage == (_RGB_LONGER if longer else _RGB))
    if plain is row:
        return None
    if plain.seen != row.seen:
        raise ValueError(
            f"{row.title!r} has not learned as {plain.title!r} has: {row.seen}, and {plain.seen}; "
            "train both with the same numbers, in a --workdir of their own"
        )
    return plain


def table(rows: list[Row]) -> str:
    """Returns the comparison as a Markdown table.

    Args:
        rows: see `ROWS`; those of RGB alone of the first way come before all others of their stage.
    """
    seen = list(rows[0].seen)
    lines = [
        f"| network | {' | '.join(seen)} | accuracy | its seeds | less RGB alone, as many images | "
        f"excludes 0 | images to see +{_EFFECT} |",
        "|---|" + "--:|---|" + "--:|---|--:|---|--:|",
    ]
    for row in rows:
        single = ", ".join(f"{mean:.3f}" for mean in row.right.mean(axis=1))
        cells = [row.title, *row.seen.values(), _interval(row.right)[0], single]
        plain = _reference(row, rows)
        cells += ["", "", ""] if plain is None else list(_compared(row.right - plain.right))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _compared(differences: np.ndarray) -> Iterator[str]:
    """A difference with its interval, whether that excludes 0, and what would show +0.02."""
    text, low, high = _interval(differences, "+")
    yield text
    yield "yes" if low > 0 or high < 0 else "no"
    if min(differences.shape) < 2:
        yield "two seeds at least"
        return
    spread = Spread.of(differences)
    images = spread.images_for(_EFFECT)
    yield (
        f"{images:,}" if images is not None else f"none: {spread.seeds_for(_EFFECT)} seeds at least"
    )


def _interval(values: np.ndarray, sign: str = "") -> tuple[str, float, float]:
    """The mean of a table of seeds and images with its interval, in words, and its ends."""
    from salclass_tf.evaluation.maps import resampling

    low, high = resampling.two_way(values, _CONFIDENCE, _RESAMPLES, seed=0)
    ends = [f"{number:{sign}.3f}" for number in (values.mean(), low, high)]
    return f"{ends[0]} [{ends[1]}, {ends[2]}]", low, high


_EXPLAINED = f"""\
Means over seeds and images; intervals of 95 % by a two-way bootstrap over both. Differences are
paired, by seed and by image. "Images to see +{_EFFECT}": with as many seeds, that difference would
be seen in four of five trials at the level of 5 % from N images on, N = (b + e / S) / (({_EFFECT} /
2.80)^2 - a / S), with the variances of the paired differences over seeds (a), over images (b), and
of the rest (e), by mean squares; "none" where a / S alone is too large, with the seeds from which
some number of images is enough."""


def _maps(given: argparse.Namespace, runs: dict[Way, config.Config], seeds: tuple[int, ...]) -> str:
    """Scores of predicted maps, and minutes, of each stage: Markdown."""
    from salclass_tf.runs.finished_stage import FinishedStage

    lines = ["| run | stage | CC | NSS | minutes a seed |", "|---|---|--:|--:|--:|"]
    for way in runs:
        for stage in ROLES:
            folders = [_folder(given, way.name, seed) / stage for seed in seeds]
            if stage in way.shared or not all(FinishedStage(one).is_finished for one in folders):
                continue
            found = [FinishedStage(folder).metrics for folder in folders]
            cells = [way.name, stage]
            for name in ("cc", "nss"):
                each = [one["test"][name] for one in found]
                cells.append("" if None in each else f"{np.mean(each):.3f}")
            cells.append(f"{np.mean([one['seconds'] for one in found]) / 60:.1f}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Trains, scores, prints and writes `birds.md`."""
    given = _parse(argv)

    def make(seeds: tuple[int, ...]) -> str:
        runs = configs(given)
        _train(given, runs, seeds)
        rows = _rows(given, runs, seeds)
        return "\n\n".join([table(rows), _EXPLAINED, _maps(given, runs, seeds)])

    return seeds_report.write(given, "birds.md", make)


if __name__ == "__main__":
    sys.exit(main())
