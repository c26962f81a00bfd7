"""The paper's comparisons, there and here: a line of the report for each."""

import pathlib
from collections.abc import Iterator

from salclass_tf.evaluation.tables import of_families, of_maps, paper
from salclass_tf.evaluation.tables.beside_published import published_value
from salclass_tf.evaluation.tables.guesses import CLASS_MEAN
from salclass_tf.reproduction.plan import Place, Step

HEADS = ("table", "first", "second", "metric", "published", "here")


def lines(step: Step, place: Place) -> Iterator[list[str]]:
    """Yields the cells of each comparison and metric, see `HEADS`.

    Args:
        step: a table; its parts have been evaluated, so that nothing is computed again.
        place: where everything lies.

    Raises:
        ValueError: if a method that a claim is about is not in the table.
    """
    rows = _rows(step, place)
    for first, second in step.claims:
        pair = (rows[first], rows[second])
        for measure in (name for name in pair[0].measures if name != CLASS_MEAN):
            theirs = [published_value(step.table, name, measure) for name in (first, second)]
            published = "" if None in theirs else f"{theirs[0] - theirs[1]:+.3f}"
            names = [str(step.table), first, second, of_maps.title(measure), published]
            yield [*names, _found(*pair, measure)]


def _rows(step: Step, place: Place) -> dict[str, of_families.Family]:
    """The rows of a table's first data set, by the names of methods."""
    evaluation = paper.evaluate(
        paper.Settings(
            models=tuple(f"{name}={place.workdir / path}" for name, path in step.models.items()),
            datasets=step.datasets,
            tables=(step.table,),
            split=place.split,
            data_dir=place.data_dir,
            manual_dir=place.manual_dir,
            output=pathlib.Path(place.workdir, f"table{step.table}"),
        )
    )
    rows = [*evaluation.maps, *evaluation.classes, *evaluation.transferred]
    title = rows[0][1].labels["data set"] if rows else step.datasets[0]
    families = of_families.by_family(rows).items()
    found = {key.name: family for key, family in families if key.dataset == title}
    missing = [name for claim in step.claims for name in claim if name not in found]
    if missing:
        reasons = "\n".join(f"  {note}" for note in evaluation.notes)
        raise ValueError(
            f"the tables on {title} lack {', '.join(dict.fromkeys(missing))}:\n{reasons}"
        )
    return found


def _found(first: of_families.Family, second: of_families.Family, measure: str) -> str:
    """The last cell of a line: the difference of two methods, with its interval."""
    found = of_families.difference(first, second, measure)
    if found is None:  # a set of maps without points has no NSS, which is no failure
        return f"not compared: fewer than two images have a score of {of_maps.title(measure)}"
    return of_maps.interval(found)
