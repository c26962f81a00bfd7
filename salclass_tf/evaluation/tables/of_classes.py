"""Accuracies as tables, beside `tables` for maps."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from salclass_tf.evaluation.tables.guesses import ACCURACY, CLASS_MEAN, Guesses
from salclass_tf.evaluation.tables.of_maps import csv_lines, defined, interval, line, title

_NAMES = (CLASS_MEAN, ACCURACY)


def markdown(rows: Sequence[Guesses]) -> str:
    """Returns a Markdown table with 95 % intervals."""
    labels = _labels(rows)
    lines = [
        line([*labels, "images", "classes", *(title(name) for name in _NAMES)]),
        "|" + "---|" * len(labels) + "--:|" * (2 + len(_NAMES)),
    ]
    for row in rows:
        estimates = row.estimates()
        cells = [row.labels.get(label, "") for label in labels]
        cells += [str(len(row.images)), str(_classes(row))]
        lines.append(line([*cells, *(interval(estimates[name]) for name in _NAMES)]))
    return "\n".join(lines)


def csv_text(rows: Sequence[Guesses]) -> str:
    """Returns the same as CSV: mean and interval of each accuracy in columns."""
    numbers = [f"{name}_{part}" for name in _NAMES for part in ("mean", "low", "high")]
    flat = []
    for summary in summaries(rows):
        accuracies = summary.pop("accuracies")
        values = {f"{n}_{part}": v for n, parts in accuracies.items() for part, v in parts.items()}
        flat.append(summary.pop("labels") | summary | values)
    return csv_lines(flat, [*_labels(rows), "images", "classes", *numbers])


def summaries(rows: Sequence[Guesses]) -> list[dict]:
    """Returns the rows as plain data; None where a number is undefined."""
    return [
        {
            "labels": row.labels,
            "images": len(row.images),
            "classes": _classes(row),
            "accuracies": {
                name: {part: defined(getattr(found, part)) for part in ("mean", "low", "high")}
                for name, found in row.estimates().items()
            },
        }
        for row in rows
    ]


def _labels(rows: Sequence[Guesses]) -> list[str]:
    """Labels of all rows, in the order in which they first come."""
    return list(dict.fromkeys(label for row in rows for label in row.labels))


def _classes(row: Guesses) -> int:
    """Number of classes that have an image."""
    return len(set(row.truth.tolist()))


def csv_of_tables(
    tables: Mapping[int, Sequence[Guesses]], lines_of: Callable[[Guesses], Iterable[dict]]
) -> str:
    """Returns the lines of every row as CSV, the table's number in front.

    Args:
        tables: number of the paper's table -> its rows.
        lines_of: the flat lines of a row; all columns that any of them has are written.
    """
    lines = [
        {"table": str(number)} | line
        for number, rows in tables.items()
        for row in rows
        for line in lines_of(row)
    ]
    return csv_lines(lines, list(dict.fromkeys(name for line in lines for name in line)))
