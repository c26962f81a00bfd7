"""Networks of this project as methods: stages of runs, and single `.keras` files."""

import dataclasses
import functools
import json
import logging
import pathlib

import keras
import tensorflow as tf

from salclass_tf import classifiers, config, detectors, model
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.methods.crops_of_sets import Batch, EvaluatedSet, without_version
from salclass_tf.evaluation.methods.method import (
    LOGITS,
    SALIENCY,
    Answers,
    Forward,
    Method,
    hash_files,
    model_text,
)
from salclass_tf.training import final_scores

# Importing them registers the layers and models that saved networks consist of.
_REGISTERING = (classifiers, detectors, model)

#: the network that a finished stage keeps in its folder
KEPT = "model.keras"

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Stage:
    """The folder of a finished stage of training."""

    folder: pathlib.Path

    @property
    def path(self) -> pathlib.Path:
        return self.folder / KEPT

    @functools.cached_property
    def settings(self) -> dict:
        return _read(self.folder / "config.json")

    @functools.cached_property
    def metrics(self) -> dict:
        return _read(self.folder / "metrics.json")

    @property
    def name(self) -> str:
        return self.metrics.get("stage", self.folder.name)

    @functools.cached_property
    def fingerprint(self) -> str:
        return hash_files([self.path])

    @property
    def model(self) -> str:
        return model_text(self.path, self.fingerprint, self.metrics.get("kept_epoch"))

    def method(self) -> Method:
        return Method(
            name=_title(self.name, self.settings),
            model=self.model,
            fingerprint=self.fingerprint,
            gives=_gives(self.name),
            load=lambda dataset: forward(_load(self.path), dataset),
            geometry=Geometry(*self.settings["geometry"]),
            trained_on=without_version(self.metrics["dataset"]),
            class_names=tuple(self.metrics.get("class_names", ())) or None,
            needs_truth=self.name == "classifier",
            network=lambda: _load(self.path),
        )


def is_stage(folder: pathlib.Path) -> bool:
    """Whether a folder holds a finished stage."""
    return all((folder / name).is_file() for name in ("config.json", "metrics.json", KEPT))


def is_run(folder: pathlib.Path) -> bool:
    """Whether a folder holds folders of stages, finished or not."""
    return any((folder / name).is_dir() for name in config.STAGES)


def from_stage(folder: pathlib.Path) -> list[Method]:
    """Returns the network of a finished stage."""
    return [_Stage(folder).method()]


def from_run(workdir: pathlib.Path) -> list[Method]:
    """Returns the networks of a run's finished stages, the last stage first.

    With both parts of SalClassNet there is one method more: the two put together as they were
    before joint training.

    Raises:
        ValueError: if no stage is finished.
    """
    present = [name for name in reversed(config.STAGES) if (workdir / name).is_dir()]
    finished = {name: _Stage(workdir / name) for name in present if is_stage(workdir / name)}
    for name in present:
        if name not in finished:
            _log.warning("%s/%s is not finished and is left out", workdir, name)
    if not finished:
        raise ValueError(
            f"{workdir} holds no finished stage; its stages are {', '.join(present)}: finish one "
            f"with python train.py --workdir={workdir}"
        )
    methods = {name: stage.method() for name, stage in finished.items()}
    if {"saliency", "classifier"} <= set(finished):
        together = _together(finished["saliency"], finished["classifier"])
        last = {name: methods.pop(name) for name in ("joint",) if name in methods}
        return [*last.values(), together, *methods.values()]
    return list(methods.values())


def joined(workdir: pathlib.Path) -> tuple[Method, Method]:
    """Returns a run's detector as it was before joint training, and SalClassNet.

    Raises:
        ValueError: if one of both stages is not finished.
    """
    missing = [name for name in ("saliency", "joint") if not is_stage(workdir / name)]
    if missing:
        raise ValueError(
            f"{workdir} has no finished stage {missing[0]}; name a run that has been trained "
            f"jointly, or do so: python train.py --stage=joint --workdir={workdir}"
        )
    before, after = (_Stage(workdir / name).method() for name in ("saliency", "joint"))
    return before, after


