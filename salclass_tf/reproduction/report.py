"""The report of a reproduction: claims, tables, figures, in Markdown with pictures beside it."""

import json
import os
import pathlib
import platform
from collections.abc import Iterator

import keras
import tensorflow as tf

from salclass_tf.evaluation import published, tables
from salclass_tf.evaluation.scores import Estimate
from salclass_tf.reproduction import marks
from salclass_tf.reproduction.steps import Draw, Place, Plan, Step, Tables

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


def write(plan: Plan, place: Place) -> pathlib.Path:
    """Writes `<workdir>/report.md`.

    Args:
        plan: all of whose steps are done.
        place: where everything lies.

    Returns:
        The file.
    """
    sections = [_head(plan), *_claims(plan, place)]
    for step in plan.steps:
        if isinstance(step.work, Tables):
            sections += _tables(step.work, place)
    for step in plan.steps:
        if isinstance(step.work, Draw):
            sections += _pictures(step.work, place)
    sections += _times(plan, place)
    path = place.workdir / "report.md"
    temporary = path.with_suffix(".md.tmp")
    temporary.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


def _head(plan: Plan) -> str:
    """What was run, with what, on what."""
    return (
        f"# The paper's experiments, preset `{plan.preset}`\n\n"
        f"Made by `python reproduce.py --preset={plan.preset}` on {os.cpu_count()} CPU cores "
        f"({platform.machine()}), Python {platform.python_version()}, TensorFlow "
        f"{tf.__version__}, Keras {keras.__version__}.\n\n{plan.stands_for.strip()}"
    )


def _claims(plan: Plan, place: Place) -> Iterator[str]:
    """Which of the paper's comparisons come out here as there."""
    yield "## The paper's comparisons"
    yield (
        "Each line: is the first method better than the second, there and here? Differences are "
        f"first minus second; *published* ones are of {published.SOURCE}, those of this run have "
        "a 95 % bootstrap interval over images and the p-value of a paired permutation test. "
        "**agrees**: the interval lies on the paper's side of 0; **contradicts**: on the other "
        "side; *open*: it holds 0."
    )
    heads = ["table", "first", "second", "metric", "published", "here", "p", "verdict"]
    lines = [tables.line(heads), "|---|---|---|---|--:|--:|--:|---|"]
    for work in _works(plan, Tables):
        found = json.loads((place.workdir / work.output / "claims.json").read_text())
        lines += [_claim(work.tables[0], claim) for claim in found["claims"]]
    yield "\n".join(lines)


def _claim(table: int, claim: dict) -> str:
    """A line."""
    measure = claim["measure"]
    printed = [_published(table, claim[name], measure) for name in ("better", "worse")]
    theirs = "" if None in printed else f"{printed[0] - printed[1]:+.3f}"
    here = Estimate(claim["difference"], claim["low"], claim["high"], claim["images"])
    verdict = "*open*"
    if claim["low"] > 0 or claim["high"] < 0:
        verdict = "**agrees**" if claim["low"] > 0 else "**contradicts**"
    return tables.line(
        [
            str(table),
            claim["better"],
            claim["worse"],
            tables.title(measure),
            theirs,
            tables.interval(here),
            f"{claim['p_value']:.4f}",
            verdict,
        ]
    )


def _published(table: int, method: str, measure: str) -> float | None:
    """What the paper prints of a method on the first data set of a table."""
    rows = published.rows(table)
    mine = [r for r in rows if r.dataset == rows[0].dataset and r.method == method]
    # The paper has one accuracy, the mean over classes.
    names = (measure, "mean_class_accuracy") if measure == "accuracy" else (measure,)
    return next((r.values[n] for r in mine for n in names if n in r.values), None)


def _tables(work: Tables, place: Place) -> Iterator[str]:
    """The tables of a step, each number with the published one."""
    for number in work.tables:
        rows = json.loads((place.workdir / work.output / f"table{number}.json").read_text())["rows"]
        yield f"## Table {number}"
        for dataset in dict.fromkeys(row["labels"]["data set"] for row in rows):
            mine = [row for row in rows if row["labels"]["data set"] == dataset]
            first = dataset == rows[0]["labels"]["data set"]
            yield f"On `{dataset}`, {mine[0]['images']} images:"
            yield _table(number, mine, with_published=first)
        source = published.rows(number)[0].dataset
        yield (
            f"Published: Table {number} of {published.SOURCE}, on {source}; not measured here. "
            f"Paired tests of all pairs and more columns: `{work.output}/report.md`."
        )


def _table(number: int, rows: list[dict], with_published: bool) -> str:
    """A table of one data set."""
    measures = _MEASURES[number]
    known = [m for m in measures if with_published and _any_published(number, rows, m)]
    heads = ["method", *(tables.title(m) for m in measures)]
    heads += [f"published {tables.title(m)}" for m in known]
    lines = [tables.line(heads), "|---|" + "--:|" * (len(heads) - 1)]
    for row in rows:
        name = row["labels"]["method"]
        values = row["metrics"] if "metrics" in row else row["accuracies"]
        cells = [name, *(_interval(values[m]) for m in measures)]
        printed = [_published(number, _PAPERS_NAMES.get(name, name), m) for m in known]
        cells += ["" if value is None else f"{value:g}" for value in printed]
        lines.append(tables.line(cells))
    return "\n".join(lines)


_PAPERS_NAMES = {"human, true maps (as in the paper)": "Human Baseline"}


def _any_published(number: int, rows: list[dict], measure: str) -> bool:
    """Whether the paper prints a metric of any of these rows, under its own name."""
    own = published.rows(number)[0].values
    return measure in own and any(
        _published(number, row["labels"]["method"], measure) is not None for row in rows
    )


def _interval(found: dict) -> str:
    """Mean and interval of a row; "" where it is undefined."""
    if found["mean"] is None:
        return ""
    low, high = (float("nan") if found[end] is None else found[end] for end in ("low", "high"))
    return tables.interval(Estimate(found["mean"], low, high, 0))


def _pictures(work: Draw, place: Place) -> Iterator[str]:
    """A figure with its caption."""
    files = json.loads((place.workdir / work.makes[0]).read_text())["files"]
    yield f"## {_CAPTIONS[work.figure]}"
    for name in files:
        yield f"![{_CAPTIONS[work.figure]}](pictures/{name})"


def _times(plan: Plan, place: Place) -> Iterator[str]:
    """How long every step took."""
    yield "## Steps"
    lines = ["| step | what it does | minutes |", "|---|---|--:|"]
    taken = [marks.seconds(step, place) or 0.0 for step in plan.steps]
    lines += [
        tables.line([step.name, str(step.work), f"{seconds / 60:.1f}"])
        for step, seconds in zip(plan.steps, taken, strict=True)
    ]
    lines.append(tables.line(["all", "", f"{sum(taken) / 60:.1f}"]))
    yield "\n".join(lines)


def _works(plan: Plan, kind: type) -> list[Step]:
    """What the steps of a kind do."""
    return [step.work for step in plan.steps if isinstance(step.work, kind)]
