"""The stages of a run, made in order: what is missing is made first, what is done is kept."""

import json
import logging
import os
import pathlib
import time

import keras
import tensorflow as tf

from salclass_tf import data, precision, scoring, sources
from salclass_tf.config import Config
from salclass_tf.training import loop, networks, report

_log = logging.getLogger(__name__)

_EVALUATION_BATCH = 16
_SHOWN_IMAGES = 12


def run(
    config: Config,
    stage: str,
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    manual_dir: str | None = None,
) -> dict[str, dict]:
    """Trains a stage, and before it the stages that it starts from, where they are missing.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        workdir: one folder per stage is made in it.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.

    Returns:
        The `metrics.json` of every stage involved, by name.

    Raises:
        ValueError: for anything the user can mend; the message says how.
    """
    workdir = pathlib.Path(workdir)
    chosen, why = precision.choose(config.precision)
    _log.info("precision %s: %s", chosen, why)
    keras.config.set_dtype_policy(chosen)
    order = _order(config, stage)
    todo = [name for name in order if not _is_done(config, name, workdir / name)]
    for name in order:
        state = "to do" if name in todo else "done before, kept"
        _log.info("stage %-19s %s", name, state)
    for name in todo:
        _make(
            config,
            name,
            workdir,
            sources.open_set(config.stages[name].dataset, data_dir, manual_dir),
        )
    results = {name: json.loads((workdir / name / "metrics.json").read_text()) for name in order}
    print(report.table(results))
    print(f"Results, pictures and networks: {workdir}/{stage}")
    return results


def _order(config: Config, stage: str) -> list[str]:
    """The stages that `stage` needs, each after what it needs itself, and `stage` last."""
    order = []
    for name in (*config.prerequisites(stage), stage):
        for needed in (name,) if name == stage else _order(config, name):
            if needed not in order:
                order.append(needed)
    return order


def _is_done(config: Config, stage: str, folder: pathlib.Path) -> bool:
    """Whether a stage is finished; refuses a folder that another configuration has made."""
    known = folder / "config.json"
    if known.is_file():
        there = json.loads(known.read_text())
        asked = json.loads(json.dumps(config.for_stage(stage)))
        differences = "\n".join(_differences(there, asked))
        if differences:
            raise ValueError(
                f"{folder} belongs to another configuration:\n{differences}\n"
                "Name another --workdir, or remove that folder"
            )
    return (folder / "metrics.json").is_file()


def _differences(there: object, asked: object, path: str = "") -> list[str]:
    """One line for each setting in which two configurations differ."""
    if isinstance(there, dict) and isinstance(asked, dict):
        names = dict.fromkeys([*there, *asked])
        return [
            line
            for name in names
            for line in _differences(there.get(name), asked.get(name), f"{path}.{name}".strip("."))
        ]
    return [] if there == asked else [f"  {path}: {there!r} there, {asked!r} asked for"]


def _make(config: Config, name: str, workdir: pathlib.Path, gaze_set: sources.GazeSet) -> None:
    """Trains one stage, scores what it keeps, draws it; `metrics.json` comes last."""
    started = time.monotonic()
    folder, stage = workdir / name, config.stages[name]
    _check_set(name, gaze_set)
    keras.utils.set_random_seed(config.seed)
    keras.backend.clear_session(free_memory=False)
    classes = len(gaze_set.class_names)
    model = networks.build_model(config, name, workdir, classes)
    feed = _feed(config, name, gaze_set)
    model.compile(networks.build_optimizer(stage, model, feed.steps))
    write_json(folder / "config.json", config.for_stage(name))
    _log.info(
        "stage %s: %d parameters, %d images of %s, %d steps an epoch",
        name,
        model.count_params(),
        gaze_set.size(gaze_set.split("train", stage.validation_share)),
        gaze_set.name,
        feed.steps,
    )
    training = loop.Loop(name, stage, model, feed, folder, config.max_steps)
    rows = training.run()
    kept = keras.models.load_model(folder / networks.KEPT, compile=False)
    metrics = _scores(config, name, workdir, kept, gaze_set)
    metrics |= {
        "stage": name,
        "dataset": gaze_set.builder.info.full_name,
        "parameters": model.count_params(),
        "kept_epoch": training.position.best_epoch,
        "epochs": training.position.epoch,
        "steps": training.position.step,
        "training_seconds": round(training.position.seconds, 1),
        "seconds": round(time.monotonic() - started, 1),
    }
    report.draw(
        config,
        name,
        workdir,
        rows,
        training.position.best_epoch,
        _shown_batches(config, gaze_set),
        gaze_set.class_names,
    )
    write_json(folder / "metrics.json", metrics)


