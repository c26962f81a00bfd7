"""The report of a reproduction: claims, tables, figures, in Markdown with pictures beside it."""

import json
import os
import pathlib
import platform
from collections.abc import Iterator

import keras
import tensorflow as tf

from salclass_tf.evaluation.maps.scores import Estimate
from salclass_tf.evaluation.tables import of_maps, published, report
from salclass_tf.reproduction import marks
from salclass_tf.reproduction.steps import Draw, Place, Plan, Step, Tables
from salclass_tf.runs import files

_CAPTIONS = {
    "3": "Fig. 3: maps of the detector before and after the class error has reached it",
    "4": "Fig. 4: accuracy and map error against the weight of the class error",
    "5": "Fig. 5: maps of all detectors",
}
_MEASURES = {
    4: ("shuffled_auc", "nss", "cc"),
    5: ("mean_class_accuracy", "accuracy"),
    6: ("mean_class_accuracy", "accuracy"),
}
# What our tables and the paper's call differently.
_PAPERS_NAMES = {"human, true maps (as in the paper)": "Human Baseline"}


def write(plan: Plan, place: Place) -> pathlib.Path:
    """Writes `<workdir>/report.md`.

    Args:
        plan: all of whose steps are done.
        place: where everything lies.

    Returns:
        The file.
    """
    sections = [_head(plan, place), *_claims(plan, place)]
    for step in plan.steps:
        if isinstance(step.work, Tables):
            sections += _tables(step.work, place)
    for step in plan.steps:
        if isinstance(step.work, Draw):
            sections += _pictures(step.work, place)
    sections += _times(plan, place)
    path = place.workdir / "report.md"
    files.write_text(path, "\n\n".join(sections) + "\n")
    return path


def _head(plan: Plan, place: Place) -> str:
    """What was run, with what, on what."""
    given = {"preset": plan.preset, "steps": plan.max_steps, "split": place.split}
    flags = " ".join(f"--{name}={value}" for name, value in given.items() if value is not None)
    tried = f"\n\n**A try-out: each stage of training was stopped at step {plan.max_steps}.**"
    return (
        f"# The paper's experiments, preset `{plan.preset}`\n\n"
        f"Made by `python reproduce.py {flags}` on {_devices()} "
        f"({platform.machine()}), Python {platform.python_version()}, TensorFlow "
        f"{tf.__version__}, Keras {keras.__version__}.{tried if plan.max_steps else ''}"
        f"\n\n{plan.stands_for.strip()}"
    )


def _devices() -> str:
    """What the machine computes with."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return f"{os.cpu_count()} CPU cores" + (f" and {gpus} GPUs" if gpus else "")


def _claims(plan: Plan, place: Place) -> Iterator[str]:
    """Which of the paper's comparisons come out here as there."""
    yield "## The paper's comparisons"
    yield (
        "Each line: is the first method better than the second, there and here? Differences are "
        f"first minus second; *published* ones are of {published.SOURCE}, those of this run have "
        "a 95 % bootstrap interval over images and the p-value of a paired permutation test. "
        "**agrees**: the interval lies on the paper's side of 0; **contradicts**: on the other "
        "side; *open*: it holds 0. It knows other images, not other trainings: with another seed "
        "each of them may differ by more. The paper's accuracies are means over classes, the "
        "paired differences of accuracies here are over images."
    )
    heads = ["table", "first", "second", "metric", "published", "here", "p", "verdict"]
    lines = [of_maps.line(heads), "|---|---|---|---|--:|--:|--:|---|"]
    for work in _works(plan, Tables):
        found = json.loads((place.workdir / work.output / "claims.json").read_text())
        lines += [_claim(work.tables[0], claim) for claim in found["claims"]]
    yield "\n".join(lines)


def _claim(table: int, claim: dict) -> str:
    """A line."""
    measure = claim["measure"]
    theirs = [_published_value(table, claim[name], measure) for name in ("better", "worse")]
    return of_maps.line(
        [
            str(table),
            claim["better"],
            claim["worse"],
            of_maps.title(measure),
            "" if None in theirs else f"{theirs[0] - theirs[1]:+.3f}",
            *_found(claim),
        ]
    )


def _found(claim: dict) -> list[str]:
    """The last cells of a line: the difference here, its p-value, the verdict."""
    if "reason" in claim:
        return ["", "", f"not tested: {claim['reason']}"]
    here = Estimate(claim["difference"], claim["low"], claim["high"], claim["images"])
    verdict = "*open*"
    if claim["low"] > 0 or claim["high"] < 0:
        verdict = "**agrees**" if claim["low"] > 0 else "**contradicts**"
    return [of_maps.interval(here), f"{claim['p_value']:.4f}", verdict]


