"""Tables written down: Markdown to read, CSV and JSON for programs."""

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from salclass_tf.data.geometry import CROP, WHOLE
from salclass_tf.evaluation.maps.comparison import Comparison, compare
from salclass_tf.evaluation.maps.scores import Over, Scores
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables import (
    of_classes,
    of_confusions,
    of_families,
    of_map_use,
    of_maps,
    per_image,
    published,
)
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.runs import files

_TITLES = {
    1: "Detectors on other sets",
    4: "Saliency maps",
    5: "Classification with and without maps",
    6: "Frozen features on other sets",
}

_VIEWS = {
    WHOLE: "Maps are scored on whole images, in each image's own pixels (`--view=whole`).",
    CROP: "Maps are scored on the central crop that networks are trained on (`--view=crop`).",
}

#: data set -> paired tests on it: first model, other model, what was found
Comparisons = dict[str, list[tuple[str, str, Comparison]]]


#: what every report says of the numbers that it compares
ONE_TRAINING = (
    "Differences are first minus second, with 95 % intervals, over the same images; p is that "
    "of a permutation test over images. All of it holds for **these networks and maps**: it says "
    "how they would do on other images, and nothing about another training. A training with "
    "another seed can move a network by more than its interval."
)


class Report:
    """The tables of one evaluation, on their way into a folder.

    Args:
        folder: where `report.md`, `table<n>.csv`, `table<n>.json` and the files of single images
            and classes are written.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._sections: list[str] = []
        self._files: dict[str, str] = {}
        self._guesses: dict[int, list[Guesses]] = {}
        self._known_families: list[tuple[list, list[of_families.Row]]] = []

    @property
    def is_empty(self) -> bool:
        """Whether no table has a row."""
        return not self._files

    def add_maps(
        self, rows: Sequence[tuple[Method, Scores]], view: str, over: Over = "images"
    ) -> None:
        """Adds Table 4: the rows, paired tests, and what the paper printed.

        Args:
            rows: methods, and the scores of their maps.
            view: what the maps are scored on, one of `geometry.VIEWS`.
            over: what means are taken over; paired tests are over images.
        """
        scores = [row for _, row in rows]
        if not scores:
            return
        compared = [(method, row) for method, row in rows if method.compared]
        found = paired_tests(compared, _set_and_view(scores))
        table = f"{_VIEWS[view]}\n\n{of_maps.markdown(scores, over)}"
        self._add(4, scores, table, found)
        self._files["table4.csv"] = of_maps.csv_text(scores, over)
        self._files["scores.csv"] = per_image.scores_csv(scores)
        self._store(4, rows, of_maps.summaries(scores, over), found)

    def add_classes(self, table: int, rows: Sequence[tuple[Method, Guesses]]) -> None:
        """Adds Table 5 or 6 likewise, and what single images and classes got."""
        guesses = [row for _, row in rows]
        if not guesses:
            return
        scored = [(method, row.scores()) for method, row in rows]
        found = paired_tests(scored, lambda row: row.labels["data set"])
        self._add(table, guesses, of_classes.markdown(guesses), found)
        self._files[f"table{table}.csv"] = of_classes.csv_text(guesses)
        self._guesses[table] = guesses
        self._files["predictions.csv"] = per_image.predictions_csv(self._guesses)
        self._files["classes.csv"] = of_confusions.classes_csv(self._guesses)
        for row in guesses:
            name = of_confusions.file_name(row, table)
            self._files[_unused(f"{name}.csv", self._files)] = of_confusions.matrix_csv(row)
        self._store(table, rows, of_classes.summaries(guesses), found)

    def add_map_uses(self, rows: Sequence[tuple[Method, Guesses]]) -> None:
        """Adds what classifiers make of the map.

        Args:
            rows: networks that read a map, each followed by itself with other maps and its twin.
        """
        if rows:
            self._sections += [f"### {of_map_use.TITLE}", of_map_use.markdown(rows)]
            self._files["map_use.csv"] = of_map_use.csv_text(rows)

    def add_families(
        self, *tables: Sequence[tuple[Method, Scores | Guesses]], number: int | None = None
    ) -> None:
        """Adds networks of several seeds as one method each.

        Args:
            *tables: methods and their scores, of each table; those of no family are left out.
            number: of the table that they belong to alone; None for all others.
        """
        found = [row for rows in tables for row in self._families(rows)]
        if found:
            title, name = of_families.TITLE, "families"
            if number is not None:
                title, name = f"{title}: Table {number}", f"{name}-table{number}"
            self._sections += [f"## {title}", of_families.markdown(found)]
            self._files[f"{name}.csv"] = of_families.csv_text(found)

    def add_published(self, table: int) -> None:
        """Adds a table of the paper that nothing is measured for."""
        rows = published.rows(table)
        self._sections += [f"## Table {table}: {_TITLES[table]}", published_markdown(rows)]
        self._files[f"table{table}.csv"] = _published_csv(rows)
        self._files[f"table{table}.json"] = _json({"published": _plain(rows)})

    def add_choices(self, rows: Sequence[tuple[Method, EvaluatedSet]]) -> None:
        """Adds by which images the epochs of networks were chosen.

        Args:
            rows: methods and the sets that they are scored on.
        """
        lines = dict.fromkeys(_choice(*row) for row in rows if row[0].chosen_on)
        if lines:
            text = "\n".join(f"- {line}" for line in lines)
            self._sections += [f"Images by which the epoch of a network was chosen:\n\n{text}"]

    def add_notes(self, notes: Sequence[str]) -> None:
        """Adds what is not in the tables, and why."""
        if notes:
            lines = "\n".join(f"- {note}" for note in dict.fromkeys(notes))
            self._sections += [f"Not in the tables:\n\n{lines}"]

    def write(self) -> tuple[str, list[pathlib.Path]]:
        """Writes all files, each whole or not at all; returns the Markdown and the files."""
        text = "\n\n".join(self._sections) + "\n"
        contents = {"report.md": text} | self._files
        for name, content in contents.items():
            files.write_text(self._folder / name, content)
        return text, [self._folder / name for name in contents]

    def _families(self, rows: Sequence[tuple[Method, Scores | Guesses]]) -> list[of_families.Row]:
        """What families reach in a table, computed once."""
        asked = [*rows]
        for known, found in self._known_families:
            if asked == known:
                return found
        found = of_families.rows(asked)
        self._known_families.append((asked, found))
        return found

    def _add(
        self, table: int, rows: Sequence[Scores | Guesses], markdown: str, found: Comparisons
    ) -> None:
        """A section: the table, what its rows differ by, what the paper prints of these sets."""
        self._sections += [f"## Table {table}: {_TITLES[table]}", markdown]
        for number, (dataset, tests) in enumerate(found.items()):
            by_seed = len({first for first, *_ in tests}) > 1
            against = "the others, seed by seed" if by_seed else "the others"
            self._sections.append(f"The first row on {dataset} against {against}:")
            self._sections.append(of_maps.comparisons(tests))
            if number == len(found) - 1:
                self._sections.append(ONE_TRAINING)
        printed = _of_sets(table, rows)
        if printed:
            self._sections.append(f"Published, not measured here ({published.SOURCE}):")
            self._sections.append(published_markdown(printed))

    def _store(self, table: int, rows: Sequence, plain: list[dict], found: Comparisons) -> None:
        """The JSON file of a table."""
        for (method, _), line in zip(rows, plain, strict=True):
            line["fingerprint"] = method.fingerprint
            line["family"] = method.family
        content = {
            "rows": plain,
            "families": of_families.summaries(self._families(rows)),
            "comparisons": [
                {"data set": dataset, "first": first, "second": second}
                | dataclasses.asdict(comparison)
                for dataset, tests in found.items()
                for first, second, comparison in tests
            ],
            "published": _plain(_of_sets(table, [row for _, row in rows])),
        }
        self._files[f"table{table}.json"] = _json(content)


def published_markdown(rows: Sequence[published.Row]) -> str:
    """Returns a Markdown table of what the paper prints; every line says "published"."""
    measures = list(dict.fromkeys(name for row in rows for name in row.values))
    trained = ["trained on"] if any(row.trained_on for row in rows) else []
    heads = ["data set", "method", *trained, "source", *map(of_maps.title, measures)]
    rule = "|" + "---|" * (len(heads) - len(measures)) + "--:|" * len(measures)
    lines = [of_maps.line(heads), rule]
    for row in rows:
        cells = [row.dataset, row.method, *([row.trained_on] if trained else ())]
        cells += [f"published, Table {row.table}"]
        cells += [printed(row, name) for name in measures]
        lines.append(of_maps.line(cells))
    return "\n".join(lines)


def printed(row: published.Row, measure: str) -> str:
    """Returns a number with the digits that the paper gives; "" where it has none."""
    if measure not in row.values:
        return ""
    text = f"{row.values[measure]:.{2 if row.table == 1 else 3}f}"
    return text if float(text) == row.values[measure] else str(row.values[measure])


def _choice(method: Method, dataset: EvaluatedSet) -> str:
    """What is said of the choice of an epoch."""
    line = f"{method.name}: {method.chosen_on} of {method.trained_on}"
    if method.was_chosen_on(dataset):
        line += (
            f"; it is **scored on {dataset.split} of the same set**, which flatters it: images "
            "that chose a network, or taught it, do not test it"
        )
    elif "[" in method.chosen_on:
        line += ", held back from training"
    return line


def _set_and_view(rows: Sequence[Scores]) -> Callable[[Scores], str]:
    """What maps are compared within: a data set, and a view where it is scored in several.

    On another crop there are other pixels, other fixations and other negatives.
    """
    views: dict[str, set[str]] = {}
    for row in rows:
        views.setdefault(row.labels["data set"], set()).add(row.labels.get("view", ""))

    def within(row: Scores) -> str:
        title = row.labels["data set"]
        return title if len(views[title]) == 1 else f"{title}, {row.labels['view']}"

    return within


def paired_tests(
    rows: Sequence[tuple[Method, Scores]], within: Callable[[Scores], str]
) -> Comparisons:
    """Compares the first model of each group with all others, metric by metric.

    Networks of several seeds are compared seed by seed: what differs between seeds says nothing
    about two methods, and `of_families` has the mean over all.
    """
    groups: dict[str, list[tuple[Method, Scores]]] = {}
    for method, scores in rows:
        groups.setdefault(within(scores), []).append((method, scores))
    found: Comparisons = {}
    for title, group in groups.items():
        # What has no files is a baseline, and comes first in the table.
        ordered = sorted(group, key=lambda row: not row[0].model)
        for (first, reference), (method, scores) in _pairs(ordered):
            for name in reference.values:
                if _both_scored(reference, scores, name) > 1:
                    tests = found.setdefault(title, [])
                    tests.append((first.name, method.name, compare(reference, scores, name)))
    return found


def _pairs(
    group: Sequence[tuple[Method, Scores]],
) -> Iterator[tuple[tuple[Method, Scores], tuple[Method, Scores]]]:
    """The first row, or each of its family, with the others of its seed and those of none."""
    family = group[0][0].family
    firsts = [row for row in group if family and row[0].family == family] or group[:1]
    others = [row for row in group if all(row is not first for first in firsts)]
    for first, other in itertools.product(firsts, others):
        if other[0].seed in ("", first[0].seed) or not family:
            yield first, other


def _both_scored(first: Scores, second: Scores, measure: str) -> int:
    """Number of images that both have a score for."""
    pair = [row.per_image(measure) for row in (first, second)]
    return sum(not np.isnan([scores.get(n, np.nan) for scores in pair]).any() for n in pair[0])


def _of_sets(table: int, rows: Sequence[Scores | Guesses]) -> list[published.Row]:
    """What the paper prints of the data sets of some rows, of detectors in its Table 1 too."""
    names = {row.labels["data set"].split("/")[0] for row in rows}
    everything = [*(published.rows(1) if table == 4 else ()), *published.rows(table)]
    return [row for row in everything if published.DATASETS[row.dataset] in names]


def _unused(name: str, taken: Collection[str]) -> str:
    """A file's name that is not taken: two models may have one name."""
    stem, _, ending = name.rpartition(".")
    numbered = (f"{stem}-{number}.{ending}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in taken)


def _plain(rows: Sequence[published.Row]) -> list[dict]:
    """Published rows as plain data."""
    return [dataclasses.asdict(row) | {"source": published.SOURCE} for row in rows]


def _published_csv(rows: Sequence[published.Row]) -> str:
    """Published rows as CSV."""
    lines = [
        {"data set": row.dataset, "method": row.method, "trained on": row.trained_on}
        | {"source": f"published, Table {row.table}"}
        | row.values
        for row in rows
    ]
    return of_maps.csv_lines(lines, list(dict.fromkeys(name for line in lines for name in line)))


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
