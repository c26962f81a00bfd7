"""Networks by where they are: a run, a stage of it, a file, a repository of Hugging Face."""

import dataclasses
import os
import pathlib
from typing import Any

import keras

from salclass_tf.detectors import output_of
from salclass_tf.model import ClassifierModel, DetectorModel, SalClassNet
from salclass_tf.model.networks import output_rank
from salclass_tf.runs.finished_stage import KEPT, METRICS, FinishedStage, load_network

_HUB = "hf://"


@dataclasses.dataclass(frozen=True)
class Located:
    """A network, and what lies beside it.

    Attributes:
        network: a detector, a classifier or one of the models of `salclass_tf.model`.
        class_names: in the order of its logits; () if not known.
        short_side: short side of the images that its crops were taken from, None if not known.
        saliency: `saliency_loss` and `output` of its detector, as far as known.
    """

    network: keras.Model
    class_names: tuple[str, ...] = ()
    short_side: int | None = None
    saliency: dict[str, Any] = dataclasses.field(default_factory=dict)


def open_location(location: str | os.PathLike, stage: str) -> Located:
    """Loads the network that a location stands for.

    Args:
        location: the folder of a run or of a stage, a `.keras` file, a folder with a
            `model.keras` alone, or `hf://user/name[@revision]`.
        stage: the one that is taken of a run.

    Returns:
        The network; the facts beside it where it is one of a finished stage.

    Raises:
        ValueError: if there is no network, it cannot be read, or `huggingface_hub` is needed and
            not installed.
    """
    if os.fspath(location).startswith(_HUB):
        return _open_path(_downloaded(os.fspath(location)), stage)
    return _open_path(pathlib.Path(location), stage)


def _open_path(path: pathlib.Path, stage: str) -> Located:
    """Loads the network of a local path."""
    if path.is_file():
        # The network of a stage, named by its file, is still the stage's.
        is_kept = path.name == KEPT and (path.parent / METRICS).is_file()
        return _of_stage(FinishedStage(path.parent)) if is_kept else Located(load_network(path))
    if not path.is_dir():
        raise ValueError(
            f"{path} is not there; name the folder of a run or of one of its stages, a .keras "
            "file, or hf://user/name"
        )
    if (path / stage).is_dir():
        return _of_stage(FinishedStage(path / stage))
    if (path / KEPT).is_file() and not (path / METRICS).is_file():
        return Located(load_network(path / KEPT))
    return _of_stage(FinishedStage(path))


def _of_stage(stage: FinishedStage) -> Located:
    """Loads the network of a finished stage."""
    stage.require_finished()
    settings = stage.settings
    saliency = {}
    if "detector" in settings:
        loss = settings.get("stage", {}).get("saliency_loss")
        saliency = {"output": output_of(settings["detector"])}
        saliency |= {"saliency_loss": loss} if loss else {}
    return Located(stage.network(), stage.class_names, stage.geometry.short_side, saliency)


def _downloaded(address: str) -> pathlib.Path:
    """The local copy of a repository of Hugging Face."""
    name, _, revision = address.removeprefix(_HUB).partition("@")
    if name.count("/") != 1 or not all(name.split("/")):
        raise ValueError(f"a repository of Hugging Face is hf://user/name; got {address}")
    try:
        import huggingface_hub
    except ImportError:
        raise ValueError(
            f"{address} needs package huggingface_hub: pip install huggingface_hub, or "
            "salclass-tf[hub]"
        ) from None
    try:
        return pathlib.Path(huggingface_hub.snapshot_download(name, revision=revision or None))
    except (OSError, ValueError) as error:  # HTTP errors, no such repository, no network
        raise ValueError(f"cannot download {address}: {error}") from error


def kind_of(network: keras.Model) -> str:
    """What a network is, in words, and what loads it."""
    if isinstance(network, SalClassNet):
        return "a SalClassNet: use SalClassNet.from_preset"
    if isinstance(network, DetectorModel) or output_rank(network) == 4:
        return "a detector: use DetectorModel.from_preset"
    if isinstance(network, ClassifierModel) or output_rank(network) == 2:
        return "a classifier: use ClassifierModel.from_preset"
    return f"the network {network.name}, which is none of this package's kinds"
