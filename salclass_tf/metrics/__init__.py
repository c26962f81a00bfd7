"""Saliency metrics: one image at a time in float64 NumPy, or a batch in TensorFlow.

The NumPy functions score published maps against recorded fixations. `map` arguments are
[h, w] arrays, `xy` arguments fixations (column, row), 0-based pixels, [n, 2]; a fixation
belongs to the pixel whose centre is nearest, and repeated ones count each time. NaN means
that the score is undefined (nobody looked): leave such images out of a mean and count them,
as `evaluation.evaluate` does, which scores whole data sets.

Defaults follow pysaliency 0.2.22 and the benchmark built on it. Where the code of the MIT
saliency benchmark (`code_forMetrics`) differs, a keyword selects its form:

    nss(..., binary=True, ddof=1)
    sim(..., stretch=True)
    auc_judd(..., binary=True, jitter=1e-7)
    auc_borji(..., binary=True)
    shuffled_auc(..., binary=True, draws=100, step=0.1), fixations of ten other images
    information_gain(..., binary=True, stretch=True)

Three differences remain on purpose: the benchmark resizes a map that does not fit (bicubic),
which is an error here; it has no score for constant maps, which have a documented one here;
and its AUC-Judd miscounts false alarms where values tie, unless jitter parts them.

The TensorFlow functions take [b, h, w, 1] batches while a network trains. They return 0 where
the score is undefined; `has_gaze` is the mask for the mean. TensorFlow is imported when one of
them is first used: the NumPy functions start without it.
"""

import importlib

from salclass_tf.metrics.distribution import cc, kl, sim
from salclass_tf.metrics.location import information_gain, nss
from salclass_tf.metrics.roc import (
    auc,
    auc_borji,
    auc_judd,
    shuffled_auc,
    shuffled_auc_of_counts,
)

_BATCHES = (
    "TrainingCorrelation",
    "TrainingScanpath",
    "correlation",
    "has_gaze",
    "normalized_scanpath",
)

__all__ = [
    "auc",
    "auc_borji",
    "auc_judd",
    "cc",
    "information_gain",
    "kl",
    "nss",
    "shuffled_auc",
    "shuffled_auc_of_counts",
    "sim",
    *_BATCHES,
]


def __getattr__(name: str):
    """Imports what needs TensorFlow when it is asked for."""
    if name not in _BATCHES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("salclass_tf.metrics.batches"), name)
