"""The stages of a run, made in order: what is missing is made first, what is done is kept."""

import contextlib
import dataclasses
import functools
import logging
import os
import pathlib
import resource
import shutil
import sys
import time
from collections.abc import Callable, Collection

import keras
import numpy as np
import tensorflow as tf

from salclass_tf import devices
from salclass_tf.config import ROLES, Config
from salclass_tf.data import sets
from salclass_tf.data.sets import GazeSet
from salclass_tf.devices import Placement, precision
from salclass_tf.model import GazeModel
from salclass_tf.runs import twins
from salclass_tf.runs.files import write_json
from salclass_tf.runs.finished_stage import DATASET, METRICS, SETTINGS, SPARE, FinishedStage
from salclass_tf.runs.sole_user import sole_user
from salclass_tf.signals import sigterm_interrupts
from salclass_tf.training import (
    caching,
    child_process,
    compilation,
    feeding,
    final_scores,
    gaze_check,
    handover,
    joining,
    kept_features,
    learning,
    loop,
    map_use,
    networks,
    plan,
    report,
    second_process,
)
from salclass_tf.training.execution import Execution
from salclass_tf.training.plan import Job, Plan
from salclass_tf.training.second_process import Alone

_log = logging.getLogger(__name__)


def run(
    config: Config,
    stage: str,
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    execution: Execution | None = None,
) -> dict[str, dict]:
    """Trains a stage, and before it the stages that it starts from, where they are missing.

    Several workers (see `devices.placement`) share `workdir`; the chief alone writes there.

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
        ValueError: for anything the user can fix; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    workdir, execution = pathlib.Path(workdir), execution or Execution()
    placement, config = settle(config, execution)
    with placement.lost_workers_named():
        planned = plan.plan(config, stage, workdir, placement, data_dir, manual_dir)
        carry_out(planned, placement, execution, data_dir, manual_dir)
    if not placement.is_chief:
        return {}
    results = {made.name: made.metrics() for made in planned.jobs}
    told = [report.table(results), *report.map_uses(results), *report.gaze_notes(results)]
    print("\n".join(told))
    print(f"Results, pictures and networks: {workdir}/{stage}")
    return results


def settle(config: Config, execution: Execution) -> tuple[Placement, Config]:
    """Decides what goes by the machine: the devices, and the arithmetic of a configuration."""
    placement = devices.choose_placement(execution.strategy)
    compilation.check(config.compile, placement)
    caching.check_devices(config, placement)
    if execution.deterministic:
        tf.config.experimental.enable_op_determinism()
    threads = devices.choose_threads(config, placement)
    policy, why = devices.choose_precision(config.precision)
    _log.info("strategy %s: %s", placement.name, placement.why)
    if threads:
        _log.info("threads: %s", threads)
    _log.info("precision %s: %s", policy, why)
    return placement, dataclasses.replace(config, precision=policy)


def carry_out(
    planned: Plan,
    placement: Placement,
    execution: Execution,
    data_dir: str | None,
    manual_dir: str | None,
    finished: Callable[[], None] = lambda: None,
) -> None:
    """Makes the stages that are not done, in order.

    Args:
        planned: what is to be done.
        placement: the devices.
        execution: checkpoints, callbacks.
        data_dir: see `run`.
        manual_dir: see `run`.
        finished: called by the chief whenever a stage has been made.

    Raises:
        ValueError: for anything the user can fix; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    places = data_dir, manual_dir
    with second_process.started(planned, placement, execution, *places) as aside:
        prepared = prepare_sets(planned, placement, *places, aside.datasets)
        plan.check_same_data(planned.todo, *places)  # now that they are prepared
        plan.check_data(planned, prepared)
        folder = planned.jobs[-1].workdir
        with sole_user(folder) if placement.is_chief else contextlib.nullcontext():
            aside.begin()
            try:
                make(planned, prepared, placement, execution, aside, finished)
            finally:
                aside.end()  # while others are kept out
    for one in planned.kept if placement.is_chief else ():
        one.check_origin()


def make(
    planned: Plan,
    prepared: dict[str, GazeSet],
    placement: Placement,
    execution: Execution,
    aside: Alone,
    finished: Callable[[], None] = lambda: None,
) -> None:
    """Makes the stages that are not done, in order, in a folder that is nobody else's.

    Args:
        planned: what is to be done.
        prepared: its data sets, by name.
        placement: the devices.
        execution: checkpoints, callbacks.
        aside: another process, which makes other stages of the run.
        finished: see `carry_out`.

    Raises:
        ValueError: as `carry_out`.
        OSError: as `carry_out`.
    """
    handed = handover.Handover(planned.todo, placement)
    with sigterm_interrupts():
        for one in aside.order(planned.todo):
            if aside.makes(one):
                continue
            aside.wait_before(one)
            # Nobody else writes here from now on; before, another run may have begun it.
            one.state()
            with feeding.readable(prepared[one.dataset]):
                _make(one, prepared[one.dataset], placement, execution, handed)
            aside.made(one)
            if placement.is_chief:
                finished()
        aside.wait()


