"""What can be known to be wrong before hours of training: settings, networks, data sets."""

import logging
import pathlib

import keras

from salclass_tf import losses, pair, spelling
from salclass_tf.classifiers import list_classifiers, pooling
from salclass_tf.config import Config, recipes
from salclass_tf.config.stage import ROLES, needs_gaze
from salclass_tf.data import sets
from salclass_tf.detectors import list_detectors, output_of
from salclass_tf.training import networks

_log = logging.getLogger(__name__)


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
            unknown = spelling.unknown(part, name, known)
            raise ValueError(f"{unknown}; choose one of {', '.join(known)}")
    for stage in order:
        if stage not in config.stages:
            raise ValueError(
                f"stage {stage} has no place in this run; it has {', '.join(config.stages)}"
            )
    errors = [config.stages[name].saliency_loss for name in order if ROLES[name].trains_detector]
    for name in errors:
        losses.get(name)
    if "mse" in errors and output_of(config.detector) == "density":
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
    roles = {name: ROLES[name] for name in order}
    sizes = {config.geometry(n).image_size for n, role in roles.items() if role.trains_classifier}
    for stage in order:
        _check_geometry(config, stage, order)
    try:
        learns = any(role.trains_detector for role in roles.values())
        detector = networks.blank_detector(config) if learns else None
        built = {size: networks.blank_classifier(config, size) for size in sorted(sizes)}
        if any(role.is_joint for role in roles.values()):
            pair.check(detector, built[config.image_size])
        for stage, role in roles.items():
            if not role.is_joint:
                size = config.geometry(stage).image_size
                network = built[size] if role.trains_classifier else detector
                _check_frozen(config, stage, network)
                _check_attention(config, stage, network)
    finally:
        keras.backend.clear_session()  # it would give values to what was built, later


def _check_frozen(config: Config, stage: str, network: keras.Model) -> None:
    """Checks that frozen layers have been trained by something."""
    (part,) = ROLES[stage].trains
    trained = config.starts_from(stage) or getattr(config, f"{part}_weights") is not None
    pattern = config.stages[stage].frozen
    frozen = [x.name for x in network.layers if x.weights and networks.is_frozen(pattern, x.name)]
    if frozen and not trained:
        raise ValueError(
            f"stage {stage} leaves layers as they are that nothing has trained, {frozen[0]} the "
            f"first of them; name weights of the network with --{part}_weights"
        )


def _check_attention(config: Config, stage: str, network: keras.Model) -> None:
    """Checks that a classifier has features that an attention loss can be taken of."""
    if config.stages[stage].attention_loss:
        try:
            pooling.last_features(network)
        except ValueError as error:
            raise ValueError(f"attention_loss of stage {stage}: {error}, or leave it out") from None


def _check_geometry(config: Config, stage: str, order: list[str]) -> None:
    """Checks that the crops of a stage have the size of the network that it trains."""
    joined = {name for one in order if ROLES[one].is_joint for name in config.starts_from(one)}
    shared = ROLES[stage].trains_detector or stage in joined
    size = config.geometry(stage).image_size
    if shared and size != config.image_size:
        raise ValueError(
            f"stage {stage} trains a network for images of {config.image_size} x "
            f"{config.image_size} pixels, which the detector and the classifier of a run share; "
            f"its own geometry gives crops of {size}: leave that out, or set image_size={size}"
        )


def check_set(config: Config, stage: str, gaze_set: sets.GazeSet) -> None:
    """Checks that a set has what a stage learns from, as far as the set knows that.

    Raises:
        ValueError: naming what is missing.
    """
    role, prepared = ROLES[stage], gaze_set.is_prepared
    classes = len(gaze_set.class_names) >= 2 if prepared else gaze_set.has_labels
    if role.trains_classifier and not classes:
        raise ValueError(f"stage {stage} needs classes; data set {gaze_set.name} has none")
    if needs_gaze(stage, config.stages[stage]) and prepared and not gaze_set.has_gaze:
        remedy = "" if role.needs_gaze else ": leave out attention_loss and crop_around"
        raise ValueError(f"stage {stage} needs gaze; data set {gaze_set.name} has none{remedy}")
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
    return (
        ROLES[stage].trains_detector
        and losses.get(config.stages[stage].saliency_loss).needs_fixations
    )


def knows_network(config: Config, stage: str, gaze_set: sets.GazeSet) -> bool:
    """Whether the network of a stage can be built with neither a download nor a prepared set."""
    role = ROLES[stage]
    local = all(networks.is_local(getattr(config, f"{part}_weights")) for part in role.trains)
    return local and (not role.trains_classifier or len(gaze_set.class_names) >= 2)


def check_network(config: Config, stage: str, gaze_set: sets.GazeSet) -> None:
    """Builds the network of a stage, if it starts from no other one, to see whether it can be.

    Raises:
        ValueError: for images that are too small and for weights that do not fit.
    """
    if not ROLES[stage].is_joint and not config.starts_from(stage):
        networks.build_model(config, stage, pathlib.Path(), len(gaze_set.class_names))
        keras.backend.clear_session()
