"""The network of a stage rebuilt, in the arithmetic that it is served in."""

import keras

from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import SalClassNet
from salclass_tf.runs.finished_stage import FinishedStage


def build_twin(stage: FinishedStage, precision: str) -> keras.Model:
    """Builds the network of a stage with random weights.

    A saved network keeps the precision that it was trained in, layer by layer; building it again
    is how it gets another, with those layers left in float32 that are always in float32.

    Args:
        stage: what to build.
        precision: "float32" or "bfloat16", of variables and arithmetic.

    Returns:
        A detector, an RGB classifier or SalClassNet.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        if isinstance(stage.network(), SalClassNet):
            return stage.network().joined_alike(_detector(stage), _classifier(stage))
        return _classifier(stage) if stage.num_classes else _detector(stage)
    finally:
        keras.config.set_dtype_policy(before)


def in_precision(stage: FinishedStage, precision: str) -> keras.Model:
    """Returns the network of a stage, or its twin of another precision with the same weights."""
    if stage.settings["precision"] == precision:
        return stage.network()
    twin = build_twin(stage, precision)
    twin.set_weights(stage.network().get_weights())
    return twin


def _detector(stage: FinishedStage) -> keras.Model:
    """The detector that the stage's settings describe."""
    settings = stage.settings
    return build_detector(
        settings["detector"],
        image_size=stage.geometry.image_size,
        width=settings["width"],
        **settings["detector_options"],
    )


def _classifier(stage: FinishedStage) -> keras.Model:
    """The classifier that the stage's settings describe."""
    settings = stage.settings
    return build_classifier(
        settings["classifier"],
        num_classes=stage.num_classes,
        saliency_input=isinstance(stage.network(), SalClassNet),
        image_size=stage.geometry.image_size,
        width=settings["width"],
        **settings["classifier_options"],
    )
