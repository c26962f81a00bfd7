"""The paper's tables for any methods on any data sets: what `evaluate.py` runs."""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Iterator
from typing import TypeVar

import tensorflow as tf

from salclass_tf.data import sets
from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.maps import measures
from salclass_tf.evaluation.maps.evaluate import TABLE_4
from salclass_tf.evaluation.maps.scores import Over, Scores
from salclass_tf.evaluation.methods import baseline_choice, lineup
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import LOGITS, SALIENCY, Method
from salclass_tf.evaluation.tables import frozen_features, published, scikit_learn
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.evaluation.tables.parts import Parts
from salclass_tf.evaluation.tables.report import Report
from salclass_tf.evaluation.tables.scoring import score_method

_log = logging.getLogger(__name__)

# What one method may fail with on one set, while the rest goes on.
_FAILURES = (ValueError, OSError, tf.errors.OpError)

_Row = TypeVar("_Row", Scores, Guesses)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to evaluate.

    Attributes:
        models: see `find.find`.
        datasets: TFDS names; empty for those that the models were trained on.
        tables: numbers of the paper's tables, of `published.TABLES`.
        measures: metrics of Table 4, keys of `MEASURES`.
        over: what means of Table 4 are taken over, "images" or "fixations"; metrics that are no
            mean over fixations are always averaged over images.
        split: TFDS split or slice; None for the test part of each set.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        output: folder of the tables and of finished parts.
        map_kind: what the numbers in folders of maps are, one of `map_kinds.KINDS`.
        gradcam: whether Grad-CAM maps of Keras classifiers are rows of Table 4.
        baselines: rows of Table 4 that need no model, see `baseline_choice.of`.
        map_uses: whether networks that read a map are asked with other maps too.
        view: what of the images maps are scored on, see `lineup.open_all`; classes are always told
            of the crop that networks were trained on.

    Raises:
        ValueError: for an unknown table, metric or baseline.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    tables: tuple[int, ...] = (4, 5)
    measures: tuple[str, ...] = TABLE_4
    over: Over = "images"
    split: str | None = None
    data_dir: str | None = None
    manual_dir: str | None = None
    output: pathlib.Path = pathlib.Path("runs/evaluation")
    map_kind: str = "auto"
    gradcam: bool = False
    baselines: tuple[str, ...] = baseline_choice.USUAL
    map_uses: bool = True
    view: str | None = None

    def __post_init__(self) -> None:
        """Validates the values."""
        unknown = sorted(set(self.tables) - set(published.TABLES))
        if unknown or not self.tables:
            raise ValueError(
                f"tables are some of {', '.join(map(str, published.TABLES))}; "
                f"got {unknown[0] if unknown else 'none'}"
            )
        measures.check(self.measures, 1.0)
        baseline_choice.check(self.baselines)


def run(settings: Settings) -> str:
    """Makes the tables, prints them, writes them into the output folder.

    What is finished there is not done again while neither model nor data set changes. What cannot
    be scored does not stop the rest.

    Args:
        settings: see `Settings`.

    Returns:
        The report, Markdown.

    Raises:
        ValueError: for anything the user can fix, such as models and sets that no table is for;
            once all the rest is written, if something could not be scored.
    """
    report = Report(settings.output)
    failures, notes = [], []
    if set(settings.tables) - {1}:
        evaluation = evaluate(settings)
        if 4 in settings.tables:
            report.add_maps(evaluation.maps, evaluation.view, settings.over)
        for table, rows in ((5, evaluation.classes), (6, evaluation.transferred)):
            if table in settings.tables:
                report.add_classes(table, rows)
        report.add_map_uses(evaluation.map_uses)
        with_other_maps = [row for row in evaluation.map_uses if row[0].reads]
        report.add_families(evaluation.maps, evaluation.classes + with_other_maps)
        report.add_families(evaluation.transferred, number=6)
        report.add_choices(evaluation.scored)
        failures, notes = evaluation.failures, evaluation.notes
        report.add_notes([*notes, *failures])
    if 1 in settings.tables:
        report.add_published(1)
    if report.is_empty and not failures:
        numbers = " or ".join(map(str, settings.tables))
        reasons = "".join(f"\n  {note}" for note in dict.fromkeys(notes))
        raise ValueError(f"nothing given here belongs into Table {numbers}{reasons}")
    text, paths = report.write()
    print(text)
    print("\n".join(f"written: {path}" for path in paths))
    if failures:
        lines = "\n".join(f"  {failure}" for failure in failures)
        raise ValueError(
            f"the tables lack {len(failures)} parts:\n{lines}\nWhat is scored is kept; fix this "
            "and give the same command again"
        )
    return text


