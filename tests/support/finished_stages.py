"""Writes what a finished stage of training leaves, with random weights and in no time."""

import dataclasses
import json
import pathlib

import keras
import numpy as np

from salclass_tf import config
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import SalClassNet

CLASSES = ("café", "dog", "emu", "fox", "gnu", "hen", "ibis")
SIZES = {"image_size": 40, "width": 1 / 32}


def spread_weights(network: keras.Model) -> None:
    """Gives biases, means and variances values as training does: at zero they hide mistakes."""
    rng = np.random.default_rng(3)
    for variable in network.variables:
        if "moving_variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
        elif len(variable.shape) == 1:
            variable.assign(rng.normal(0.0, 0.3, variable.shape))
        elif "saliency_score" in variable.path or "predictions" in variable.path:
            variable.assign(rng.normal(0.0, 2.0, variable.shape))


def build_network(stage: str, precision: str = "float32") -> keras.Model:
    """The network of a stage: a detector, an RGB classifier, or SalClassNet."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(precision)
    try:
        detector = build_detector("vgg16", **SIZES)
        classifier = build_classifier(
            "vgg16", len(CLASSES), saliency_input=stage == "joint", top="pool", **SIZES
        )
    finally:
        keras.config.set_dtype_policy("float32")
    network = {"joint": None, "saliency": detector}.get(stage, classifier)
    network = network or SalClassNet(detector, classifier)
    spread_weights(network)
    kernel = classifier.get_layer("predictions").kernel
    kernel.assign(kernel / 100)  # its features are as large as pixels
    return network


def write_stage(workdir: pathlib.Path, stage: str, precision: str = "float32") -> keras.Model:
    """Writes the folder of a finished stage and returns its network."""
    network = build_network(stage, precision)
    settings = dataclasses.replace(
        config.build_config(),
        detector="vgg16",
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "pool"}},
        short_side=46,
        precision=precision,
        **SIZES,
    )
    _write(workdir, stage, settings, network)
    (workdir / "names.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    return network


def write_paper_stage(workdir: pathlib.Path) -> keras.Model:
    """Writes a joint stage of the paper's networks in full size, and returns its network."""
    keras.utils.set_random_seed(1)
    network = SalClassNet(build_detector("vgg19"), build_classifier("inception_v3", 120))
    settings = dataclasses.replace(config.build_config("paper"), precision="float32")
    _write(workdir, "joint", settings, network)
    names = [f"class {number}" for number in range(120)]
    (workdir / "names.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return network


def _write(
    workdir: pathlib.Path, stage: str, settings: config.Config, network: keras.Model
) -> None:
    """The three files that an export reads."""
    folder = workdir / stage
    folder.mkdir(parents=True)
    network.save(folder / "model.keras")
    (folder / "config.json").write_text(json.dumps(settings.for_stage(stage)))
    metrics = {"dataset": "dotted_noise/1.0.0", "split": "test", "test": {"images": 6}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
