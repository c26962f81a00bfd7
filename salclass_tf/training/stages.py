"""The stages of a run, made in order: what is missing is made first, what is done is kept."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import resource
import sys
import time
from collections.abc import Iterator

import keras
import tensorflow as tf

from salclass_tf import data, distribution, precision, scoring, sources
from salclass_tf.config import Config
from salclass_tf.training import checks, loop, networks, report
from salclass_tf.training.execution import Execution, sole_user

_log = logging.getLogger(__name__)

_EVALUATION_BATCH = 16
_SHOWN_IMAGES = 12
_SHOWN_WHILE_TRAINING = 4


def run(
    config: Config,
    stage: str,
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    execution: Execution | None = None,
) -> dict[str, dict]:
    """Trains a stage, and before it the stages that it starts from, where they are missing.

    Several workers (see `distribution`) share `workdir`; the chief alone writes there.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        workdir: one folder per stage is made in it.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        execution: devices, checkpoints, callbacks; None is the default of each.

    Returns:
        The `metrics.json` of every stage involved, by name; {} in a worker that is not the chief.

    Raises:
        ValueError: for anything the user can mend; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    workdir, execution = pathlib.Path(workdir), execution or Execution()
    placement = distribution.choose(execution.strategy)
    if execution.deterministic:
        tf.config.experimental.enable_op_determinism()
    policy, why = precision.choose(config.precision)
    _log.info("strategy %s: %s", type(placement.strategy).__name__, placement.why)
    _log.info("precision %s: %s", policy, why)
    config = dataclasses.replace(config, precision=policy)
    order = _order(config, stage)
    checks.check_settings(config, order)
    done = {n: checks.is_done(config, n, workdir / n, asked_for=n == stage) for n in order}
    for name in order:
        _log.info("stage %-19s %s", name, "done before, kept" if done[name] else "to do")
    todo = [name for name in order if not done[name]]
    sets = _open_sets(config, todo, placement, data_dir, manual_dir)
    for name, gaze_set in sets.items():
        checks.check_set(config, name, gaze_set)
        checks.check_network(config, name, gaze_set)
        _feed(config, name, gaze_set)
    locked = sole_user(workdir) if placement.is_chief else contextlib.nullcontext()
    with locked, placement.lost_workers_named():
        for name, gaze_set in sets.items():
            with _readable(gaze_set):
                _make(config, name, workdir, gaze_set, placement, execution)
    if not placement.is_chief:
        return {}
    results = {name: json.loads((workdir / name / "metrics.json").read_text()) for name in order}
    print(report.table(results))
    print(f"Results, pictures and networks: {workdir}/{stage}")
    return results


def _open_sets(
    config: Config,
    stages: list[str],
    placement: distribution.Placement,
    data_dir: str | None,
    manual_dir: str | None,
) -> dict[str, sources.GazeSet]:
    """The set of each stage; the chief prepares those that are not there, the others wait."""
    if not placement.is_chief:
        placement.wait_for_all()
    sets = {n: sources.open_set(config.stages[n].dataset, data_dir, manual_dir) for n in stages}
    if placement.is_chief:
        placement.wait_for_all()
    return sets


def _order(config: Config, stage: str) -> list[str]:
    """The stages that `stage` needs, each after what it needs itself, and `stage` last."""
    order = []
    for name in (*config.prerequisites(stage), stage):
        for needed in (name,) if name == stage else _order(config, name):
            if needed not in order:
                order.append(needed)
    return order


def _make(
    config: Config,
    name: str,
    workdir: pathlib.Path,
    gaze_set: sources.GazeSet,
    placement: distribution.Placement,
    execution: Execution,
) -> None:
    """Trains one stage, scores what it keeps, draws it; `metrics.json` comes last."""
    started = time.monotonic()
    folder, stage = workdir / name, config.stages[name]
    keras.backend.clear_session()
    keras.config.set_dtype_policy(config.precision)
    keras.utils.set_random_seed(config.seed)
    feed = _feed(config, name, gaze_set)
    with placement.strategy.scope():
        model = networks.build_model(config, name, workdir, len(gaze_set.class_names))
        model.compile(networks.build_optimizer(stage, model, feed.steps))
    if placement.is_chief:
        write_json(folder / "config.json", config.for_stage(name))
    _log.info(
        "stage %s: %d parameters, %d images of %s, %d steps an epoch",
        name,
        model.count_params(),
        gaze_set.size(gaze_set.split("train", stage.validation_share)),
        gaze_set.name,
        feed.steps,
    )
    training = loop.Loop(name, stage, model, feed, folder, config.max_steps, placement, execution)
    rows = training.run()
    if placement.is_chief:
        place = training.position
        facts = {
            "stage": name,
            "dataset": gaze_set.builder.info.full_name,
            "split": gaze_set.split("test"),
            "class_names": list(gaze_set.class_names),
            "parameters": model.count_params(),
            "kept_epoch": place.best_epoch,
            "epochs": place.epoch,
            "steps": place.step,
            "training_seconds": round(place.seconds, 1),
            "peak_memory_gib": round(_peak_memory_gib(), 2),
        }
        _conclude(config, name, workdir, gaze_set, rows, facts, started)
    placement.wait_for_all()


