"""What can be known to be wrong before hours of training: settings, folders, data sets, files."""

import json
import pathlib

import keras

from salclass_tf import sources
from salclass_tf.classifiers import list_classifiers
from salclass_tf.config import Config
from salclass_tf.detectors import list_detectors
from salclass_tf.training import networks


def check_settings(config: Config, order: list[str]) -> None:
    """Refuses networks and stages that are not there, and frozen layers that nothing has trained.

    Args:
        config: the run.
        order: the stages that it needs.

    Raises:
        ValueError: with the names that are valid, or the flag that is missing.
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
        part = "detector" if "saliency" in stage else "classifier"
        weights = getattr(config, f"{part}_weights")
        alone = stage != "joint" and not config.prerequisites(stage)
        if config.stages[stage].frozen and alone and weights is None:
            raise ValueError(
                f"stage {stage} trains only part of a network that has been trained before; "
                f"name its weights with --{part}_weights"
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
    known = folder / "config.json"
    if known.is_file():
        there = json.loads(known.read_text())
        asked = json.loads(json.dumps(config.for_stage(stage)))
        if not asked_for and (folder / "metrics.json").is_file():
            kept = {"stage", "pretrain_detector", "pretrain_classifier"}
            there, asked = ({k: v for k, v in d.items() if k not in kept} for d in (there, asked))
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


def check_set(config: Config, stage: str, gaze_set: sources.GazeSet) -> None:
    """Refuses a set that lacks what a stage learns from.

    Raises:
        ValueError: naming what is missing.
    """
    if ("classifier" in stage or stage == "joint") and len(gaze_set.class_names) < 2:
        raise ValueError(f"stage {stage} needs classes; data set {gaze_set.name} has none")
    if stage not in ("classifier_pretrain", "classifier_rgb") and not gaze_set.has_gaze:
        raise ValueError(f"stage {stage} needs gaze; data set {gaze_set.name} has none")


def check_network(config: Config, stage: str, gaze_set: sources.GazeSet) -> None:
    """Builds the network of a stage, if it starts from no other one, to see whether it can be.

    Raises:
        ValueError: for images that are too small and for weights that do not fit.
    """
    if stage != "joint" and not config.prerequisites(stage):
        networks.build_model(config, stage, pathlib.Path(), len(gaze_set.class_names))
        keras.backend.clear_session()