def evaluate(settings: Settings) -> "Evaluation":
    """Scores everything; parts that are kept from before are not computed again.

    Raises:
        ValueError: for anything the user can fix before something is computed.
    """
    evaluation = Evaluation(settings)
    if 6 in settings.tables:
        scikit_learn.check_installed()
    evaluation.fill()
    return evaluation


class Evaluation:
    """Methods, data sets, and what is found of each pair.

    Attributes:
        maps: rows of Table 4 with their methods.
        classes: rows of Table 5.
        transferred: rows of Table 6.
        map_uses: networks with other maps than their own, after the network itself.
        scored: methods that have a row in Table 4 or 5, with the set.
        notes: what is not in the tables, and why.
        failures: what should have been in them.
    """

    def __init__(self, settings: Settings):
        """Finds and opens everything before anything is computed."""
        self._settings = settings
        self._lineup = lineup.open_all(
            settings.models,
            settings.datasets,
            settings.split,
            settings.data_dir,
            settings.manual_dir,
            settings.map_kind,
            settings.gradcam,
            settings.view,
        )
        self._parts = Parts(settings.output / "parts")
        self.maps: list[tuple[Method, Scores]] = []
        self.classes: list[tuple[Method, Guesses]] = []
        self.transferred: list[tuple[Method, Guesses]] = []
        self.map_uses: list[tuple[Method, Guesses]] = []
        self.scored: list[tuple[Method, EvaluatedSet]] = []
        self.notes: list[str] = []
        self.failures: list[str] = []

    @property
    def view(self) -> str:
        """What of the images maps are scored on, one of `geometry.VIEWS`."""
        return self._lineup.view

    def fill(self) -> None:
        """Fills the tables, set by set; what fails is noted and the rest goes on."""
        for opened in self._lineup.sets:
            for method, dataset, kinds in self._jobs(opened):
                variant = frozenset({LOGITS} if method.reads else ())
                try:
                    self._measure(method, dataset, kinds)
                    if 6 in self._settings.tables and LOGITS in kinds & method.gives - variant:
                        self._transfer(method, dataset)
                except _FAILURES as error:
                    _log.warning("%s on %s: %s", method.name, dataset.title, error)
                    self.failures.append(f"{method.name} on {dataset.title}: {error}")

    def _jobs(
        self, opened: tuple[sets.GazeSet, str]
    ) -> Iterator[tuple[Method, EvaluatedSet, frozenset[str]]]:
        """Methods, a view of one set, what is scored in it; baselines first."""
        if 4 in self._settings.tables:
            names = self._settings.baselines
            views = (self._lineup.scored(opened, one) for one in self._lineup.geometries)
            for dataset in dict.fromkeys(views):
                self.notes += baseline_choice.left_out(dataset, names)
                for baseline in baseline_choice.of(dataset, names):
                    yield baseline, dataset, frozenset({SALIENCY})
        for method in self._lineup.methods:
            crops = self._lineup.crops(opened, method.geometry)
            scored = self._lineup.scored(opened, method.geometry)
            if scored is crops:
                yield method, crops, frozenset({SALIENCY, LOGITS})
            else:
                yield method, scored, frozenset({SALIENCY})
                yield method, crops, frozenset({LOGITS})
            asked = self._settings.map_uses and crops.has_maps
            if asked and any(row is method for row, _ in self.classes[-1:]):
                for variant in method.variants:
                    yield variant, crops, frozenset({LOGITS})

    def _measure(self, method: Method, dataset: EvaluatedSet, kinds: frozenset[str]) -> None:
        """Rows of Tables 4 and 5: those kept from before, and the missing ones in one pass."""
        wanted = self._wanted(method, dataset, kinds)
        facts = {kind: self._facts(kind, method, dataset) for kind in wanted}
        kept = {SALIENCY: Scores, LOGITS: Guesses}
        found = {kind: self._parts.find(kept[kind], facts[kind]) for kind in wanted}
        missing = frozenset(kind for kind in wanted if found[kind] is None)
        failed = None
        try:
            found |= self._measured(method, dataset, missing)
        except _FAILURES as error:
            failed = error
            # What is wrong with the maps is no reason to lack the classes, or the other way round.
            for kind in sorted(missing) if len(missing) > 1 else ():
                with contextlib.suppress(*_FAILURES):
                    found |= self._measured(method, dataset, frozenset([kind]))
        for kind in missing:
            if found[kind] is not None:
                self._parts.keep(found[kind], facts[kind])
        classes = self.map_uses if method.reads else self.classes
        for kind, rows in ((SALIENCY, self.maps), (LOGITS, classes)):
            if found.get(kind) is not None:
                labels = method.labels(dataset) | (method.seen if kind == LOGITS else {})
                rows.append((method, _relabelled(found[kind], labels)))
                if self._settings.map_uses and method.variants and kind == LOGITS:
                    self.map_uses.append(rows[-1])
                self.scored.append((method, dataset))
        if failed is not None:
            raise failed

    def _measured(
        self, method: Method, dataset: EvaluatedSet, kinds: frozenset[str]
    ) -> dict[str, Scores | Guesses]:
        """What one pass finds of some kinds of answers."""
        if not kinds:
            return {}
        measured = score_method(
            method,
            dataset,
            kinds,
            self._settings.measures,
            prior_sigma_px=self._prior_sigma_px(dataset),
        )
        both = {SALIENCY: measured.maps, LOGITS: measured.classes}
        return {kind: both[kind] for kind in kinds}

    def _wanted(self, method: Method, dataset: EvaluatedSet, kinds: frozenset[str]) -> set[str]:
        """Which answers of a method can be scored on a set; why not, for the others."""
        tables, wanted, left_out = self._settings.tables, set(), ""
        if 4 in tables and SALIENCY in kinds & method.gives:
            left_out = "" if dataset.has_maps else "no fixation points"
            wanted |= set() if left_out else {SALIENCY}
        if 5 in tables and LOGITS in kinds & method.gives:
            known, wrong = method.knows_classes_of(dataset), method.wrong_classes(dataset)
            wanted |= {LOGITS} if known else set()
            if wrong:
                self.failures.append(f"{method.name} on {dataset.title}: {wrong}")
            elif not known:
                left_out = left_out or "it has learned other classes"
        if LOGITS in wanted and method.needs_truth and not dataset.has_maps:
            wanted, left_out = set(), "it needs true maps"
        if left_out:
            self.notes.append(f"{method.name} on {dataset.title}: {left_out}")
        return wanted

    def _transfer(self, method: Method, dataset: EvaluatedSet) -> None:
        """Row of Table 6."""
        train = dataset.training
        obstacles = {
            "an export gives no features": method.network is None,
            "the set has no classes": not dataset.class_names,
            "there are no other images to train on": train is None,
            "it needs true maps": method.needs_truth and not dataset.has_maps,
        }
        why = next((reason for reason, holds in obstacles.items() if holds), None)
        if why is not None:
            self.notes.append(f"{method.name} on {dataset.title}, Table 6: {why}")
            return
        facts = self._facts(LOGITS, method, dataset) | {
            "learned from": train.facts(),
            "inverse regularisation": frozen_features.INVERSE_REGULARISATION,
        }
        guesses = self._parts.find(Guesses, facts)
        if guesses is None:
            guesses = frozen_features.classify(method, train, dataset)
            self._parts.keep(guesses, facts)
        labels = method.labels(dataset) | {"trained on": method.trained_on or ""} | method.seen
        self.transferred.append((method, _relabelled(guesses, labels)))

    def _facts(self, kind: str, method: Method, dataset: EvaluatedSet) -> dict:
        """What decides the numbers of a part."""
        metrics = list(self._settings.measures) if kind == SALIENCY else []
        of_method = {"method": method.fingerprint, "metrics": metrics}
        if dataset.view == WHOLE and method.geometry:
            of_method["shown in"] = dataclasses.astuple(method.geometry)
        return dataset.facts() | of_method

    def _prior_sigma_px(self, dataset: EvaluatedSet) -> float | None:
        """Blur of the prior of information gain, where that is asked for."""
        if not any(name.startswith("information_gain") for name in self._settings.measures):
            return None
        # Without points nothing is blurred, but no number would be refused.
        return dataset.sigma_in_view_px or 1.0


def _relabelled(row: _Row, labels: dict[str, str]) -> _Row:
    """A row from before may have had another name; what scoring has added stays."""
    return dataclasses.replace(row, labels=row.labels | labels)
