"""What can be known to be wrong before hours of training: settings, folders, data sets, files."""

import dataclasses
import json
import logging
import pathlib

import keras

from salclass_tf import losses, pair
from salclass_tf.classifiers import list_classifiers
from salclass_tf.config import Config, recipes
from salclass_tf.config.stage import Stage, has_detector
from salclass_tf.data import sets
from salclass_tf.detectors import list_detectors, output_of
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import networks

_log = logging.getLogger(__name__)

# What decides how a stage is trained, and not what it is for the stages after it.
_OF_TRAINING = ("stage", "pretrain_detector", "pretrain_classifier")


def check_settings(config: Config, order: list[str]) -> None:
    """Checks that the names are known.

    Args:
        config: the run.
        order: the stages that it needs.

    Raises:
        ValueError: with the names that are valid.
    """
    for part, name, known in (
        ("detector", config.detector, list_detectors()),
        ("classifier", config.classifier, list_classifiers()),
    ):
        if name not in known:
            raise ValueError(f"unknown {part} {name!r}; choose one of {', '.join(known)}")
    for stage in order:
        if stage not in config.stages:
            raise ValueError(
                f"stage {stage} has no place in this run; it has {', '.join(config.stages)}"
            )
        if has_detector(stage):
            losses.get(config.stages[stage].saliency_loss)
    learning = any(
        config.stages[stage].saliency_loss == "mse" for stage in order if has_detector(stage)
    )
    if learning and output_of(config.detector) == "density":
        _log.warning(
            "detector %s outputs a density over the pixels, which learns little from the squared "
            "error; its authors' loss is --saliency_loss=%s",
            config.detector,
            recipes.published(config.detector).saliency_loss,
        )


def check_parts(config: Config, order: list[str]) -> None:
    """Checks that networks can be built for their images and learn, and that pairs fit.

    All stages that are to be made are looked at before the first one is, since the last of them
    may be hours away.

    Args:
        config: the run.
        order: the stages that are to be made.

    Raises:
        ValueError: with the reason and the sizes that work, or the flag that is missing.
    """
    classifiers = {config.geometry(n)[0] for n in order if "classifier" in n or n == "joint"}
    for stage in order:
        _check_geometry(config, stage, joint="joint" in order)
    try:
        detector = networks.blank_detector(config) if any(map(has_detector, order)) else None
        built = {size: networks.blank_classifier(config, size) for size in sorted(classifiers)}
        if "joint" in order:
            pair.check(detector, built[config.image_size])
        for stage in order:
            if stage != "joint":
                size = config.geometry(stage)[0]
                _check_frozen(config, stage, detector if has_detector(stage) else built[size])
    finally:
        keras.backend.clear_session()  # it would give values to what was built, later


def _check_frozen(config: Config, stage: str, network: keras.Model) -> None:
    """Checks that frozen layers have been trained by something."""
    part = "detector" if has_detector(stage) else "classifier"
    trained = config.prerequisites(stage) or getattr(config, f"{part}_weights") is not None
    pattern = config.stages[stage].frozen
    frozen = [x.name for x in network.layers if x.weights and networks.is_frozen(pattern, x.name)]
    if frozen and not trained:
        raise ValueError(
            f"stage {stage} leaves layers as they are that nothing has trained, {frozen[0]} the "
            f"first of them; name weights of the network with --{part}_weights"
        )


def _check_geometry(config: Config, stage: str, joint: bool) -> None:
    """Checks that the crops of a stage have the size of the network that it trains."""
    shared = has_detector(stage) or (joint and stage == "classifier")
    size = config.geometry(stage)[0]
    if shared and size != config.image_size:
        raise ValueError(
            f"stage {stage} trains a network for images of {config.image_size} x "
            f"{config.image_size} pixels, which the detector and the classifier of a run share; "
            f"its own geometry gives crops of {size}: leave that out, or set image_size={size}"
        )


def is_done(config: Config, stage: str, folder: pathlib.Path, asked_for: bool) -> bool:
    """Whether a stage is finished.

    Args:
        config: the run.
        stage: name of the stage.
        folder: where it is, or will be.
        asked_for: whether the user named it. Of a stage that is only needed, the numbers of its
            training may differ: what it left behind is what the user made.

    Raises:
        ValueError: if the folder belongs to another configuration; each difference has a line.
    """
    finished = FinishedStage(folder).is_finished
    kept = () if asked_for or not finished else _OF_TRAINING
    lines = "\n".join(differences(config, stage, folder, ignored=kept))
    if lines:
        raise ValueError(
            f"{folder} belongs to another configuration:\n{lines}\n"
            "Name another --workdir, or remove that folder"
        )
    return finished


