"""Stages of one folder are of one data set: what was made on another is not taken for it."""

import pathlib

from salclass_tf.config import Config
from salclass_tf.config.stage import CLASSIFIER
from salclass_tf.data import set_record
from salclass_tf.data.set_record import SetRecord
from salclass_tf.runs.finished_stage import FinishedStage


def check(stage: str, folder: pathlib.Path, now: SetRecord) -> None:
    """Checks that a stage was begun on the data that it would see now.

    Args:
        stage: name of the stage.
        folder: where it is, or will be.
        now: the data set that the run names.

    Raises:
        ValueError: if it was begun on another one; each difference has a line.
    """
    begun = FinishedStage(folder)
    if not begun.is_begun:
        return
    lines = "\n".join(begun.dataset.differences(now))
    if lines:
        raise ValueError(
            f"stage {stage} in {folder} was made on other data:\n{lines}\n"
            "Name another --workdir, or the data that it was made on, or remove that folder to "
            "train the stage again"
        )


def check_joint(
    config: Config, stage: str, workdir: pathlib.Path, classes: dict[str, tuple[str, ...]]
) -> None:
    """Checks that a joint stage and the classifier that it starts from mean the same classes.

    Args:
        config: the run.
        stage: the joint stage.
        workdir: where the stages before it left their networks.
        classes: stage -> names of the classes of its set, as far as they are known.

    Raises:
        ValueError: naming both sets, and the remedy.
    """
    before = config.start_of(stage, CLASSIFIER)
    part = FinishedStage(workdir / before)
    there = part.class_names if part.is_finished else classes.get(before, ())
    lines = "\n".join(set_record.class_differences(there, classes.get(stage, ())))
    if lines:
        name = part.dataset.full_name or config.stages[before].dataset
        raise ValueError(
            f"stage {stage} on {config.stages[stage].dataset} would go on from a classifier of "
            f"{name}, {part.folder}, with other classes:\n{lines}\n"
            "Train both on one data set, in a --workdir of its own"
        )
