"""What the folder of a stage holds, compared with what was asked for."""

import dataclasses
import enum
import json
import pathlib
from collections.abc import Iterator

from salclass_tf.config import ROLES, Config
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.runs.stage_numbers import numbers_of
from salclass_tf.training import networks
from salclass_tf.training.checkpoints import list_checkpoints

# What decides how a stage is trained, and not what it is for the stages after it.
_OF_TRAINING = ("stage", "pretrain_detector", "pretrain_classifier", "compile")

# What may grow: what was trained until then is the beginning of the longer training too.
_GROWING = ("stage.epochs", "stage.patience")


# Settings of a run that older folders have not written down.
_YOUNGER = ("map_scale", "fit_map_normalization", "compile", "fit_statistics")


class State(enum.Enum):
    """What is to be done about a stage; the value is what a log says."""

    DONE = "done before, kept"
    TO_DO = "to do"
    GOES_ON = "goes on with more epochs or patience"


def look(config: Config, stage: str, folder: pathlib.Path, asked_for: bool) -> State:
    """Compares a folder with what was asked for.

    Args:
        config: the run.
        stage: name of the stage.
        folder: where it is, or will be.
        asked_for: whether the user named it. Of a stage that is only needed, the numbers of its
            training may differ: what it left behind is what the user made.

    Returns:
        What is to be done.

    Raises:
        ValueError: if the folder belongs to another configuration; each difference has a line. Or
            if the stage was asked to go on, and cannot.
    """
    begun = FinishedStage(folder)
    ignored = () if asked_for or not begun.is_finished else _OF_TRAINING
    if ignored and ROLES[stage].pretraining:
        ignored += ("seed",)  # runs of several seeds share it
    found = dict(_differing(config, stage, begun, ignored))
    if found and asked_for and all(_grows(name, *values) for name, values in found.items()):
        _check_going_on(config, stage, begun, set(found))
        return State.GOES_ON
    if found:
        lines = "\n".join(_lines(found))
        raise ValueError(
            f"{folder} belongs to another configuration:\n{lines}\n"
            "Name another --workdir, or remove that folder"
        )
    return State.DONE if begun.is_finished else State.TO_DO


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
    return _lines(dict(_differing(config, stage, FinishedStage(folder), ignored)))


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


def _grows(name: str, there: object, asked: object) -> bool:
    """Whether a setting is one that may grow, and does."""
    return name in _GROWING and there is not None and asked > there


def _check_going_on(config: Config, stage: str, begun: FinishedStage, grown: set[str]) -> None:
    """Checks that a longer training has this one as its beginning, and that there is more to do.

    Raises:
        ValueError: with the reason.
    """
    spec, folder = config.stages[stage], begun.folder
    optimizer = spec.optimizer
    to_the_end = (optimizer.final_learning_rate, optimizer.final_momentum) != (None, None)
    if "stage.epochs" in grown and to_the_end:
        raise ValueError(
            f"{folder} cannot go on: its rate or momentum changes in a line to the last epoch, and "
            f"with {spec.epochs} epochs each step would have had another one. Name another "
            "--workdir to train all of them"
        )
    if not begun.is_finished:
        return
    if not list_checkpoints(folder):
        raise ValueError(
            f"{folder} cannot go on: its checkpoints are gone. Name another --workdir, or leave "
            "--epochs and --patience as they were"
        )
    made, known = begun.metrics, begun.settings["stage"]
    limits = [n for n in (config.max_steps, spec.iterations) if n is not None]
    if limits and made["steps"] >= min(limits):
        raise ValueError(
            f"{folder} cannot go on: it ended after the {made['steps']} steps that it may take, "
            "not after its epochs; more of them change nothing"
        )
    if made["epochs"] < known["epochs"] and "stage.patience" not in grown:
        raise ValueError(
            f"{folder} ended after {made['epochs']} of {known['epochs']} epochs, the last "
            f"{known['patience']} of them without improvement: more epochs change nothing; give it "
            "more --patience too"
        )


def _differing(
    config: Config, stage: str, begun: FinishedStage, ignored: tuple[str, ...]
) -> Iterator[tuple[str, tuple]]:
    """Settings in which a folder and what was asked for differ: name, (there, asked)."""
    if not begun.is_begun:
        return
    asked = json.loads(json.dumps(config.for_stage(stage)))
    there = _completed(begun, asked)
    if "stage" not in ignored:
        epochs = min(there["stage"]["epochs"], asked["stage"]["epochs"])
        there, asked = (_as_trained(settings, epochs) for settings in (there, asked))
    if "auto" in (there["compile"], asked["compile"]) or not (
        begun.is_finished or list_checkpoints(begun.folder)
    ):
        ignored += ("compile",)  # what was begun goes on as it was; what took no step, as asked
    both = ({k: v for k, v in d.items() if k not in ignored} for d in (there, asked))
    yield from _compared(*both)


def _completed(begun: FinishedStage, asked: dict) -> dict:
    """The settings of a folder; those that are younger than it had their defaults then."""
    of_run = {field.name: field.default for field in dataclasses.fields(Config)}
    younger = {name: of_run[name] for name in _YOUNGER if name in asked}
    there = begun.settings
    compared = there.get("stage", {}).keys() | asked["stage"].keys()
    numbers = {name: value for name, value in numbers_of(begun).items() if name in compared}
    return younger | there | {"stage": numbers}


def _as_trained(settings: dict, epochs: int) -> dict:
    """Settings without the steps of the rate that lie beyond some epochs: they change nothing."""
    stage = settings["stage"]
    steps = [step for step in stage["optimizer"]["steps"] if step[0] < epochs]
    changed = {"steps": steps}
    if len(steps) == 1:
        changed = {"steps": [], "learning_rate": steps[0][1]}
    return settings | {"stage": stage | {"optimizer": stage["optimizer"] | changed}}


def _compared(there: object, asked: object, path: str = "") -> Iterator[tuple[str, tuple]]:
    """The settings in which two configurations differ, those in dictionaries one by one."""
    if isinstance(there, dict) and isinstance(asked, dict):
        for name in dict.fromkeys([*there, *asked]):
            yield from _compared(there.get(name), asked.get(name), f"{path}.{name}".strip("."))
    elif there != asked:
        yield path, (there, asked)


def _lines(found: dict[str, tuple]) -> list[str]:
    """One line for each difference."""
    return [f"  {name}: {old!r} there, {new!r} asked for" for name, (old, new) in found.items()]
