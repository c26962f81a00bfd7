"""The report of a reproduction: claims, tables, figures, in Markdown with pictures beside it."""

import math
import os
import pathlib
import platform
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from salclass_tf.evaluation.tables import beside_published, of_maps, published
from salclass_tf.reproduction import claims, running
from salclass_tf.reproduction.plan import Place, Plan, build_plan
from salclass_tf.runs.files import write_text

_CAPTIONS = {
    "3": "Fig. 3: maps of the detector before and after the class error has reached it",
    "4": "Fig. 4: accuracy and map error against the weight of the class error",
    "5": "Fig. 5: maps of all detectors",
}
_OF_ONE_NETWORK = ("3", "5")
_COMPARED = (
    "Each line is a comparison in which the paper has the first method ahead of the second. "
    f"Differences are first minus second: *published*, of {published.SOURCE}, and *here*, with a "
    "95 % bootstrap interval over "
)
_ONE_SEED = (
    "images. **Here it is one network against one other, each trained once, from one seed.** The "
    "interval says how these two would differ on other images. It says nothing about other "
    "trainings of the same two methods, which may differ by more, so no line supports the paper's "
    "finding or speaks against it."
)
_SEVERAL_SEEDS = (
    "seeds and images (both drawn with replacement). **Here each method was trained {count} times, "
    "from seeds {seeds}**, and differences are paired, by seed and by image; what has only been "
    "pretrained was trained once, and stands beside each seed. An interval says how the mean of as "
    "many trainings would differ with other seeds and other images, from these pretrained "
    "networks, which all seeds share: what another pretraining would change is not in it. Few "
    "seeds say little of their spread: the bootstrap takes it for {low:.2f} times what it is."
)
_OVER_IMAGES = (
    "The paper's accuracies are means over classes, the paired differences of accuracies here are "
    "over images."
)


def write(plan: Plan, place: Place) -> pathlib.Path:
    """Writes `<workdir>/report.md` of a plan all of whose steps are done; returns the file."""
    sections = [_head(plan, place), "## The paper's comparisons", _how_to_read(plan.seeds)]
    compared = [line for s in plan.steps if s.claims for line in claims.lines(s, place)]
    sections += [_table(claims.HEADS, "|---|---|---|---|--:|--:|", compared)]
    for step in plan.steps:
        if step.table is not None:
            folder = place.workdir / f"table{step.table}"
            sections += beside_published.sections(step.table, folder)
    sections += [*_pictures(plan, place), "## Steps", *_times(plan, place)]
    path = place.workdir / "report.md"
    write_text(path, "\n\n".join(sections) + "\n")
    return path


def _how_to_read(seeds: Sequence[int]) -> str:
    """What the differences say, and what they do not."""
    count = len(seeds)
    several = _SEVERAL_SEEDS.format(
        count=count, seeds=_list(seeds, ", "), low=math.sqrt((count - 1) / count)
    )
    return f"{_COMPARED}{_ONE_SEED if count == 1 else several} {_OVER_IMAGES}"


def _head(plan: Plan, place: Place) -> str:
    """What was run, with what, on what."""
    asked = {"seeds": None if plan.seeds == build_plan(plan.preset).seeds else _list(plan.seeds)}
    given = {"preset": plan.preset, "steps": place.steps, "split": place.split} | asked
    flags = " ".join(f"--{name}={value}" for name, value in given.items() if value is not None)
    gpus = len(tf.config.list_physical_devices("GPU"))
    tried = f"\n\n**A try-out: each stage of training was stopped at step {place.steps}.**"
    return (
        f"# The paper's experiments, preset `{plan.preset}`\n\n"
        f"Made by `python reproduce.py {flags}` on {os.cpu_count()} CPU cores"
        f"{f' and {gpus} GPUs' if gpus else ''} ({platform.machine()}), Python "
        f"{platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}."
        f"{tried if place.steps else ''}\n\n{plan.stands_for.strip()}"
    )


def _pictures(plan: Plan, place: Place) -> Iterator[str]:
    """The figures with their captions."""
    for number in filter(None, (step.figure for step in plan.steps)):
        caption = _CAPTIONS[number]
        caption += f", seed {plan.seeds[0]}" if number in _OF_ONE_NETWORK else ""
        yield f"## {caption}"
        for path in sorted(place.workdir.glob(f"pictures/fig{number}-*.png")):
            yield f"![{caption}](pictures/{path.name})"


def _times(plan: Plan, place: Place) -> Iterator[str]:
    """How long every step took."""
    yield "Minutes of all attempts at a step together; folders lie in that of the run."
    taken = [running.seconds(step, place) for step in plan.steps]
    rows = [
        [step.name, f"`{step}`", f"{spent / 60:.1f}"]
        for step, spent in zip(plan.steps, taken, strict=True)
    ]
    yield _table(
        ("step", "command", "minutes"),
        "|---|---|--:|",
        [*rows, ["all", "", f"{sum(taken) / 60:.1f}"]],
    )


def _table(heads: tuple[str, ...], rule: str, rows: list[list[str]]) -> str:
    return "\n".join([of_maps.line(heads), rule, *map(of_maps.line, rows)])


def _list(seeds: Sequence[int], between: str = ",") -> str:
    """Seeds as text."""
    return between.join(map(str, seeds))
