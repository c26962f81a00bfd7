"""Networks of this project as methods: stages of runs, and single `.keras` files."""

import dataclasses
import functools
import logging
import pathlib

import keras
import tensorflow as tf

from salclass_tf import model
from salclass_tf.config.stage import CLASSIFIER, DETECTOR, ROLES, role
from salclass_tf.data.geometry import WHOLE, Geometry
from salclass_tf.evaluation.methods import whole
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet, without_version
from salclass_tf.evaluation.methods.method import (
    LOGITS,
    SALIENCY,
    Answers,
    Forward,
    Method,
    model_text,
)
from salclass_tf.model.whole_images import WholeImages
from salclass_tf.runs import learned, twins
from salclass_tf.runs.files import hash_files
from salclass_tf.runs.finished_stage import KEPT, FinishedStage, load_network
from salclass_tf.training import final_scores, map_use

_log = logging.getLogger(__name__)


def is_stage(folder: pathlib.Path) -> bool:
    """Whether a folder holds a finished stage."""
    return FinishedStage(folder).is_finished


def is_run(folder: pathlib.Path) -> bool:
    """Whether a folder holds folders of stages, finished or not."""
    return any((folder / name).is_dir() for name in ROLES)


def from_stage(folder: pathlib.Path) -> list[Method]:
    """Returns the network of a finished stage."""
    return [_method(FinishedStage(folder))]


def from_run(workdir: pathlib.Path) -> list[Method]:
    """Returns the networks of a run's finished stages, the last stage first.

    With both parts of SalClassNet there is one method more: the two put together as they were
    before joint training.

    Raises:
        ValueError: if no stage is finished.
    """
    present = [name for name in reversed(ROLES) if (workdir / name).is_dir()]
    stages = {name: FinishedStage(workdir / name) for name in present}
    finished = {name: stage for name, stage in stages.items() if stage.is_finished}
    for name in present:
        if name not in finished:
            _log.warning("%s/%s is not finished and is left out", workdir, name)
    if not finished:
        raise ValueError(
            f"{workdir} holds no finished stage; its stages are {', '.join(present)}: finish one "
            f"with python train.py --workdir={workdir}"
        )
    methods = {name: _method(stage) for name, stage in finished.items()}
    if {"saliency", "classifier"} <= set(finished) and _fit(finished):
        joint = finished["joint"].settings if "joint" in finished else {}
        together = _together(finished["saliency"], finished["classifier"], joint)
        last = {name: methods.pop(name) for name in ("joint",) if name in methods}
        return [*last.values(), together, *methods.values()]
    return list(methods.values())


def _fit(finished: dict[str, FinishedStage]) -> bool:
    """Whether both parts of SalClassNet learned from one data set; a warning says it if not."""
    lines = finished["saliency"].dataset.differences(finished["classifier"].dataset)
    if lines:
        _log.warning(
            "%s and %s (there and here) learned from other data and are not put together:\n%s",
            finished["saliency"].folder,
            finished["classifier"].folder,
            "\n".join(lines),
        )
    return not lines


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
    before, after = (_method(FinishedStage(workdir / name)) for name in ("saliency", "joint"))
    return before, after


