"""What each kind of step does, through the same functions as `train.py` and `evaluate.py`."""

import dataclasses
import functools
import os
import pathlib
import shutil
import tempfile

from salclass_tf import training
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation import compare, datasets, paper_figures, paper_tables
from salclass_tf.evaluation.accuracy import Guesses
from salclass_tf.evaluation.scores import Scores
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
from salclass_tf.training.files import write_json

# What a stage needs of the ones before it: their networks, and what tells that they are done.
_HANDED_ON = ("config.json", "model.keras", "metrics.json")


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
    missing = []
    for name in work.datasets:
        try:
            datasets.open_set(name, place.data_dir, place.manual_dir)
        except (ValueError, OSError) as error:
            missing.append(f"  {name}: {error}")
    if missing:
        lines = "\n".join(missing)
        raise ValueError(
            f"{len(missing)} of {len(work.datasets)} data sets are not there:\n{lines}\n"
            "See docs/datasets.md; a set is looked for in --data_dir, its original files in "
            "--manual_dir"
        )


@carry_out.register
def _train(work: Train, place: Place) -> None:
    """Trains a stage of a run."""
    for run, stage in work.shared:
        _hand_on(place.workdir / run / stage, place.workdir / work.run / stage)
    folder = place.workdir / work.run
    training.run(work.config, work.stage, folder, place.data_dir, place.manual_dir)


def _hand_on(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies what a finished stage has left, whole or not at all."""
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        copy = pathlib.Path(folder, target.name)
        copy.mkdir()
        for name in _HANDED_ON:
            shutil.copy2(source / name, copy / name)
        os.replace(copy, target)


@carry_out.register
def _release(work: Release, place: Place) -> None:
    """Saves released detectors as networks that can be evaluated."""
    folder = place.workdir / "released"
    folder.mkdir(parents=True, exist_ok=True)
    for name in work.detectors:
        network = build_detector(
            name,
            image_size=work.config.image_size,
            width=work.config.width,
            weights="released",
            **work.config.detector_options.get(name, {}),
        )
        unfinished = folder / f".{name}.keras"
        network.save(unfinished)
        os.replace(unfinished, folder / f"{name}.keras")


@carry_out.register
def _sweep(work: Sweep, place: Place) -> None:
    """Trains with several weights of the class error."""
    folder = place.workdir / work.run
    training.sweep_alpha(work.config, work.alphas, folder, place.data_dir, place.manual_dir)


@carry_out.register
def _tables(work: Tables, place: Place) -> None:
    """Makes tables and tests claims."""
    settings = paper_tables.Settings(
        models=_named(work.models, place),
        datasets=work.datasets,
        tables=work.tables,
        split=place.split,
        data_dir=place.data_dir,
        manual_dir=place.manual_dir,
        output=place.workdir / work.output,
    )
    paper_tables.run(settings)
    measured = paper_tables.Evaluation(settings)
    measured.fill()
    rows = [*measured.maps, *measured.classes, *measured.transferred]
    title = rows[0][1].labels["data set"]
    by_name = {method.name: row for method, row in rows if row.labels["data set"] == title}
    found = [line for claim in work.claims for line in _tested(claim, by_name)]
    write_json(place.workdir / work.output / "claims.json", {"data set": title, "claims": found})


def _tested(claim: Claim, rows: dict[str, Scores | Guesses]) -> list[dict]:
    """The differences of a claim, metric by metric, with their intervals."""
    better, worse = (
        row.scores() if isinstance(row, Guesses) else row
        for row in (rows[claim.better], rows[claim.worse])
    )
    return [
        {"better": claim.better, "worse": claim.worse}
        | dataclasses.asdict(compare(better, worse, measure))
        for measure in better.values
    ]


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
