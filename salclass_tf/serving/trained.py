"""Which finished stages can be served, and what their classes are called."""

import os
import pathlib

import tensorflow_datasets as tfds

from salclass_tf.config.stage import role
from salclass_tf.data import sets
from salclass_tf.runs.finished_stage import FinishedStage


def open_stage(workdir: str | os.PathLike, stage: str) -> FinishedStage:
    """Opens the stage that a server answers with.

    Args:
        workdir: folder of the run.
        stage: one of `config.STAGES`.

    Raises:
        ValueError: if the stage is not finished, or no image alone is enough for its network.
    """
    if role(stage).reads_true_map:
        raise ValueError(
            f"stage {stage} was trained on true gaze maps, which a request does not have; "
            "take joint, whose maps come from its detector, or classifier_rgb"
        )
    return FinishedStage(pathlib.Path(workdir) / stage).require_finished()


def class_names(
    stage: FinishedStage, data_dir: str | None = None, file: str | os.PathLike | None = None
) -> tuple[str, ...]:
    """Names of a network's classes, in the order of its answers.

    Training records them; of older runs, the prepared data set knows them.

    Args:
        stage: whose network it is.
        data_dir: where prepared data sets live, None for TFDS' own place.
        file: text file with a name per line, in place of those.

    Returns:
        As many names as the network has classes; none for a detector.

    Raises:
        ValueError: if there are no names, too few or too many of them, or one that is empty.
    """
    if not stage.num_classes:
        return ()
    if file is not None:
        names = _read_names(pathlib.Path(file))
    else:
        names = stage.class_names
        names = names or _names_in_set(stage.settings["stage"]["dataset"], data_dir)
    if len(names) != stage.num_classes or not all(names):
        raise ValueError(
            f"the network has {stage.num_classes} classes, each needs a name; got {len(names)} "
            f"names from {file or stage.settings['stage']['dataset']}: name the folder of the "
            "prepared data set with --data_dir, or a file of names with --class_names"
        )
    return names


def _read_names(path: pathlib.Path) -> tuple[str, ...]:
    """The lines of a text file."""
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be text in UTF-8 ({error}); save it so") from error


def _names_in_set(dataset: str, data_dir: str | None) -> tuple[str, ...]:
    """The names that a data set knows, without preparing it; none if there is no such set."""
    try:
        builder = tfds.builder(dataset, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        return ()
    return sets.GazeSet(dataset, builder).class_names
