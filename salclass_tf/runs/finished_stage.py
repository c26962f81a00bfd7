"""What a finished stage of training left in its folder."""

import dataclasses
import json
import os
import pathlib

import keras
import tensorflow_datasets as tfds

from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.model import SalClassNet
from salclass_tf.training.networks import KEPT


@dataclasses.dataclass(frozen=True)
class FinishedStage:
    """A trained network and the facts of its training.

    Attributes:
        name: one of `config.STAGES`.
        settings: its `config.json`.
        metrics: its `metrics.json`.
        network: the kept network: a detector, an RGB classifier or SalClassNet.
    """

    name: str
    settings: dict
    metrics: dict
    network: keras.Model

    @property
    def geometry(self) -> Geometry:
        """Crop and resize sizes that the network was trained with."""
        return Geometry(*self.settings["geometry"])

    @property
    def num_classes(self) -> int:
        """Classes of the network's answers, 0 of a detector."""
        if isinstance(self.network, SalClassNet):
            return self.network.classifier.output_shape[-1]
        return 0 if len(self.network.output_shape) == 4 else self.network.output_shape[-1]


def load(workdir: str | os.PathLike, stage: str) -> FinishedStage:
    """Loads the network that a stage kept, with what is written beside it.

    Args:
        workdir: folder of the run.
        stage: one of `config.STAGES`.

    Returns:
        The stage, its network not compiled.

    Raises:
        ValueError: if the stage is not finished, or no image alone is enough for its network.
    """
    folder = pathlib.Path(workdir) / stage
    if stage == "classifier":
        raise ValueError(
            "stage classifier was trained on true gaze maps, which a request does not have; "
            "take joint, whose maps come from its detector, or classifier_rgb"
        )
    if not (folder / "metrics.json").is_file():
        raise ValueError(
            f"{folder} holds no finished stage; train it: "
            f"python train.py --stage={stage} --workdir={workdir}"
        )
    settings, metrics = (
        json.loads((folder / name).read_text()) for name in ("config.json", "metrics.json")
    )
    network = keras.models.load_model(folder / KEPT, compile=False)
    return FinishedStage(stage, settings, metrics, network)


def class_names(
    stage: FinishedStage, data_dir: str | None = None, file: str | os.PathLike | None = None
) -> tuple[str, ...]:
    """Names of a network's classes, in the order of its answers.

    Training writes them into `metrics.json`; where it did not, the prepared data set knows them.

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
        names = tuple(pathlib.Path(file).read_text(encoding="utf-8").splitlines())
    else:
        names = tuple(stage.metrics.get("class_names", ()))
        names = names or _names_in_set(stage.settings["stage"]["dataset"], data_dir)
    if len(names) != stage.num_classes or not all(names):
        raise ValueError(
            f"the network has {stage.num_classes} classes, each needs a name; got {len(names)} "
            f"names from {file or stage.settings['stage']['dataset']}: name the folder of the "
            "prepared data set with --data_dir, or a file of names with --class_names"
        )
    return names


def _names_in_set(dataset: str, data_dir: str | None) -> tuple[str, ...]:
    """The names that a data set knows, without preparing it; none if there is no such set."""
    try:
        builder = tfds.builder(dataset, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        return ()
    return sets.GazeSet(dataset, builder).class_names
