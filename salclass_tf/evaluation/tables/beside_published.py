"""Measured tables with the paper's numbers in columns beside them."""

import json
import pathlib
from collections.abc import Iterator

from salclass_tf.evaluation.maps.scores import Estimate
from salclass_tf.evaluation.tables import of_maps, published, report
from salclass_tf.runs import learned

_COLUMNS = {
    4: ("shuffled_auc", "nss", "cc"),
    5: ("mean_class_accuracy", "accuracy"),
    6: ("mean_class_accuracy", "accuracy"),
}
# What our tables and the paper's call differently.
_PAPERS_NAMES = {
    "human, true maps (as in the paper)": "Human Baseline",
    "Inception (3 channels), as long as SalClassNet": "Inception (3 channels)",
    "VGG (3 channels), as long as SalClassNet": "VGG (3 channels)",
}


def sections(number: int, folder: pathlib.Path) -> Iterator[str]:
    """Yields a table as Markdown, a heading and a section for each data set.

    Args:
        number: of the paper's table. Its first data set is the one that the first measured set
            stands for; others stand beside their own numbers.
        folder: the output of an evaluation.
    """
    rows = _of_families(json.loads((folder / f"table{number}.json").read_text()))
    several = any(row.get("seeds", 1) > 1 for row in rows)
    yield f"## Table {number}"
    for dataset in dict.fromkeys(row["labels"]["data set"] for row in rows):
        mine = [row for row in rows if row["labels"]["data set"] == dataset]
        theirs = _published_set(number, dataset, dataset == rows[0]["labels"]["data set"])
        beside = f", beside what the paper prints of {theirs}" if theirs else ""
        yield f"On `{dataset}`, {mine[0]['images']} images{beside}:"
        yield _table(number, mine, theirs)
    yield (
        f"Published: Table {number} of {published.SOURCE}, not measured here. Brackets: 95 % "
        f"bootstrap intervals over images{', and over seeds where there are several' * several}. "
        "Single networks, tests of the first one against all others and more columns: "
        f"`{folder.name}/report.md` in the folder of the run."
    )


def _of_families(content: dict) -> list[dict]:
    """The rows of a table, networks of several seeds as one row, where the first of them stands."""

    def key(line: dict, name: str) -> tuple[str, str]:
        return line["labels"]["data set"], name

    means = {key(line, line["labels"]["method"]): line for line in content.get("families", ())}
    members: dict[tuple[str, str], list[dict]] = {}
    for row in content["rows"]:
        if row.get("family"):
            members.setdefault(key(row, row["family"]), []).append(row)
    found = []
    for row in content["rows"]:
        family = row.get("family", "")
        of_family = members.get(key(row, family), ())
        mean = means.get(key(row, family)) if len(of_family) > 1 else None
        if len(of_family) == 1:
            found.append(row | {"labels": row["labels"] | {"method": family}})
        elif mean is None:
            found.append(row)
        elif row is of_family[0]:
            found.append(_together(mean, of_family))
    return found


def _together(mean: dict, members: list[dict]) -> dict:
    """The row of a family: its means, and what all of its seeds have seen."""
    undefined = dict.fromkeys(members[0].get("metrics", ()), {"mean": None})
    labels = members[0]["labels"] | {"method": mean["labels"]["method"]}
    for column in learned.COLUMNS:
        texts = dict.fromkeys(one["labels"][column] for one in members if column in one["labels"])
        labels |= {column: "; ".join(texts)} if texts else {}
    numbers = {"metrics": undefined | mean["metrics"], "seeds": mean["seeds"]}
    return members[0] | {"labels": labels} | numbers


def published_value(table: int, method: str, measure: str) -> float | None:
    """Returns what the paper prints of a method on the first data set of a table, or None."""
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


def _table(number: int, rows: list[dict], published_set: str | None) -> str:
    """A table of one data set."""
    measures = _COLUMNS[number]
    names = [row["labels"]["method"] for row in rows]
    theirs = [_published_row(number, published_set, name) for name in names]
    known = [name for name in measures if any(row and name in row.values for row in theirs)]
    heads = ["method", *(of_maps.title(name) for name in measures)]
    heads += [f"published {of_maps.title(name)}" for name in known]
    seen = [name for name in learned.COLUMNS if any(name in row["labels"] for row in rows)]
    heads += seen
    lines = [of_maps.line(heads), "|---|" + "--:|" * (len(heads) - 1)]
    for name, row, printed in zip(names, rows, theirs, strict=True):
        values = row["metrics"] if "metrics" in row else row["accuracies"]
        cells = [name, *(_interval(values[measure]) for measure in measures)]
        cells += [report.printed(printed, measure) if printed else "" for measure in known]
        cells += [row["labels"].get(name, "") for name in seen]
        lines.append(of_maps.line(cells))
    return "\n".join(lines)


def _interval(found: dict) -> str:
    """Mean and interval of a row; "" where it is undefined."""
    if found["mean"] is None:
        return ""
    low, high = (float("nan") if found[end] is None else found[end] for end in ("low", "high"))
    return of_maps.interval(Estimate(found["mean"], low, high, 0))