def _published_value(table: int, method: str, measure: str) -> float | None:
    """What the paper prints of a method on the first data set of a table."""
    row = _published_row(table, published.rows(table)[0].dataset, method)
    # The paper has one accuracy, the mean over classes.
    names = (measure, "mean_class_accuracy") if measure == "accuracy" else (measure,)
    return next((row.values[name] for name in names if row and name in row.values), None)


def _published_row(table: int, dataset: str | None, method: str) -> published.Row | None:
    """What the paper prints of a method on a data set, by its own names."""
    name = _PAPERS_NAMES.get(method, method)
    rows = published.rows(table)
    return next((row for row in rows if (row.dataset, row.method) == (dataset, name)), None)


def _published_set(table: int, title: str, first: bool) -> str | None:
    """The data set of the paper that one here is, or stands for as the first of a table."""
    sets = dict.fromkeys(row.dataset for row in published.rows(table))
    own = [name for name in sets if published.DATASETS[name] == title.split("/")[0]]
    return next(iter(own or ([*sets] if first else ())), None)


def _tables(work: Tables, place: Place) -> Iterator[str]:
    """The tables of a step, each number with the published one."""
    for number in work.tables:
        rows = json.loads((place.workdir / work.output / f"table{number}.json").read_text())["rows"]
        yield f"## Table {number}"
        for dataset in dict.fromkeys(row["labels"]["data set"] for row in rows):
            mine = [row for row in rows if row["labels"]["data set"] == dataset]
            theirs = _published_set(number, dataset, dataset == rows[0]["labels"]["data set"])
            beside = f", beside what the paper prints of {theirs}" if theirs else ""
            yield f"On `{dataset}`, {mine[0]['images']} images{beside}:"
            yield _table(number, mine, theirs)
        yield (
            f"Published: Table {number} of {published.SOURCE}, not measured here. Brackets: 95 % "
            "bootstrap intervals over images. Paired tests of the first network against all others "
            f"and more columns: `{work.output}/report.md` in the folder of the run."
        )


def _table(number: int, rows: list[dict], published_set: str | None) -> str:
    """A table of one data set."""
    measures = _MEASURES[number]
    names = [row["labels"]["method"] for row in rows]
    theirs = [_published_row(number, published_set, name) for name in names]
    known = [name for name in measures if any(row and name in row.values for row in theirs)]
    heads = ["method", *(of_maps.title(name) for name in measures)]
    heads += [f"published {of_maps.title(name)}" for name in known]
    lines = [of_maps.line(heads), "|---|" + "--:|" * (len(heads) - 1)]
    for name, row, printed in zip(names, rows, theirs, strict=True):
        values = row["metrics"] if "metrics" in row else row["accuracies"]
        cells = [name, *(_interval(values[measure]) for measure in measures)]
        cells += [report.printed(printed, measure) if printed else "" for measure in known]
        lines.append(of_maps.line(cells))
    return "\n".join(lines)


def _interval(found: dict) -> str:
    """Mean and interval of a row; "" where it is undefined."""
    if found["mean"] is None:
        return ""
    low, high = (float("nan") if found[end] is None else found[end] for end in ("low", "high"))
    return of_maps.interval(Estimate(found["mean"], low, high, 0))


def _pictures(work: Draw, place: Place) -> Iterator[str]:
    """A figure with its caption."""
    files = json.loads((place.workdir / work.makes[0]).read_text())["files"]
    yield f"## {_CAPTIONS[work.figure]}"
    for name in files:
        yield f"![{_CAPTIONS[work.figure]}](pictures/{name})"


def _times(plan: Plan, place: Place) -> Iterator[str]:
    """How long every step took."""
    yield "## Steps"
    yield "Minutes of all attempts at a step together."
    lines = ["| step | what it does | minutes |", "|---|---|--:|"]
    taken = [marks.seconds(step, place) or 0.0 for step in plan.steps]
    lines += [
        of_maps.line([step.name, str(step.work), f"{seconds / 60:.1f}"])
        for step, seconds in zip(plan.steps, taken, strict=True)
    ]
    lines.append(of_maps.line(["all", "", f"{sum(taken) / 60:.1f}"]))
    yield "\n".join(lines)


def _works(plan: Plan, kind: type) -> list[Step]:
    """What the steps of a kind do."""
    return [step.work for step in plan.steps if isinstance(step.work, kind)]
