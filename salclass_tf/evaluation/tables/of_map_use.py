"""What classifiers make of the map: the same network with other maps, and its twin without."""

from collections.abc import Iterator, Sequence

from salclass_tf.evaluation.maps.comparison import Comparison, compare
from salclass_tf.evaluation.maps.scores import Estimate
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables.guesses import ACCURACY, Guesses
from salclass_tf.evaluation.tables.of_maps import csv_lines, defined, interval, line
from salclass_tf.training import map_use

TITLE = "What the classifier makes of the map"

_EXPLAINED = (
    "The same network, given the map that it is made for (own), people's map (true), the own map "
    "of another picture, and a map of zeros; and its twin of three channels, which has seen as "
    "many images at the same rates. A classifier that uses **where** people look loses with "
    "another picture's map."
)

Row = tuple[Method, Guesses]


def markdown(rows: Sequence[Row]) -> str:
    """Returns a Markdown table with 95 % intervals over images.

    Args:
        rows: networks that read a map, each followed by its variants, see `Method.variants`.
    """
    lines = [
        line(["data set", "network", "with", "images", "accuracy", "own map - this"]),
        "|---|---|---|--:|--:|--:|",
    ]
    for own, row, found in _differences(rows):
        method, guesses = row
        cells = [guesses.labels["data set"], own.name, _with(method), str(len(guesses.images))]
        cells.append(interval(guesses.estimates()[ACCURACY]))
        lines.append(line([*cells, interval(_estimate(found)) if found else ""]))
    return "\n".join(lines) + f"\n\n{_EXPLAINED}"


def csv_text(rows: Sequence[Row]) -> str:
    """Returns the same as CSV."""
    flat = []
    for own, (method, guesses), found in _differences(rows):
        accuracy = guesses.estimates()[ACCURACY]
        numbers = {"accuracy": accuracy, "difference": _estimate(found) if found else None}
        flat.append(
            {"data set": guesses.labels["data set"], "network": own.name, "with": _with(method)}
            | {"images": len(guesses.images)}
            | {
                f"{name}_{part}": defined(getattr(value, part)) if value else None
                for name, value in numbers.items()
                for part in ("mean", "low", "high")
            }
        )
    return csv_lines(flat, list(flat[0]))


def _with(method: Method) -> str:
    """Which map a row is about."""
    return method.reads or map_use.OWN


def _differences(rows: Sequence[Row]) -> Iterator[tuple[Method, Row, Comparison | None]]:
    """Each row with the network that it belongs to, and what it differs by from its own map."""
    own = rows[0]
    for row in rows:
        if not row[0].reads:
            own = row
            yield row[0], row, None
        elif len(row[1].images) < 2:
            yield own[0], row, None
        else:
            yield own[0], row, compare(own[1].scores(), row[1].scores(), ACCURACY)


def _estimate(found: Comparison) -> Estimate:
    """A difference with its interval."""
    return Estimate(found.difference, found.low, found.high, found.images)