def prepare_sets(
    planned: Plan,
    placement: Placement,
    data_dir: str | None,
    manual_dir: str | None,
    later: Collection[str] = (),
) -> dict[str, GazeSet]:
    """Prepares the sets of a plan, by name; the others wait for what the chief prepares.

    Args:
        planned: what is to be done.
        placement: the devices.
        data_dir: see `run`.
        manual_dir: see `run`.
        later: names of sets that another process has begun with: after others of their cost.
    """
    if placement.is_chief:
        found = planned.found
        order = sorted(found, key=lambda name: (plan.cost(found[name]), name in later))
        prepared = {}
        for name in order:
            # That another process prepares them needs no word.
            quiet = ["tfds_builders"] if name in later else []
            with child_process.held_back(*quiet):
                prepared[name] = sets.prepare(found[name], manual_dir)
        placement.wait_for_all()
        return prepared
    placement.wait_for_all()
    return {name: sets.open_set(name, data_dir, manual_dir) for name in planned.found}


def _make(
    one: Job,
    gaze_set: GazeSet,
    placement: Placement,
    execution: Execution,
    handed: handover.Handover,
) -> None:
    """Trains one stage, scores what it keeps, draws it; `metrics.json` comes last."""
    started = time.monotonic()
    model, feed = _build(one, gaze_set, placement, handed)
    stage = one.config.stages[one.name]
    kept = kept_features.open_features(one, gaze_set, model, feed)
    compiled = _compilation(one, placement, model, execution.deterministic)
    before = model.get_weights() if ROLES[one.name].is_joint and placement.is_chief else None
    if placement.is_chief:
        _begin(one, gaze_set, compiled)
    _log.info(
        "stage %s: %d parameters, %d images of %s, %d steps an epoch",
        one.name,
        model.count_params(),
        gaze_set.size(gaze_set.split("train", stage.validation_share)),
        gaze_set.name,
        feed.steps,
    )
    _log.info("stage %s: %s", one.name, _choice(gaze_set, stage.validation_share))
    _log.info("stage %s: compile %s: %s", one.name, compiled.name, compiled.why)
    training = loop.Loop(
        one.name,
        stage,
        model,
        feed if kept is None else kept.feed,
        one.folder,
        _max_steps(one),
        placement,
        execution,
        compiled=compiled.name,
        fit_statistics=one.config.fit_statistics,
        forward=handed.forward_of(networks.kept_part(model), compiled.by_xla),
    )
    if kept is not None and not training.is_finished:  # after weights of a checkpoint are in place
        kept.compute()
    rows = training.run()
    if kept is not None:
        kept.remove()
    if placement.is_chief:
        # Those too that an interrupted run has left, which kept features while this one does not.
        shutil.rmtree(one.folder / caching.FOLDER, ignore_errors=True)
        facts = _facts(one, gaze_set, model, training.position)
        facts |= {"kept_features": kept.facts} if kept is not None else {}
        facts["learned_from"] = learning.record(one, training.position, feed.steps)
        if not training.holds_kept:
            FinishedStage(one.folder).read_weights(training.forward.network)
        _conclude(one, gaze_set, training.forward, before, rows, facts, started, handed)
        if before is None:
            handed.leave(one, training.forward, compiled.by_xla)
    placement.wait_for_all()


def _build(
    one: Job, gaze_set: GazeSet, placement: Placement, handed: handover.Handover
) -> tuple[GazeModel, loop.Feed]:
    """The compiled model of a stage, from its seed alone, and its batches."""
    config, name = one.config, one.name
    keras.backend.clear_session()
    keras.config.set_dtype_policy(config.precision)
    keras.utils.set_random_seed(config.seed)
    feed = feeding.build_feed(config, name, gaze_set, placement.strategy.num_replicas_in_sync)
    with placement.strategy.scope():
        classes = len(gaze_set.class_names)
        model = networks.build_model(config, name, one.workdir, classes, handed.take)
        if config.fit_map_normalization and ROLES[name].is_joint:
            joining.fit_normalization(model, feed.epoch(0, 0))
        model.compile(networks.build_optimizer(config.stages[name], model, feed.steps))
    return model, feed


def _compilation(
    one: Job, placement: Placement, model: GazeModel, deterministic: bool
) -> compilation.Compilation:
    """What of the steps of a stage XLA compiles."""
    begun = FinishedStage(one.folder)
    noted = None
    if begun.is_begun:  # older ones have no note, and were compiled where nothing else was possible
        was = "xla" if precision.needs_xla(one.config.precision) else "none"
        noted = begun.settings.get("compile", was)
    return compilation.decide(one.config.compile, noted, placement, model, deterministic)


def _max_steps(one: Job) -> int | None:
    """The most steps that a stage may take, None where its epochs alone end it."""
    limits = (one.config.max_steps, one.config.stages[one.name].iterations)
    return min((limit for limit in limits if limit is not None), default=None)


