"""The network that each stage trains, and what it starts from."""

import hashlib
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from salclass_tf import detectors, keras_internals, layers
from salclass_tf.classifiers import build_classifier, rgbs
from salclass_tf.config import Config, Optimizer, Stage
from salclass_tf.config.stage import CLASSIFIER, DETECTOR, ROLES
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, DetectorModel, GazeModel, SalClassNet
from salclass_tf.optimization import optimizers, schedules
from salclass_tf.runs.finished_stage import FinishedStage

#: the folders of finished stages -> their networks, None for each whose file is to be read
Handed = Callable[[Sequence[pathlib.Path]], list[keras.Model | None]]

_PRETRAINED = pathlib.Path(__file__).parent.parent / "pretrained"
#: file and sha256 of the small classifier that `docs/reproduction.md` tells how to make
DEMO_WEIGHTS = (
    "demo_inception_v3.weights.h5",
    "52f5c6a05139a1f7cba3755ded6087d7e782048e6e1bd7ddd4626b9615f97dab",
)


def _nothing(folders: Sequence[pathlib.Path]) -> list[None]:
    """What is handed over where every network is read."""
    return [None] * len(folders)


def build_model(
    config: Config,
    stage: str,
    workdir: pathlib.Path,
    num_classes: int,
    handed: Handed = _nothing,
) -> GazeModel:
    """Builds the network of a stage with the weights that it starts from.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        workdir: where the stages before this one left their networks.
        num_classes: of the stage's data set; unused by stages of the detector. 0 asks stage
            `joint` not to compare it with its classifier's.
        handed: networks of earlier stages that need not be read.

    Returns:
        The model, not compiled; layers that `frozen` names do not learn.
    """
    role = ROLES[stage]
    if role.trains_detector:
        output = detectors.output_of(config.detector)
        error = {"saliency_loss": config.stages[stage].saliency_loss, "output": output}
    if role.is_joint:
        parts = _kept(config, stage, (DETECTOR, CLASSIFIER), workdir, handed)
        _check_classes(parts[1], num_classes, workdir / config.start_of(stage, CLASSIFIER))
        model = SalClassNet(*parts, alpha=config.alpha, map_scale=config.map_scale, **error)
    elif role.trains_detector:
        model = DetectorModel(_detector(config, stage, workdir, handed), **error)
    else:
        model = ClassifierModel(
            _classifier(config, stage, workdir, num_classes, handed),
            attention_loss=config.stages[stage].attention_loss,
        )
    _freeze(model, config.stages[stage].frozen)
    _synchronize(model)
    return model


def _check_classes(classifier: keras.Model, num_classes: int, folder: pathlib.Path) -> None:
    """Checks that a classifier answers with the classes of the set that it goes on with."""
    there = classifier.output_shape[-1]
    if num_classes not in (0, there):
        raise ValueError(
            f"the classifier in {folder} has {there} classes, the data set has {num_classes}; "
            "train both stages on one data set, in a --workdir of its own"
        )


def origin(config: Config, stage: str, workdir: pathlib.Path) -> dict[str, str]:
    """Returns what identifies the weights that a stage starts from, by the stages they are of."""
    known = {n: FinishedStage(workdir / n).weights_identity for n in config.starts_from(stage)}
    return {name: identity for name, identity in known.items() if identity}


def blank_detector(config: Config) -> keras.Model:
    """Builds the detector of a run in shape alone: no values, no files; not to be computed with."""
    options = config.detector_options.get(config.detector, {})
    with keras.StatelessScope(initialize_variables=False):
        return build_detector(
            config.detector, image_size=config.image_size, width=config.width, **options
        )


def blank_classifier(config: Config, image_size: int, saliency_input: bool = True) -> keras.Model:
    """Builds a classifier of a run in shape alone, see `blank_detector`.

    Args:
        config: the run.
        image_size: side of the crops of the stage that it is for, in pixels.
        saliency_input: whether it takes a map.
    """
    options = config.classifier_options.get(config.classifier, {})
    with keras.StatelessScope(initialize_variables=False):
        return build_classifier(
            config.classifier,
            saliency_input=saliency_input,
            image_size=image_size,
            width=config.width,
            **options,
        )


