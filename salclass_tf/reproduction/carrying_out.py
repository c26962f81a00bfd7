"""What each kind of step does, through the same functions as `train.py` and `evaluate.py`."""

import dataclasses
import filecmp
import functools
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable

from salclass_tf import training
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation import compare, paper_figures
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import crops_of_sets
from salclass_tf.evaluation.tables import frozen_features, paper
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.reproduction.steps import (
    Claim,
    Draw,
    Place,
    Prepare,
    Release,
    Sweep,
    Tables,
    Train,
    Work,
)
from salclass_tf.runs.files import put_folder, whole, write_json
from salclass_tf.runs.finished_stage import KEPT, METRICS, SETTINGS

# What a stage needs of the ones before it: their networks, and what tells that they are done.
_HANDED_ON = (SETTINGS, KEPT, METRICS)


@functools.singledispatch
def carry_out(work: Work, place: Place) -> None:
    """Does what a step says; all that it leaves lies in the work folder.

    Args:
        work: of the step.
        place: where everything lies.

    Raises:
        ValueError: for anything the user can mend.
        OSError: if something cannot be read or written.
    """
    raise TypeError(f"no step does {type(work).__name__}")


@carry_out.register
def _prepare(work: Prepare, place: Place) -> None:
    """Opens all sets; those that cannot be opened are named together."""
    frozen_features.check_installed()  # Table 6 needs it, hours from now

    def open_set(name: str) -> None:
        crops_of_sets.open_evaluated(name, place.data_dir, place.manual_dir)

    _do_all(
        open_set,
        work.datasets,
        "data sets",
        "A set is looked for in --data_dir, the original files of all of them in --manual_dir; see "
        "docs/datasets.md",
    )


def _do_all(do: Callable[[str], None], names: Iterable[str], what: str, advice: str = "") -> None:
    """Does something for every name, whatever becomes of the others.

    Raises:
        ValueError: naming all for which it failed, and why.
    """
    names, failures = tuple(names), []
    for name in names:
        try:
            do(name)
        except (ValueError, OSError) as error:
            failures.append(f"  {name}: " + str(error).replace("\n", "\n    "))
    if failures:
        head = f"{len(failures)} of {len(names)} {what} are not there:"
        raise ValueError("\n".join([head, *failures, *([advice] if advice else [])]))


@carry_out.register
def _train(work: Train, place: Place) -> None:
    """Trains a stage of a run."""
    for run, stage in work.shared:
        _hand_on(place.workdir / run / stage, place.workdir / work.run / stage)
    folder = place.workdir / work.run
    training.run(work.config, work.stage, folder, place.data_dir, place.manual_dir)


def _hand_on(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies what a finished stage has left, whole or not at all.

    Raises:
        ValueError: if there is a copy of something else, from which more has been trained.
    """
    if target.is_dir():
        if not filecmp.cmp(source / KEPT, target / KEPT, shallow=False):
            raise ValueError(
                f"{source} has been trained again since it was copied to {target}; remove "
                f"{target} and what was trained from it, {target.parent / 'joint'}, so that both "
                "are computed again"
            )
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        copy = pathlib.Path(folder, target.name)
        copy.mkdir()
        for name in _HANDED_ON:
            shutil.copy2(source / name, copy / name)
        put_folder(copy, target)


@carry_out.register
def _release(work: Release, place: Place) -> None:
    """Saves released detectors as networks that can be evaluated."""
    folder = place.workdir / "released"

    def save(name: str) -> None:
        network = build_detector(
            name,
            image_size=work.config.image_size,
            width=work.config.width,
            weights="released",
            **work.config.detector_options.get(name, {}),
        )
        with whole(folder / f"{name}.keras") as temporary:
            network.save(temporary)

    _do_all(save, work.detectors, "released detectors")


@carry_out.register
def _sweep(work: Sweep, place: Place) -> None:
    """Trains with several weights of the class error."""
    folder = place.workdir / work.run
    training.sweep_alpha(work.config, work.alphas, folder, place.data_dir, place.manual_dir)


@carry_out.register
def _tables(work: Tables, place: Place) -> None:
    """Makes tables and tests claims."""
    settings = paper.Settings(
        models=_named(work.models, place),
        datasets=work.datasets,
        tables=work.tables,
        split=place.split,
        data_dir=place.data_dir,
        manual_dir=place.manual_dir,
        output=place.workdir / work.output,
    )
    paper.run(settings)
    measured = paper.Evaluation(settings)
    measured.fill()
    rows = [*measured.maps, *measured.classes, *measured.transferred]
    title = rows[0][1].labels["data set"] if rows else work.datasets[0]
    by_name = {method.name: row for method, row in rows if row.labels["data set"] == title}
    wanted = dict.fromkeys(name for claim in work.claims for name in (claim.better, claim.worse))
    missing = [name for name in wanted if name not in by_name]
    if missing:
        reasons = "\n".join(f"  {note}" for note in measured.notes)
        raise ValueError(f"the tables on {title} lack {', '.join(missing)}:\n{reasons}")
    found = [line for claim in work.claims for line in _tested(claim, by_name)]
    write_json(place.workdir / work.output / "claims.json", {"data set": title, "claims": found})


def _tested(claim: Claim, rows: dict[str, Scores | Guesses]) -> list[dict]:
    """The differences of a claim, metric by metric, with their intervals, or why there is none."""
    better, worse = (
        row.scores() if isinstance(row, Guesses) else row
        for row in (rows[claim.better], rows[claim.worse])
    )
    names = {"better": claim.better, "worse": claim.worse}
    return [names | _difference(better, worse, measure) for measure in better.values]


def _difference(better: Scores, worse: Scores, measure: str) -> dict:
    """One difference as plain data."""
    try:
        return dataclasses.asdict(compare(better, worse, measure))
    except ValueError as error:  # a set of maps without points has no NSS, which is no failure
        return {"measure": measure, "reason": str(error)}


@carry_out.register
def _draw(work: Draw, place: Place) -> None:
    """Draws a figure and notes its files."""
    paths = paper_figures.run(
        paper_figures.Settings(
            figures=(work.figure,),
            models=_named(work.models, place),
            datasets=work.datasets,
            images=work.images,
            split=place.split,
            data_dir=place.data_dir,
            manual_dir=place.manual_dir,
            output=place.workdir / "pictures",
        )
    )
    names = [path.name for path in paths if path.suffix == ".png"]
    write_json(place.workdir / "pictures" / f"fig{work.figure}.json", {"files": names})


def _named(models: tuple[tuple[str, str], ...], place: Place) -> tuple[str, ...]:
    """Models as `evaluate.py` takes them."""
    return tuple(f"{name}={place.workdir / path}" for name, path in models)