def _begin(one: Job, gaze_set: GazeSet, compiled: compilation.Compilation) -> None:
    """Marks the folder of a stage as begun: what it is trained with, and on."""
    # What goes on is not finished any more; its results are those of fewer epochs.
    (one.folder / METRICS).unlink(missing_ok=True)
    share = one.config.stages[one.name].validation_share
    settings = one.config.for_stage(one.name) | {"compile": compiled.name}
    record = gaze_set.record(share).to_json()
    for folder in (one.folder / SPARE, one.folder):
        write_json(folder / SETTINGS, settings)
        write_json(folder / DATASET, record)


def _choice(gaze_set: GazeSet, validation_share: float) -> str:
    """What decides which epoch is kept, in words."""
    split = gaze_set.split("validation", validation_share)
    if split is None:
        return "the last epoch is kept, since no images are held back to choose one"
    held_back = (
        ""
        if split == "validation"
        else (", held back from training: the set has no other images with gaze to choose by")
    )
    return f"the epoch to keep is chosen on {split}, {gaze_set.size(split)} images{held_back}"


def _facts(one: Job, gaze_set: GazeSet, model: GazeModel, place: loop.Position) -> dict:
    """What `metrics.json` holds besides scores."""
    share = one.config.stages[one.name].validation_share
    return {
        "stage": one.name,
        "dataset": gaze_set.builder.info.full_name,
        "split": gaze_set.split("test"),
        "train_split": gaze_set.split("train", share),
        "validation_split": gaze_set.split("validation", share),
        "class_names": list(gaze_set.class_names),
        "gaze": gaze_check.facts(one.config, one.name, gaze_set),
        "parameters": model.count_params(),
        "made_from": networks.origin(one.config, one.name, one.workdir),
        "kept_epoch": place.best_epoch,
        "epochs": place.epoch,
        "steps": place.step,
        "training_seconds": round(place.seconds, 1),
        "peak_memory_gib": round(_peak_memory_gib(), 2),
    }


def _conclude(
    one: Job,
    gaze_set: GazeSet,
    forward: final_scores.Forward,
    before: list[np.ndarray] | None,
    rows: list[dict[str, float]],
    facts: dict,
    started: float,
    handed: handover.Handover,
) -> None:
    """Scores and draws what a stage has kept; what was learned before it is in `rows`, `facts`.

    The network that has the kept weights then takes those of before joint training: to build and
    trace another one costs more than its scores.
    """
    metrics = _scores(one, gaze_set, forward)
    answers = report.draw(
        one.config,
        one.name,
        one.workdir,
        one.folder,
        forward,
        rows,
        facts["kept_epoch"],
        feeding.shown_batches(one.config, one.name, gaze_set),
        gaze_set.class_names,
        functools.partial(handed.remembered, one),
    )
    handed.remember(one, answers)
    if before is not None and metrics["test"] is not None:
        forward.network.set_weights(before)
        batches = _test_batches(one, gaze_set)
        metrics["before_joint"] = vars(final_scores.score(forward, batches, "before joint"))
    metrics |= facts | {"seconds": round(time.monotonic() - started, 1)}
    write_json(one.folder / METRICS, metrics)
    _log.info(
        "stage %s done in %.0f s, %.0f s of them training; peak memory so far %.2f GiB",
        one.name,
        metrics["seconds"],
        metrics["training_seconds"],
        metrics["peak_memory_gib"],
    )


def _scores(one: Job, gaze_set: GazeSet, forward: final_scores.Forward) -> dict:
    """Scores of the kept network on the test part, beside the centre bias."""
    batches = _test_batches(one, gaze_set)
    if batches is None:
        return {"test": None}
    uses = None
    if ROLES[one.name].trains_classifier and ROLES[one.name].needs_gaze and gaze_set.has_gaze:
        uses = map_use.Counts(forward)
    tested = final_scores.score(forward, batches, f"{one.name} test", uses and uses.see)
    metrics = {"test": vars(tested)}
    if not ROLES[one.name].trains_classifier:
        train = gaze_set.split("train", one.config.stages[one.name].validation_share)
        mean = final_scores.mean_map(feeding.central_batches(one.config, one.name, gaze_set, train))
        metrics["centre_bias"] = vars(final_scores.score_map(mean, batches))
    if uses is not None:
        metrics["map_use"] = uses.accuracies | _of_twin(one)
    return metrics


def _of_twin(one: Job) -> dict[str, float]:
    """The accuracy of a network's twin of three channels, where there is one."""
    found = {}
    for twin in twins.alike(FinishedStage(one.folder), one.workdir):
        test = twin.metrics.get("test")
        found |= {map_use.RGB: test["accuracy"]} if test else {}
    return found


def _test_batches(one: Job, gaze_set: GazeSet) -> tf.data.Dataset | None:
    """What is scored, None where the set has no test part."""
    split = gaze_set.split("test")
    return split and feeding.central_batches(one.config, one.name, gaze_set, split)


def _peak_memory_gib() -> float:
    """The most memory that this process has held so far, in GiB; that of GPUs is not in it."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
