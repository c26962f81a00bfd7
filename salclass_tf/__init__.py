"""SalClassNet for Keras: saliency detection driven by visual classification.

Names are imported when they are first used, so that `import salclass_tf` is quick. `docs/python.md`
shows them at work.
"""

import importlib
import os
from typing import TYPE_CHECKING

# TensorFlow chooses oneDNN's kernels by itself on the newest CPUs alone; with AVX2 they halve a
# training step too. To be set before TensorFlow is imported; what a user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if TYPE_CHECKING:
    from salclass_tf import data as data
    from salclass_tf import heatmaps as heatmaps
    from salclass_tf import losses as losses
    from salclass_tf import metrics as metrics
    from salclass_tf.classifiers import build_classifier as build_classifier
    from salclass_tf.classifiers import list_classifiers as list_classifiers
    from salclass_tf.data.catalogue import load_sets as load_sets
    from salclass_tf.detectors import build_detector as build_detector
    from salclass_tf.detectors import list_detectors as list_detectors
    from salclass_tf.model import ClassifierModel as ClassifierModel
    from salclass_tf.model import DetectorModel as DetectorModel
    from salclass_tf.model import SalClassNet as SalClassNet

# Name -> the module that has it; a module stands for itself.
_HOMES = {
    "ClassifierModel": "salclass_tf.model",
    "DetectorModel": "salclass_tf.model",
    "SalClassNet": "salclass_tf.model",
    "build_classifier": "salclass_tf.classifiers",
    "build_detector": "salclass_tf.detectors",
    "data": "salclass_tf.data",
    "heatmaps": "salclass_tf.heatmaps",
    "list_classifiers": "salclass_tf.classifiers",
    "list_detectors": "salclass_tf.detectors",
    "load_sets": "salclass_tf.data.catalogue",
    "losses": "salclass_tf.losses",
    "metrics": "salclass_tf.metrics",
}

# What methods of a model call of the rooms above it, which it may not import: this file, the front
# of the package, stands above all of them.
_DOORS = {
    "export_network": "salclass_tf.serving.single",
    "kind_of": "salclass_tf.runs.locations",
    "open_location": "salclass_tf.runs.locations",
}

__all__ = [  # noqa: F822
    "ClassifierModel",
    "DetectorModel",
    "SalClassNet",
    "build_classifier",
    "build_detector",
    "data",
    "heatmaps",
    "list_classifiers",
    "list_detectors",
    "load_sets",
    "losses",
    "metrics",
]


def __getattr__(name: str):
    """Imports what is asked for the first time."""
    home = _HOMES.get(name) or _DOORS.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(home)
    value = module if home == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What is there already, and what is imported on use."""
    return sorted({*globals(), *__all__})
