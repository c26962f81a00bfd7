"""Whether a stage can keep what the frozen beginning of its network makes of its views."""

import os
import pathlib
import shutil

import keras
import tensorflow as tf

from salclass_tf.config import ROLES, Config
from salclass_tf.config.stage import CLASSIFIER, DETECTOR
from salclass_tf.data.sets import GazeSet
from salclass_tf.devices import Placement
from salclass_tf.model import frozen_beginnings
from salclass_tf.model.frozen_beginnings import Halves
from salclass_tf.model.gaze_model import FEATURES
from salclass_tf.training import feeding, networks
from salclass_tf.training.feature_tables import Layout
from salclass_tf.training.loop import Feed

#: folder of a stage's features while it is trained
FOLDER = "features"
_GIB = 2**30
_LIMIT = pathlib.Path("/sys/fs/cgroup/memory.max")  # in a container; "max" where there is none


def check_devices(config: Config, placement: Placement) -> None:
    """Checks that features can be kept on some devices.

    Raises:
        ValueError: if several replicas or processes share the batches.
    """
    replicas, workers = placement.strategy.num_replicas_in_sync, placement.workers
    if config.cache_features != "none" and (replicas > 1 or workers > 1):
        raise ValueError(
            f"cache_features is for one device; {placement.name} has {replicas} replicas in "
            f"{workers} process(es): leave --cache_features out (--fixed_views keeps the views "
            "the same), or choose --strategy=cpu or gpu"
        )


def check(config: Config, stage: str) -> None:
    """Checks, without data, that the stage that was asked for has something to keep.

    Other stages of a run may have nothing: they train as they would, on the same views.

    Args:
        config: the run.
        stage: the one asked for.

    Raises:
        ValueError: naming the layer with which learning begins, or the loss that cannot do it.
    """
    if config.cache_features != "none" and config.stages[stage].attention_loss:
        raise ValueError(
            f"stage {stage} learns by attention_loss, which is not computed from kept features: "
            f"leave --cache_features={config.cache_features} out (--fixed_views keeps the views)"
        )
    if not is_wanted(config, stage):
        return
    network, found = _blank_halves(config, stage)
    if found is None:
        learner = frozen_beginnings.first_learner(network)
        if learner is None:
            raise ValueError(
                f"frozen of stage {stage} covers all layers of its {part_of(stage)}, so that "
                "nothing learns; let --frozen leave some of them out"
            )
        raise ValueError(
            f"stage {stage} has no frozen beginning that could be computed once: no layer with "
            f"weights comes before {learner}, where its "
            f"{part_of(stage)} begins to learn; freeze its first layers with --frozen, or leave "
            f"--cache_features={config.cache_features} out (--fixed_views keeps the views the same)"
        )


def check_room(config: Config, stage: str, gaze_set: GazeSet, folder: pathlib.Path) -> None:
    """Checks that what a stage keeps has room, before any stage is trained.

    Args:
        config: the run.
        stage: the stage.
        gaze_set: its data, prepared.
        folder: of the stage.

    Raises:
        ValueError: with what is needed, what there is, and the remedy.
    """
    if not is_wanted(config, stage):
        return
    feed = feeding.build_feed(config, stage, gaze_set)
    keras.config.set_dtype_policy(config.precision)  # as the stage will be computed
    _, found = _blank_halves(config, stage)
    if found is not None and repeats(config, stage, feed.steps):
        require_room(config, stage, layouts(config, stage, gaze_set, feed, found), folder)


def is_wanted(config: Config, stage: str) -> bool:
    """Whether features of a stage are to be kept, if there are any."""
    numbers = config.stages[stage]
    asked = config.cache_features != "none" and numbers.fixed_views
    return asked and not numbers.attention_loss  # which is not computed from features


def repeats(config: Config, stage: str, steps: int) -> bool:
    """Whether a stage of so many steps an epoch may come to its second one."""
    numbers = config.stages[stage]
    limits = (config.max_steps, numbers.iterations, steps * numbers.epochs)
    return min(limit for limit in limits if limit is not None) > steps


def part_of(stage: str) -> str:
    """Returns the part whose beginning gives the same in every epoch: it reads no map that learns.

    In stage joint that is the detector: what the classifier computes begins with the map.
    """
    return DETECTOR if ROLES[stage].trains_detector else CLASSIFIER


def _blank_halves(config: Config, stage: str) -> tuple[keras.Model, Halves | None]:
    """The network of that part in shape alone, and the halves of it."""
    with keras.StatelessScope(initialize_variables=False):
        network = networks.blank_part(config, stage, part_of(stage))
        found = frozen_beginnings.halves(network)
    keras.backend.clear_session()  # it would give values to what was built, later
    return network, found


def layouts(
    config: Config, stage: str, gaze_set: GazeSet, feed: Feed, halves: Halves
) -> dict[str, Layout]:
    """Returns what is kept for "training", and for "validation" where there is one.

    Args:
        config: the run.
        stage: the stage.
        gaze_set: its data, prepared.
        feed: its batches, of images.
        halves: of the network whose beginning is frozen.
    """
    views = feeding.every_view(config, stage, gaze_set)
    rows = {"training": feeding.count_views(config, stage, gaze_set)}
    specs = {"training": views.element_spec}
    if feed.validation is not None:
        specs["validation"] = feed.validation.element_spec
        size = specs["validation"]["label"].shape[0]
        rows["validation"] = int(feed.validation.cardinality()) * size
    features = {
        column(i): tf.TensorSpec(tensor.shape[1:], tensor.dtype)
        for i, tensor in enumerate(halves.beginning.outputs)
    }
    unread = _unread(stage)
    return {
        part: Layout(
            rows[part],
            {n: tf.TensorSpec(s.shape[1:], s.dtype) for n, s in spec.items() if n not in unread}
            | features,
        )
        for part, spec in specs.items()
    }


def _unread(stage: str) -> tuple[str, ...]:
    """What of a view nothing reads beside its features."""
    role = ROLES[stage]
    if role.is_joint:  # its classifier reads the image
        return ()
    return ("image",) if role.trains_detector else ("image", "saliency")


def require_room(
    config: Config, stage: str, needed: dict[str, Layout], folder: pathlib.Path
) -> None:
    """Raises where memory or disk do not suffice.

    Args:
        config: the run.
        stage: the stage.
        needed: what is to be kept.
        folder: of the stage.

    Raises:
        ValueError: with what is needed, what there is, and the remedy.
    """
    size = sum(layout.bytes for layout in needed.values())
    if config.cache_features == "memory":
        there = _memory()
        if size > there / 2:
            raise ValueError(
                f"features of stage {stage} take {size / _GIB:.1f} GiB, and at most half of "
                f"the machine's {there / _GIB:.1f} GiB of memory is taken for them: give "
                "--cache_features=disk, or fewer --crops"
            )
        return
    there = sum(path.stat().st_size for path in (folder / FOLDER).rglob("*"))
    folder = next(path for path in (folder, *folder.parents) if path.exists())
    there += shutil.disk_usage(folder).free
    if size > there:
        raise ValueError(
            f"features of stage {stage} take {size / _GIB:.1f} GiB, and {folder} has room for "
            f"{there / _GIB:.1f} GiB: make room, give fewer --crops, or name another --workdir"
        )


def _memory() -> int:
    """Bytes of memory that this process may have: the machine's, or less in a container."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _LIMIT.read_text().strip() if _LIMIT.is_file() else ""
    return min(machine, int(limit)) if limit.isdecimal() else machine


def column(number: int) -> str:
    """Returns the name of a column of features."""
    return f"{FEATURES}_{number}"