def check_origin(config: Config, stage: str, workdir: pathlib.Path, folder: pathlib.Path) -> None:
    """Checks that what a finished stage started from has not been trained again since.

    Args:
        config: the run.
        stage: name of the stage.
        workdir: where the stages before it left their networks.
        folder: where it is.

    Raises:
        ValueError: naming both, and the remedy.
    """
    known = FinishedStage(folder).metrics.get("made_from", {})
    there = networks.origin(config, stage, workdir)
    for name in known.keys() & there.keys():
        if known[name] != there[name]:
            raise ValueError(
                f"{folder} was made from another {name} than {workdir / name} is now; remove "
                f"{folder}, so that it is trained again"
            )


def differences(
    config: Config, stage: str, folder: pathlib.Path, ignored: tuple[str, ...] = ()
) -> list[str]:
    """Compares a stage with what its folder was begun with.

    Args:
        config: the run.
        stage: name of the stage.
        folder: where it is, or will be.
        ignored: settings that may differ.

    Returns:
        One line for each setting in which they differ; none where there is no such folder.
    """
    begun = FinishedStage(folder)
    if not begun.is_begun:
        return []
    asked = json.loads(json.dumps(config.for_stage(stage)))
    there = _completed(begun.settings, asked)
    pair = ({k: v for k, v in d.items() if k not in ignored} for d in (there, asked))
    return _differences(*pair)


def _completed(there: dict, asked: dict) -> dict:
    """Adds the numbers of a stage that are younger than a folder: they had their defaults then."""
    defaults = json.loads(json.dumps(dataclasses.asdict(Stage(dataset=""))))

    def fill(known: dict, wanted: dict, default: dict) -> dict:
        filled = {name: default[name] for name in wanted if name in default} | known
        if "optimizer" in known:
            parts = (source["optimizer"] for source in (known, wanted, default))
            filled["optimizer"] = fill(*parts)
        return filled

    return there | {"stage": fill(there.get("stage", {}), asked["stage"], defaults)}


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


def check_set(config: Config, stage: str, gaze_set: sets.GazeSet) -> None:
    """Checks that a set has what a stage learns from.

    Raises:
        ValueError: naming what is missing.
    """
    if ("classifier" in stage or stage == "joint") and len(gaze_set.class_names) < 2:
        raise ValueError(f"stage {stage} needs classes; data set {gaze_set.name} has none")
    if stage not in ("classifier_pretrain", "classifier_rgb") and not gaze_set.has_gaze:
        raise ValueError(f"stage {stage} needs gaze; data set {gaze_set.name} has none")
    if needs_fixations(config, stage) and "heatmap" in gaze_set.builder.info.features:
        valid = ", ".join(losses.list_saliency_losses(with_fixations=False))
        raise ValueError(
            f"saliency loss {config.stages[stage].saliency_loss} of stage {stage} is taken at "
            f"fixations; data set {gaze_set.name} ships maps and no points. Losses that work with "
            f"it are {valid}"
        )


def check_split(config: Config, stage: str, replicas: int) -> None:
    """Checks that the devices can share a batch evenly.

    The mean of each device counts alike in the gradient. With unequal shares that would not be the
    mean of the batch, and a device without any share would have none.

    Raises:
        ValueError: naming the batch size and the number of devices.
    """
    size = config.stages[stage].batch_size
    if size % replicas:
        raise ValueError(
            f"batch_size of stage {stage} is global and must be a multiple of the {replicas} "
            f"devices that share it; got {size}: use a number of devices that divides it, or "
            f"train --stage={stage} by itself with another --batch_size (and --learning_rate)"
        )


def needs_fixations(config: Config, stage: str) -> bool:
    """Whether a stage learns from fixation points, and not from maps of them alone."""
    return has_detector(stage) and losses.get(config.stages[stage].saliency_loss).needs_fixations


def check_network(config: Config, stage: str, gaze_set: sets.GazeSet) -> None:
    """Builds the network of a stage, if it starts from no other one, to see whether it can be.

    Raises:
        ValueError: for images that are too small and for weights that do not fit.
    """
    if stage != "joint" and not config.prerequisites(stage):
        networks.build_model(config, stage, pathlib.Path(), len(gaze_set.class_names))
        keras.backend.clear_session()
