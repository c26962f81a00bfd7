"""Every detector of Table 1 by one training and one evaluation, side by side in a table.

python -m benchmarks.detectors --dataset=osie --workdir=runs/detectors

Each detector learns by stage `saliency_pretrain` of the demo preset, with the preset's recipe for
that set where there is one, in a process of its own, so that its peak memory is its own. All are
scored on the test part, beside the centre bias and people. What is finished in the work folder is
not done again; a detector that fails is reported, and the rest goes on.
"""

import argparse
import dataclasses
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from salclass_tf import config
from salclass_tf.config import recipes
from salclass_tf.reproduction import Place, Plan, running
from salclass_tf.reproduction.plan import Step

_STAGE = "saliency_pretrain"
_MEASURES = ("cc", "nss", "shuffled_auc", "auc_judd")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="osie", help="TFDS name of a set with gaze")
    parser.add_argument("--data_dir", help="prepared data sets; default: ~/tensorflow_datasets")
    parser.add_argument("--manual_dir", help="original files of a set, if not downloaded")
    parser.add_argument("--workdir", default="runs/detectors", help="a folder for each detector")
    parser.add_argument("--detectors", default="all", help="names with commas between them")
    parser.add_argument("--saliency_loss", default="mse", help='a loss, or "published": their own')
    parser.add_argument("--weights", help='start of all that are named: "imagenet" or a file')
    parser.add_argument("--width", type=float, help="scales every channel count")
    parser.add_argument("--image_size", type=int, help="side of the crops, in pixels")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--steps", type=int, help="maximum number of steps of each: a try-out")
    parser.add_argument("--precision", choices=config.PRECISIONS)
    parser.add_argument("--seed", type=int)
    return parser.parse_args(argv)


def _config(given: argparse.Namespace, detector: str) -> config.Config:
    """The run that trains one detector."""
    preset = config.build_config("demo", given.dataset, _STAGE)
    preset = dataclasses.replace(preset, stages={_STAGE: preset.stages[_STAGE]})
    loss = given.saliency_loss
    if loss == "published":
        known = detector in recipes.list_published()
        loss = recipes.published(detector).saliency_loss if known else "mse"
    run = {name: getattr(given, name) for name in ("width", "image_size", "precision", "seed")}
    return preset.override(
        _STAGE,
        run | {"detector": detector, "detector_weights": given.weights, "max_steps": given.steps},
        {name: getattr(given, name) for name in ("epochs", "batch_size", "learning_rate")},
        saliency_loss=loss,
    )


def _command(given: argparse.Namespace, name: str, chosen: config.Config) -> tuple[str, ...]:
    """What trains one detector, as a user would give it."""
    flags = {
        "stage": _STAGE,
        "dataset": given.dataset,
        "detector": name,
        "detector_weights": given.weights,
        "saliency_loss": chosen.stages[_STAGE].saliency_loss,
        "workdir": f"{{workdir}}/{name}",
    }
    numbers = ("width", "image_size", "epochs", "batch_size", "learning_rate", "precision", "seed")
    flags |= {number: getattr(given, number) for number in numbers}
    return ("train", *(f"--{flag}={value}" for flag, value in flags.items() if value is not None))


def _train(
    given: argparse.Namespace, configs: dict[str, config.Config], place: Place
) -> dict[str, str]:
    """Trains what is not trained yet, each in its own process; returns why some could not be."""
    failures = {}
    for name, chosen in configs.items():
        made = f"{name}/{_STAGE}/metrics.json"
        step = Step(name, _command(given, name, chosen), (made,))
        try:
            running.run(Plan("demo", (0,), (step,), stands_for=""), place)
        except (ValueError, OSError) as error:
            failures[name] = str(error)
            print(f"error: {error}", file=sys.stderr, flush=True)
    return failures


def _score(names: list[str], dataset: str, place: Place) -> tuple[list[dict], dict[str, str]]:
    """Rows of scores, baselines first, and what could not be scored."""
    from salclass_tf.evaluation.tables import of_maps, paper  # imports TensorFlow

    settings = paper.Settings(
        models=tuple(f"{name}={place.workdir / name / _STAGE}" for name in names),
        datasets=(dataset,),
        tables=(4,),
        measures=_MEASURES,
        data_dir=place.data_dir,
        manual_dir=place.manual_dir,
        output=place.workdir / "evaluation",
    )
    evaluation = paper.evaluate(settings)
    rows = []
    for method, scores in evaluation.maps:
        facts = {"method": method.name, "data set": scores.labels["data set"]}
        facts |= {"view": scores.labels["view"], "images": len(scores.images)}
        means = {name: of_maps.defined(scores.estimate(name).mean) for name in _MEASURES}
        rows.append(facts | means)
    return rows, {text.partition(" on ")[0]: text for text in evaluation.failures}


