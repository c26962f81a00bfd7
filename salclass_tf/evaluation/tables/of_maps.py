"""Scores as tables: Markdown for people, CSV and JSON for programs; a row for each model."""

import csv
import io
import math
from collections.abc import Sequence

from salclass_tf.evaluation.maps.comparison import Comparison
from salclass_tf.evaluation.maps.measures import MEASURES
from salclass_tf.evaluation.maps.scores import Estimate, Over, Scores

_COUNTED = ("images", "fixations", "fixations_outside")


def markdown(rows: Sequence[Scores], over: Over = "images") -> str:
    """Returns a Markdown table with 95 % intervals.

    Args:
        rows: scores, a row each; all their labels and metrics become columns.
        over: what the means are taken over; metrics that are no mean over fixations are always
            averaged over images.
    """
    labels, measures = _columns(rows)
    heads = [*labels, "images", "fixations", *(_title(name, over) for name in measures)]
    lines = [
        line([*heads, "without score"]),
        "|" + "---|" * len(labels) + "--:|" * (len(heads) - len(labels)) + "---|",
    ]
    for row in rows:
        cells = [row.labels.get(label, "") for label in labels]
        cells += [str(len(set(row.images) | set(row.skipped))), str(int(row.fixations.sum()))]
        cells += [_cell(row, name, over) for name in measures]
        lines.append(line([*cells, _without_score(row)]))
    return "\n".join(lines)


def csv_text(rows: Sequence[Scores], over: Over = "images") -> str:
    """Returns the same as CSV: mean, interval and number of images of each metric in columns."""
    labels, measures = _columns(rows)
    numbers = [f"{name}_{part}" for name in measures for part in ("mean", "low", "high", "images")]
    names = [*labels, *_COUNTED, *numbers, "without_score"]
    return csv_lines([_flat(summary) for summary in summaries(rows, over)], names)


def csv_lines(lines: Sequence[dict], names: Sequence[str]) -> str:
    """Returns flat lines as CSV with these columns."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def summaries(rows: Sequence[Scores], over: Over = "images") -> list[dict]:
    """Returns the rows as plain data; None where a number is undefined."""
    return [
        {
            "labels": row.labels,
            "images": len(set(row.images) | set(row.skipped)),
            "fixations": int(row.fixations.sum()),
            "fixations_outside": row.outside,
            "metrics": {name: _numbers(row, name, over) for name in row.values},
        }
        for row in rows
    ]


def comparisons(rows: Sequence[tuple[str, str, Comparison]]) -> str:
    """Returns a Markdown table of paired tests.

    Args:
        rows: (name of the first model, name of the second, comparison).
    """
    lines = [
        "| first | second | metric | first - second | p | images | left out |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for first, second, found in rows:
        estimate = Estimate(found.difference, found.low, found.high, found.images)
        lines.append(
            line(
                [
                    first,
                    second,
                    title(found.measure),
                    interval(estimate),
                    f"{found.p_value:.4f}",
                    str(found.images),
                    str(found.left_out),
                ]
            )
        )
    return "\n".join(lines)


def _columns(rows: Sequence[Scores]) -> tuple[list[str], list[str]]:
    """Labels and metrics of all rows, in the order in which they first come."""
    labels = dict.fromkeys(label for row in rows for label in row.labels)
    measures = dict.fromkeys(name for row in rows for name in row.values)
    return list(labels), list(measures)


def _over(name: str, over: Over) -> Over:
    """What a metric is averaged over."""
    return over if MEASURES[name].per_fixation else "images"


def _title(name: str, over: Over) -> str:
    """Heading of a metric; tells where means are not over images."""
    suffix = ", over fixations" if _over(name, over) == "fixations" else ""
    return MEASURES[name].title + suffix


def _cell(row: Scores, name: str, over: Over) -> str:
    """Mean and interval of a metric, or why there is none."""
    if name not in row.values:
        return ""
    estimate = row.estimate(name, _over(name, over))
    if estimate.images == 0:
        return "; ".join(row.missing(name))
    return interval(estimate)


def title(name: str) -> str:
    """Returns the heading of a metric of maps, or of accuracies."""
    return MEASURES[name].title if name in MEASURES else name.replace("_", " ")


def interval(estimate: Estimate) -> str:
    """Returns a mean with its interval: 0.862 [0.850, 0.874]."""
    if math.isnan(estimate.low):
        return f"{estimate.mean:.3f}"
    return f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _without_score(row: Scores) -> str:
    """What is not scored: fixations, and how many images of which metrics; and why."""
    lacking: dict[str, list[str]] = {}
    for name in row.values:
        for reason, images in row.missing(name).items():
            lacking.setdefault(f"{len(images)} {reason}", []).append(MEASURES[name].title)
    outside = [f"{row.outside} fixations outside the crop"] if row.outside else []
    return "; ".join(
        [
            *outside,
            *(
                reason if len(titles) == len(row.values) else f"{reason} ({', '.join(titles)})"
                for reason, titles in lacking.items()
            ),
        ]
    )


def _numbers(row: Scores, name: str, over: Over) -> dict:
    """One metric as plain data."""
    estimate = row.estimate(name, _over(name, over))
    return {
        "over": _over(name, over),
        "mean": defined(estimate.mean),
        "low": defined(estimate.low),
        "high": defined(estimate.high),
        "images": estimate.images,
        "without_score": row.missing(name),
    }


def defined(value: float) -> float | None:
    """Returns a number as JSON knows it: None in place of NaN."""
    return None if math.isnan(value) else value


def _flat(summary: dict) -> dict:
    """One line of the CSV file."""
    flat = summary["labels"] | {key: summary[key] for key in _COUNTED}
    counts: dict[str, int] = {}
    for name, numbers in summary["metrics"].items():
        for part in ("mean", "low", "high", "images"):
            flat[f"{name}_{part}"] = numbers[part]
        for reason, images in numbers["without_score"].items():
            counts[f"{name}: {reason}"] = len(images)
    flat["without_score"] = "; ".join(f"{count} {reason}" for reason, count in counts.items())
    return flat


def line(cells: Sequence[str]) -> str:
    """Returns a line of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