def classifying(workdir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a run's last finished stage that classifies.

    Raises:
        ValueError: if there is none.
    """
    stages = [name for name in reversed(config.STAGES) if LOGITS in _gives(name)]
    finished = [workdir / name for name in stages if is_stage(workdir / name)]
    if not finished:
        raise ValueError(
            f"{workdir} has no finished stage that classifies ({', '.join(stages)}); train one: "
            f"python train.py --stage=joint --workdir={workdir}"
        )
    return finished[0]


def from_file(path: pathlib.Path) -> list[Method]:
    """Returns the network of a `.keras` file; beside its stage's files it is that stage.

    Raises:
        ValueError: if it is no network of square images, or gives neither maps nor classes.
    """
    if path.name == KEPT and is_stage(path.parent):
        return from_stage(path.parent)
    network = _load(path)
    size = _image_size(network, path)
    fingerprint = hash_files([path])
    return [
        Method(
            name=path.stem,
            model=model_text(path, fingerprint),
            fingerprint=fingerprint,
            gives=_kind(network, path),
            load=lambda dataset: forward(_load(path), dataset),
            geometry=Geometry.for_image_size(size),
            num_classes=_num_classes(network),
            needs_truth=len(getattr(network, "inputs", None) or ()) > 1,
            network=lambda: _load(path),
        )
    ]


def forward(network: keras.Model, dataset: EvaluatedSet) -> Forward:
    """Compiles a network, as training does when it reports scores, so that the numbers agree."""
    signature = dataset.signature
    function = tf.function(lambda batch: final_scores.answers(network, batch))
    compiled = function.get_concrete_function(signature)

    def answer(batch: Batch) -> Answers:
        out = compiled({key: batch[key] for key in signature})
        return {key: value.numpy() for key, value in out.items()}

    return answer


def _together(detector: _Stage, classifier: _Stage) -> Method:
    """The parts of SalClassNet before they were trained together; its maps are the detector's."""

    def network() -> keras.Model:
        return model.SalClassNet(_load(detector.path), _load(classifier.path))

    settings = detector.settings | classifier.settings
    return Method(
        name=f"{_title('joint', settings)}, parts before joint training",
        model=f"{detector.model} + {classifier.model}",
        fingerprint=hash_files([detector.path, classifier.path]),
        gives=frozenset({LOGITS}),
        load=lambda dataset: forward(network(), dataset),
        geometry=Geometry(*classifier.settings["geometry"]),
        trained_on=without_version(classifier.metrics["dataset"]),
        class_names=tuple(classifier.metrics.get("class_names", ())) or None,
        network=network,
    )


def _title(stage: str, settings: dict) -> str:
    """What the network of a stage is called in a table."""
    detector, classifier = settings.get("detector"), settings.get("classifier")
    return {
        "saliency_pretrain": f"detector {detector}, pretrained",
        "saliency": f"detector {detector}",
        "classifier_pretrain": f"{classifier}, 3 channels, pretrained",
        "classifier_rgb": f"{classifier}, 3 channels",
        "classifier": f"{classifier}, 4 channels + true maps",
        "joint": f"SalClassNet ({detector}, {classifier})",
    }[stage]


def _gives(stage: str) -> frozenset[str]:
    """What the network of a stage answers with."""
    if stage == "joint":
        return frozenset({SALIENCY, LOGITS})
    return frozenset({SALIENCY if stage.startswith("saliency") else LOGITS})


def _kind(network: keras.Model, path: pathlib.Path) -> frozenset[str]:
    """What a network answers with, by the shapes of its outputs."""
    if isinstance(network, model.SalClassNet):
        return _gives("joint")
    outputs = network.outputs if getattr(network, "outputs", None) else ()
    kind = {2: LOGITS, 4: SALIENCY}.get(len(outputs[0].shape)) if len(outputs) == 1 else None
    if kind is None or (kind == SALIENCY and outputs[0].shape[-1] != 1):
        raise ValueError(
            f"{path} must give maps [b, s, s, 1], classes [b, n] or be a SalClassNet; got "
            f"{[tuple(x.shape) for x in outputs] or type(network).__name__}"
        )
    return frozenset({kind})


def _image_size(network: keras.Model, path: pathlib.Path) -> int:
    """Side of the images that a network takes."""
    first = network.detector if isinstance(network, model.SalClassNet) else network
    inputs = getattr(first, "inputs", None) or ()
    image = [x.shape for x in inputs if len(x.shape) == 4 and x.shape[-1] == 3]
    if not image or image[0][1] != image[0][2] or image[0][1] is None:
        raise ValueError(
            f"{path} must take square RGB images of one size, [b, s, s, 3]; it takes "
            f"{[tuple(x.shape) for x in inputs]}"
        )
    return image[0][1]


def _num_classes(network: keras.Model) -> int:
    """Length of a classifier's answers."""
    last = network.classifier if isinstance(network, model.SalClassNet) else network
    return last.outputs[0].shape[-1]


def _load(path: pathlib.Path) -> keras.Model:
    """Loads a saved network.

    Raises:
        ValueError: if the file is none.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} cannot be loaded as a Keras network: {reason}") from error


def _read(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged ({error}); train the stage again") from None