def _conclude(
    config: Config,
    name: str,
    workdir: pathlib.Path,
    gaze_set: sources.GazeSet,
    rows: list[dict[str, float]],
    facts: dict,
    started: float,
) -> None:
    """Scores and draws what a stage has kept; what was learned before it is in `rows`, `facts`."""
    folder = workdir / name
    kept = keras.models.load_model(folder / networks.KEPT, compile=False)
    metrics = _scores(config, name, workdir, kept, gaze_set) | facts
    report.draw(
        config,
        name,
        workdir,
        kept,
        rows,
        facts["kept_epoch"],
        _shown_batches(config, name, gaze_set),
        gaze_set.class_names,
    )
    metrics["seconds"] = round(time.monotonic() - started, 1)
    write_json(folder / "metrics.json", metrics)
    _log.info(
        "stage %s done in %.0f s, %.0f s of them training; peak memory so far %.2f GiB",
        name,
        metrics["seconds"],
        metrics["training_seconds"],
        metrics["peak_memory_gib"],
    )


def _feed(config: Config, name: str, gaze_set: sources.GazeSet) -> loop.Feed:
    """The batches of a stage."""
    stage = config.stages[name]
    validation = gaze_set.split("validation", stage.validation_share)

    def epoch(number: int, skip: int) -> tf.data.Dataset:
        return data.training_batches(
            _source(gaze_set, "train", stage.validation_share),
            geometry=data.Geometry(*config.geometry(name)),
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
    return loop.Feed(
        epoch,
        steps,
        validation and _validation_batches(config, name, gaze_set, validation),
        _shown_while_training(config, name, gaze_set),
    )


def _validation_batches(
    config: Config, name: str, gaze_set: sources.GazeSet, split: str
) -> tf.data.Dataset:
    """What validation reads of a split, in batches of one size."""
    batches = central_batches(config, name, gaze_set, split)
    return data.whole_batches(batches.map(_network_keys), _EVALUATION_BATCH)


def _shown_while_training(
    config: Config, name: str, gaze_set: sources.GazeSet
) -> tf.data.Dataset | None:
    """A batch of a few test images for TensorBoard, where the stage makes maps."""
    batches = _shown_batches(config, name, gaze_set)
    if batches is None or "classifier" in name:
        return None

    def few(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {key: value[:_SHOWN_WHILE_TRAINING] for key, value in _network_keys(batch).items()}

    return batches.take(1).map(few).cache()


def _network_keys(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What networks read of an evaluation batch; names would not fit on a GPU."""
    return {key: batch[key] for key in ("image", "saliency", "label") if key in batch}


@contextlib.contextmanager
def _readable(gaze_set: sources.GazeSet) -> Iterator[None]:
    """Turns what a broken image or a damaged file raises into an error that names it."""
    try:
        with data.corrupt_images_named(data.open_split(gaze_set.builder, "all")):
            yield
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        broken = gaze_set.broken_files() or (str(gaze_set.builder.data_path),)
        raise ValueError(
            f"prepared files of {gaze_set.name} are damaged or gone: {', '.join(broken)} "
            f"({error.message}). The run is saved; remove {gaze_set.builder.data_path}, and the "
            "same command prepares the set again and goes on"
        ) from error


def _source(gaze_set: sources.GazeSet, part: str, share: float) -> tf.data.Dataset:
    """The undecoded examples of a part of a set."""
    return data.open_split(gaze_set.builder, gaze_set.split(part, share))


def central_batches(
    config: Config, name: str, gaze_set: sources.GazeSet, split: str, every: int = 1
) -> tf.data.Dataset:
    """Central crops of a split: of all images, or of some that are evenly spread."""
    source = data.open_split(gaze_set.builder, split)
    if every > 1:
        source = source.shard(every, index=0).take(_SHOWN_IMAGES)
    return data.evaluation_batches(
        source,
        geometry=data.Geometry(*config.geometry(name)),
        sigma_px=gaze_set.sigma_px,
        batch_size=_EVALUATION_BATCH,
        with_maps=gaze_set.has_gaze,
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
    batches = central_batches(config, name, gaze_set, split)
    metrics = {"test": vars(scoring.score(network, batches, f"{name} test"))}
    if name.startswith("saliency"):
        train = gaze_set.split("train", config.stages[name].validation_share)
        mean = scoring.mean_map(central_batches(config, name, gaze_set, train))
        metrics["centre_bias"] = vars(scoring.score_map(mean, batches))
    if name == "joint":
        before = networks.build_model(config, name, workdir, 0)
        metrics["before_joint"] = vars(scoring.score(before, batches, "before joint"))
    return metrics


def _shown_batches(config: Config, name: str, gaze_set: sources.GazeSet) -> tf.data.Dataset | None:
    """Test images for the picture, evenly spread over the split."""
    split = gaze_set.split("test")
    if split is None:
        return None
    count = gaze_set.size(split)
    return central_batches(config, name, gaze_set, split, every=max(count // _SHOWN_IMAGES, 1))


def _peak_memory_gib() -> float:
    """The most memory that this process has held so far, in GiB; that of GPUs is not in it."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".json.tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, path)
