"""A joint stage as training leaves it, of random weights, for what is about time alone."""

import json
import pathlib
from collections.abc import Sequence

from salclass_tf import config
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import SalClassNet
from salclass_tf.runs.finished_stage import KEPT, METRICS, SETTINGS


def write(
    workdir: pathlib.Path, settings: config.Config, dataset: str, class_names: Sequence[str]
) -> SalClassNet:
    """Writes the files of the stage.

    Args:
        workdir: of the run, which is made.
        settings: networks and sizes.
        dataset: what the stage is said to have learned from.
        class_names: the classes.

    Returns:
        The network.
    """
    size = {"image_size": settings.image_size, "width": settings.width}
    options = settings.classifier_options.get(settings.classifier, {})
    network = SalClassNet(
        build_detector(settings.detector, **size),
        build_classifier(settings.classifier, len(class_names), **size, **options),
    )
    folder = workdir / "joint"
    folder.mkdir(parents=True)
    network.save(folder / KEPT)
    (folder / SETTINGS).write_text(json.dumps(settings.for_stage("joint")))
    facts = {"dataset": dataset, "class_names": list(class_names)}
    (folder / METRICS).write_text(json.dumps(facts))
    return network