def blank_part(config: Config, stage: str, part: str) -> keras.Model:
    """Builds a part of a stage's model in shape alone, its frozen layers frozen.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        part: "detector" or "classifier".
    """
    if part == DETECTOR:
        network = blank_detector(config)
    else:
        size = config.geometry(stage).image_size
        network = blank_classifier(config, size, ROLES[stage].reads_true_map)
    _freeze_layers(network, config.stages[stage].frozen)
    return network


def kept_part(model: GazeModel) -> keras.Model:
    """The network that a stage leaves behind: a detector, a classifier, or SalClassNet itself."""
    if isinstance(model, DetectorModel):
        return model.detector
    return model.classifier if isinstance(model, ClassifierModel) else model


def build_optimizer(
    stage: Stage, model: GazeModel, steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    """Builds the optimizer of a stage.

    Args:
        stage: the stage.
        model: what it trains.
        steps_per_epoch: iterations in an epoch, for schedules that are given by epochs.
    """
    options = stage.optimizer
    rate = _rate(options, stage.epochs, steps_per_epoch)
    multipliers = untrained_multipliers(model, options.untrained_multiplier)
    if options.bias_multiplier != 1:
        multipliers |= {r"/bias$": options.bias_multiplier}
    if options.name == "adam":
        return optimizers.Adam(rate, lr_multipliers=multipliers)
    momentum = options.momentum
    if options.final_momentum is not None:
        iterations = stage.epochs * steps_per_epoch
        momentum = schedules.linear(momentum, options.final_momentum, iterations)
    return optimizers.SGD(
        rate,
        momentum=momentum,
        weight_decay=schedules.stepwise(options.weight_decay, steps_per_epoch),
        dampening=options.dampening,
        nesterov=options.nesterov,
        lr_multipliers=multipliers,
    )


def _rate(options: Optimizer, epochs: int, steps_per_epoch: int) -> schedules.ScheduleLike:
    """The learning rate, a number or a schedule over iterations."""
    first = options.learning_rate
    if options.steps:
        return schedules.stepwise(options.steps, steps_per_epoch)
    if options.staircase:
        return schedules.staircase(first, *options.staircase)
    if options.final_learning_rate is not None:
        return schedules.linear(first, options.final_learning_rate, epochs * steps_per_epoch)
    return schedules.inverse_time(first, options.inverse_decay)


def untrained_multipliers(model: GazeModel, factor: float) -> dict[str, float | list]:
    """Rate multipliers for the parameters that no pretraining has seen (Sec. 3.2 and 5.2).

    In a classifier these are the saliency slice of the first kernel, the normalisation of the
    saliency channel, and the class layer, which is the last one with weights; in a detector, the
    scores. When both are trained jointly, nothing is new any more.

    Args:
        model: what a stage trains.
        factor: on the learning rate; 50 in the paper (0.05 against 0.001).

    Returns:
        Expressions over variable paths, for the optimizers' `lr_multipliers`.

    Raises:
        ValueError: if a classifier has no convolution that could read the map.
    """
    if factor == 1 or isinstance(model, SalClassNet):
        return {}
    if isinstance(model, DetectorModel):
        return {r"(^|/)saliency_score/": factor}
    classifier = model.classifier
    class_layer = [layer for layer in layers.leaves(classifier) if layer.weights][-1]
    multipliers = {rf"(^|/){class_layer.name}/": factor}
    if model.takes_saliency:
        first = rgbs.first_convolution(classifier)
        slices = np.ones((1, 1, first.kernel.shape[2], 1), np.float32)
        slices[0, 0, 3] = factor
        multipliers[rf"(^|/){first.name}/kernel"] = slices.tolist()
        multipliers[r"(^|/)saliency_normalization/"] = factor
    return multipliers


def is_local(weights: str | None) -> bool:
    """Whether weights to start from are no public file, which would be downloaded."""
    return weights not in ("imagenet", "released")


def weights_file(weights: str | None) -> str | None:
    """Resolves "demo" to the file that is part of this package; verifies its checksum.

    Raises:
        ValueError: if the file is missing or is not the one that was published.
    """
    if weights != "demo":
        return weights
    name, expected = DEMO_WEIGHTS
    path = _PRETRAINED / name
    if not path.is_file():
        raise ValueError(f"the demo weights are missing: {path}; get them with the source code")
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ValueError(f"{path} is not the published file (sha256 {expected}); restore it")
    return str(path)


def _kept(
    config: Config, stage: str, parts: Sequence[str], workdir: pathlib.Path, handed: Handed
) -> list[keras.Model]:
    """The parts of networks that the stages before have left."""
    folders = [workdir / config.start_of(stage, part) for part in parts]
    networks = [
        FinishedStage(folder).network() if network is None else network
        for folder, network in zip(folders, handed(folders), strict=True)
    ]
    return [
        getattr(network, part) if isinstance(network, SalClassNet) else network
        for network, part in zip(networks, parts, strict=True)
    ]


def _detector(config: Config, stage: str, workdir: pathlib.Path, handed: Handed) -> keras.Model:
    """The detector that a stage starts from."""
    if config.start_of(stage, DETECTOR):
        return _kept(config, stage, [DETECTOR], workdir, handed)[0]
    return build_detector(
        config.detector,
        image_size=config.image_size,
        width=config.width,
        weights=weights_file(config.detector_weights),
        **config.detector_options.get(config.detector, {}),
    )


def _classifier(
    config: Config, stage: str, workdir: pathlib.Path, classes: int, handed: Handed
) -> keras.Model:
    """The classifier that a stage starts from."""
    before = config.start_of(stage, CLASSIFIER)
    if before and not ROLES[before].pretraining:
        [classifier] = _kept(config, stage, [CLASSIFIER], workdir, handed)
        _check_classes(classifier, classes, workdir / before)
        return classifier
    if config.makes_demo_weights(stage):
        weights = None
    elif before:
        weights = str(FinishedStage(workdir / before).require_network())
    else:
        weights = weights_file(config.classifier_weights)
    return build_classifier(
        config.classifier,
        num_classes=classes,
        saliency_input=ROLES[stage].reads_true_map,
        image_size=config.geometry(stage).image_size,
        width=config.width,
        weights=weights,
        **config.classifier_options.get(config.classifier, {}),
    )


def _freeze(model: GazeModel, pattern: str) -> None:
    """Lets every layer learn but those whose name the pattern matches."""
    for part in (getattr(model, name, None) for name in ("detector", "classifier")):
        if part is not None:
            _freeze_layers(part, pattern)


def _freeze_layers(network: keras.Model, pattern: str) -> None:
    """Lets every layer of a network learn but those whose name the pattern matches."""
    for layer in network.layers:
        layer.trainable = not is_frozen(pattern, layer.name)


def _synchronize(model: GazeModel) -> None:
    """Has batch normalisation see all devices; parts may have been trained on another number."""
    for layer in normalizations(model):
        layer.synchronized = rgbs.has_replicas()


def fuse_normalizations(model: GazeModel) -> None:
    """Has batch normalisation compute by fused kernels, but for steps compiled as a whole."""
    for layer in normalizations(model):
        layers.fuse_normalization(layer)


def normalizations(model: GazeModel) -> Iterator[keras.layers.BatchNormalization]:
    """The batch normalisations of all parts of a model."""
    for part in (getattr(model, name, None) for name in ("detector", "classifier")):
        if part is not None:
            yield from part_normalizations(part)


def part_normalizations(network: keras.Model) -> Iterator[keras.layers.BatchNormalization]:
    """The batch normalisations of a detector or a classifier."""
    for layer in layers.leaves(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def rate_of_last_step(optimizer: keras.Optimizer) -> float:
    """Returns the learning rate of the step taken last; before the first, that of the first."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    schedule = keras_internals.rate_of(inner)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return float(schedule(tf.maximum(tf.convert_to_tensor(inner.iterations) - 1, 0)))
    # Through a tensor: a constant rate is one variable on several devices, and no number.
    return float(tf.convert_to_tensor(inner.learning_rate))


def is_frozen(pattern: str, layer: str) -> bool:
    """Whether a layer of that name does not learn; see `Stage.frozen`."""
    return bool(pattern and re.match(pattern, layer))