def classifying(workdir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a run's last finished stage that classifies.

    Raises:
        ValueError: if there is none.
    """
    stages = [name for name in reversed(ROLES) if LOGITS in _gives(name)]
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
    network = load_network(path)
    geometry = Geometry.for_image_size(_image_size(network, path))
    fingerprint = hash_files([path])
    return [
        Method(
            name=path.stem,
            model=model_text(path, fingerprint),
            fingerprint=fingerprint,
            gives=_kind(network, path),
            load=lambda dataset: forward(load_network(path), dataset, geometry),
            gives_probabilities=_ends_in_softmax(network),
            geometry=geometry,
            num_classes=_num_classes(network),
            needs_truth=len(getattr(network, "inputs", None) or ()) > 1,
            network=lambda: load_network(path),
        )
    ]


def _method(stage: FinishedStage) -> Method:
    """The network of a finished stage as a method, with what it is with other maps."""
    method = _plain_method(stage)
    row = role(stage.name)
    if not (row.trains_classifier and row.needs_gaze):
        return method
    maps = (map_use.TRUE, map_use.OTHER, map_use.NONE)
    variants = [
        dataclasses.replace(
            method,
            fingerprint=f"{method.fingerprint} with {which}",
            gives=frozenset({LOGITS}),
            load=lambda dataset, which=which: _with_map(_reader(stage), which, dataset),
            needs_truth=row.reads_true_map or which == map_use.TRUE,
            reads=which,
        )
        for which in (maps[1:] if row.reads_true_map else maps)
    ]
    variants += [
        dataclasses.replace(_plain_method(twin), reads=map_use.RGB)
        for twin in twins.alike(stage, stage.folder.parent)
    ]
    return dataclasses.replace(method, variants=tuple(variants))


@functools.lru_cache(maxsize=1)  # its maps are asked for one after the other, on one set
def _reader(stage: FinishedStage) -> map_use.Reader:
    """A network that is asked with several maps: read and traced once for all of them."""
    return map_use.Reader(final_scores.Forward(stage.read_network()))


def _with_map(reader: map_use.Reader, which: str, dataset: EvaluatedSet) -> Forward:
    """Answers with a map of choice in place of the network's own."""
    mine = reader.afresh()  # of a set's first picture on, whatever is asked in between

    def answer(batch: Batch) -> Answers:
        read = {key: batch[key] for key in dataset.signature}
        return {LOGITS: mine.answers(read, (which,))[which].numpy()}

    return answer


def _plain_method(stage: FinishedStage) -> Method:
    """The network of a finished stage."""
    gone_through = learned.read(stage.metrics)
    return Method(
        name=_title(stage.name, stage.settings) + learned.addition(gone_through),
        model=_files(stage),
        fingerprint=stage.fingerprint,
        gives=_gives(stage.name),
        load=lambda dataset: forward(stage.read_network(), dataset, stage.geometry),
        geometry=stage.geometry,
        trained_on=without_version(stage.metrics["dataset"]),
        chosen_on=_chosen_on(stage),
        class_names=stage.class_names or None,
        needs_truth=role(stage.name).reads_true_map,
        network=stage.read_network,
        seen=learned.columns(gone_through),
    )


def _chosen_on(stage: FinishedStage) -> str | None:
    """The split on which the epoch of a stage was chosen.

    Before it was recorded, that was the validation split even where networks were tested on it.
    """
    tested = stage.metrics.get("split")
    return stage.metrics.get("validation_split", tested if tested == "validation" else None)


def _files(stage: FinishedStage) -> str:
    """What a row says of a stage's files."""
    return model_text(stage.path, stage.fingerprint, stage.metrics.get("kept_epoch"))


def forward(network: keras.Model, dataset: EvaluatedSet, geometry: Geometry) -> Forward:
    """Compiles a network for the view of a set.

    On crops as training does when it reports scores, so that the numbers agree.
    """
    if dataset.view == WHOLE:
        return whole.OneByOne(WholeImages(network, geometry))
    signature = dataset.signature
    function = tf.function(lambda batch: final_scores.answers(network, batch), autograph=False)
    compiled = function.get_concrete_function(signature)

    def answer(batch: Batch) -> Answers:
        out = compiled({key: batch[key] for key in signature})
        return {key: value.numpy() for key, value in out.items()}

    return answer


def _together(detector: FinishedStage, classifier: FinishedStage, joint: dict) -> Method:
    """The parts of SalClassNet before they were trained together; its maps are the detector's."""
    map_scale = joint.get("map_scale", "none")
    # Joint training has fitted it to maps of images that are not at hand here.
    fitted = ", map's normalisation not fitted" if joint.get("fit_map_normalization") else ""

    def network() -> keras.Model:
        parts = detector.read_network(), classifier.read_network()
        return model.SalClassNet(*parts, map_scale=map_scale)

    settings = detector.settings | classifier.settings
    gone_through = learned.read(classifier.metrics)
    title = _title("joint", settings) + learned.addition(gone_through)
    return Method(
        name=f"{title}, parts before joint training{fitted}",
        model=f"{_files(detector)} + {_files(classifier)}",
        fingerprint=hash_files([detector.path, classifier.path]) + _not_default(map_scale),
        gives=frozenset({LOGITS}),
        load=lambda dataset: forward(network(), dataset, classifier.geometry),
        geometry=classifier.geometry,
        trained_on=without_version(classifier.metrics["dataset"]),
        class_names=classifier.class_names or None,
        network=network,
        seen=learned.columns(gone_through),
    )


def _not_default(map_scale: str) -> str:
    """What tells parts that are joined in another way from the same parts as they are."""
    return "" if map_scale == "none" else f"-{map_scale}"


def _title(stage: str, settings: dict) -> str:
    """What the network of a stage is called in a table."""
    names = {part: settings.get(part) for part in (DETECTOR, CLASSIFIER)}
    return role(stage).method.format(**names)


def _gives(stage: str) -> frozenset[str]:
    """What the network of a stage answers with."""
    answers = {DETECTOR: SALIENCY, CLASSIFIER: LOGITS}
    return frozenset(answers[part] for part in role(stage).trains)


def _kind(network: keras.Model, path: pathlib.Path) -> frozenset[str]:
    """What a network answers with, by the shapes of its outputs."""
    if isinstance(network, model.SalClassNet):
        return frozenset({SALIENCY, LOGITS})
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


def _ends_in_softmax(network: keras.Model) -> bool:
    """Whether a network of another origin answers with probabilities in place of logits."""
    last = (getattr(network, "layers", None) or [None])[-1]
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    return softmax or isinstance(last, keras.layers.Softmax)


def _num_classes(network: keras.Model) -> int:
    """Length of a classifier's answers."""
    last = network.classifier if isinstance(network, model.SalClassNet) else network
    return last.outputs[0].shape[-1]