def _check_set(stage: str, gaze_set: sources.GazeSet) -> None:
    """Refuses a set that lacks what a stage learns from."""
    if "classifier" in stage or stage == "joint":
        if len(gaze_set.class_names) < 2:
            raise ValueError(f"stage {stage} needs classes; data set {gaze_set.name} has none")
    if stage not in ("classifier_pretrain", "classifier_rgb") and gaze_set.sigma_px <= 0:
        raise ValueError(f"stage {stage} needs gaze; data set {gaze_set.name} has none")


def _feed(config: Config, name: str, gaze_set: sources.GazeSet) -> loop.Feed:
    """The batches of a stage."""
    stage = config.stages[name]
    train = gaze_set.split("train", stage.validation_share)
    validation = gaze_set.split("validation", stage.validation_share)

    def epoch(number: int, skip: int) -> tf.data.Dataset:
        return data.training_batches(
            data.open_split(gaze_set.builder, train),
            geometry=geometry(config),
            sigma_px=gaze_set.sigma_px,
            batch_size=stage.batch_size,
            seed=config.seed,
            epoch=number,
            crops=stage.crops,
            mirror=stage.mirror,
            with_maps=name not in ("classifier_pretrain", "classifier_rgb"),
            skip_steps=skip,
        )

    steps = int(epoch(0, 0).cardinality())
    return loop.Feed(epoch, steps, validation and test_batches(config, gaze_set, validation))


def geometry(config: Config) -> data.Geometry:
    """Sizes of the run's images."""
    return data.Geometry(image_size=config.image_size, short_side=config.short_side)


def test_batches(
    config: Config, gaze_set: sources.GazeSet, split: str, every: int = 1
) -> tf.data.Dataset:
    """Central crops of a split: of all images, or of some that are evenly spread."""
    source = data.open_split(gaze_set.builder, split)
    if every > 1:
        source = source.shard(every, index=0).take(_SHOWN_IMAGES)
    return data.evaluation_batches(
        source,
        geometry=geometry(config),
        sigma_px=gaze_set.sigma_px,
        batch_size=_EVALUATION_BATCH,
    )


def _scores(
    config: Config,
    name: str,
    workdir: pathlib.Path,
    network: keras.Model,
    gaze_set: sources.GazeSet,
) -> dict:
    """Scores of the kept network on the test part, beside what it has to beat."""
    split = gaze_set.split("test")
    if split is None:
        return {"test": None}
    batches = test_batches(config, gaze_set, split)
    metrics = {"test": vars(scoring.score(network, batches, f"{name} test"))}
    if name.startswith("saliency"):
        train = gaze_set.split("train", config.stages[name].validation_share)
        mean = scoring.mean_map(test_batches(config, gaze_set, train))
        metrics["centre_bias"] = vars(scoring.score_map(mean, batches))
    if name == "joint":
        before = networks.build_model(config, name, workdir, 0)
        metrics["before_joint"] = vars(scoring.score(before, batches, "before joint"))
    return metrics


def _shown_batches(config: Config, gaze_set: sources.GazeSet) -> tf.data.Dataset | None:
    """Test images for the picture, evenly spread over the split."""
    split = gaze_set.split("test")
    if split is None:
        return None
    count = gaze_set.size(split)
    return test_batches(config, gaze_set, split, every=max(count // _SHOWN_IMAGES, 1))


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".json.tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, path)