def _cost(folder: pathlib.Path, chosen: config.Config) -> dict:
    """What a finished detector is and has cost."""
    from salclass_tf.runs.finished_stage import FinishedStage
    from salclass_tf.training import history

    facts = FinishedStage(folder).metrics
    last = history.read(folder / "history.csv")[-1]
    return {
        "loss": chosen.stages[_STAGE].saliency_loss,
        "parameters": facts["parameters"],
        "epochs": facts["epochs"],
        "images_per_second": last["images_per_second"],
        "peak_memory_gib": facts["peak_memory_gib"],
        "minutes": facts["training_seconds"] / 60,
    }


_COLUMNS = {
    "method": ("detector", "{}"),
    "loss": ("loss", "{}"),
    "parameters": ("parameters", "{:,}"),
    "cc": ("CC", "{:.3f}"),
    "nss": ("NSS", "{:.3f}"),
    "shuffled_auc": ("s-AUC", "{:.3f}"),
    "auc_judd": ("AUC-Judd", "{:.3f}"),
    "images_per_second": ("images/s", "{:.1f}"),
    "peak_memory_gib": ("memory (GiB)", "{:.2f}"),
    "epochs": ("epochs", "{}"),
    "minutes": ("minutes", "{:.1f}"),
}


def _markdown(rows: list[dict], failures: dict[str, str], facts: str) -> str:
    """The table, what is missing in it, and the numbers that the paper prints."""
    from salclass_tf.evaluation.tables import of_maps, published, report

    lines = [of_maps.line([title for title, _ in _COLUMNS.values()])]
    lines.append("|---|---|" + "--:|" * (len(_COLUMNS) - 2))
    for row in rows:
        found = [(form, row.get(key)) for key, (_, form) in _COLUMNS.items()]
        lines.append(of_maps.line(["" if x is None else form.format(x) for form, x in found]))
    missing = [f"- {name} is missing: {' '.join(why.split())}" for name, why in failures.items()]
    printed = f"Published, not measured here ({published.SOURCE}, Table 1, who gathered them):"
    parts = [facts, "\n".join(lines), "\n".join(missing), printed]
    parts.append(report.published_markdown(published.rows(1)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _write(folder: pathlib.Path, rows: list[dict], failures: dict[str, str], facts: str) -> None:
    """Prints and writes `detectors.md`, `.csv` and `.json`, each whole or not at all."""
    from salclass_tf.evaluation.tables import of_maps, published
    from salclass_tf.runs.files import write_json, write_text

    text = _markdown(rows, failures, facts)
    names = list(dict.fromkeys(name for row in rows for name in row))
    for ending, content in (("md", text), ("csv", of_maps.csv_lines(rows, names))):
        write_text(folder / f"detectors.{ending}", content)
    printed = [dataclasses.asdict(row) | {"source": published.SOURCE} for row in published.rows(1)]
    content = {"rows": rows, "missing": failures, "published": printed}
    write_json(folder / "detectors.json", content)
    print(text)


def _facts(given: argparse.Namespace, chosen: config.Config, scored: dict) -> str:
    """What all rows have in common, in words."""
    stage = chosen.stages[_STAGE]
    start = f"from {given.weights}" if given.weights else "from random weights"
    return (
        f"{scored['data set']}, {scored['images']} images, {scored['view']} pixels; width "
        f"{chosen.width:g}, {start}, {stage.optimizer.name}, batches of {stage.batch_size}, seed "
        f"{chosen.seed}. Images per second are those of the last epoch, minutes and memory those "
        "of training alone."
    )


def _chosen(given: argparse.Namespace) -> dict[str, config.Config]:
    """The detectors that were asked for, and the run of each."""
    from salclass_tf.detectors import list_detectors

    known = list_detectors()
    names = known if given.detectors == "all" else given.detectors.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"detectors are some of {', '.join(known)}; got {unknown[0]!r}")
    return {name: _config(given, name) for name in names}


def main(argv: list[str] | None = None) -> int:
    """Trains, scores, writes the tables; returns 1 if a detector is missing in them."""
    given = _parse(argv)
    try:
        configs = _chosen(given)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    place = Place(pathlib.Path(given.workdir), given.data_dir, given.manual_dir, steps=given.steps)
    try:
        failures = _train(given, configs, place)
    except KeyboardInterrupt as stop:
        print(f"{stop or 'interrupted'}; the same command goes on", file=sys.stderr)
        return 130
    trained = [name for name in configs if name not in failures]
    if not trained:
        return 1
    rows, unscored = _score(trained, given.dataset, place)
    for row in rows:
        if row["method"] in configs:
            name = row["method"]
            row |= _cost(place.workdir / name / _STAGE, configs[name])
    failures |= unscored
    _write(place.workdir, rows, failures, _facts(given, configs[trained[0]], rows[0]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
