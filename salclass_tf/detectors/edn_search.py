"""The training of eDN (Vig et al., CVPR 2014): a search over random features, and a linear SVM.

`model = edn_search.fit(batches)` gives a detector as `build_detector("edn")` does. Known of the
paper and kept: candidates are judged one by one, by how well a linear SVM on their features tells
fixated pixels from others on images left out; the best six together get the final SVM. Chosen
here: plain random search, the share of images left out, and the number of candidates.
"""

import importlib
from collections.abc import Iterable

import keras
import numpy as np

from salclass_tf.detectors import edn

_HELD_OUT = 4  # every fourth image judges the candidates
_DARK = 0.1  # a cell whose true map is below it counts as not looked at


def fit(
    batches: Iterable[dict],
    width: float = 1.0,
    candidates: int = 24,
    members: int = 6,
    pixels: int = 20,
    seed: int = 0,
) -> keras.Model:
    """Searches random features, trains a linear SVM on the best, and returns the detector.

    Fixated cells are drawn in proportion to the true map, as many others from where it is dark.
    Finally the scores are scaled and shifted to fit the true maps in the least squares, so that
    the output is a map like those of other detectors.

    Args:
        batches: dicts of `image`, RGB in [0, 255], [b, s, s, 3], and `saliency`, [0, 1],
            [b, s, s, 1]; read `candidates + 3` times, in the same order, such as a tf.data.Dataset
            of `pipeline.training_batches` or a list.
        width: factor on every channel count.
        candidates: hierarchies to try.
        members: how many of them to keep.
        pixels: cells of each kind to learn from in each image.
        seed: decides candidates and cells.

    Returns:
        A detector, image [b, s, s, 3] -> saliency float32 [b, s, s, 1]; saves as `.keras`.

    Raises:
        ValueError: if scikit-learn is not there, `members` is not between 1 and `candidates`, or
            fewer than `_HELD_OUT` images have gaze.
    """
    _check(candidates, members)
    seeds = [seed * candidates + number for number in range(candidates)]
    size = int(next(iter(batches))["image"].shape[1])
    cells = edn.build(size, width, seeds=seeds[:1]).get_layer("features").output.shape[1:3]
    samples = [_draw(batch["saliency"], cells, pixels, seed + i) for i, batch in enumerate(batches)]
    judged = {s: _judge(edn.build(size, width, seeds=(s,)), batches, samples) for s in seeds}
    best = tuple(sorted(judged, key=judged.get, reverse=True)[:members])
    model = edn.build(size, width, seeds=best)
    features, looked_at, _ = _gather(model, batches, samples)
    _set_readout(model, *_train_svm(features, looked_at))
    _match_maps(model, batches)
    return model


def _check(candidates: int, members: int) -> None:
    """Validates the search space."""
    try:
        importlib.import_module("sklearn.svm")
    except ImportError:
        raise ValueError(
            "edn_search.fit needs scikit-learn: pip install -r requirements-evaluation.txt"
        ) from None
    if not 1 <= members <= candidates:
        raise ValueError(f"members must be 1 to candidates; got {members} of {candidates}")


def _draw(saliency, cells: tuple[int, int], pixels: int, seed: int) -> list[np.ndarray]:
    """Draws cells of each image: rows (cell, whether looked at), none where there is no gaze."""
    rng = np.random.default_rng(seed)
    maps = keras.ops.image.resize(np.asarray(saliency, np.float32), cells, antialias=True)
    drawn = []
    for one in np.asarray(maps, np.float64).reshape(len(maps), -1).clip(0):
        dark = np.flatnonzero(one < _DARK)
        if one.max() < _DARK or not dark.size:
            drawn.append(np.empty((0, 2), np.int64))
            continue
        chosen = rng.choice(one.size, pixels, p=one / one.sum()), rng.choice(dark, pixels)
        labels = np.repeat([1, 0], pixels)
        drawn.append(np.stack([np.concatenate(chosen), labels], axis=1))
    return drawn


def _gather(model: keras.Model, batches: Iterable[dict], samples: list) -> tuple:
    """Features of the drawn cells [n, c], whether they were looked at [n], their images [n]."""
    body = keras.Model(model.input, model.get_layer("features").output)
    features, labels, images, count = [], [], [], 0
    for batch, drawn in zip(batches, samples, strict=True):
        maps = np.asarray(body(batch["image"], training=False))
        for one, rows in zip(maps.reshape(len(maps), -1, maps.shape[-1]), drawn, strict=True):
            features.append(one[rows[:, 0]])
            labels.append(rows[:, 1])
            images.append(np.full(len(rows), count))
            count += len(rows) > 0
    if count < _HELD_OUT:
        raise ValueError(f"eDN needs gaze on at least {_HELD_OUT} images; got {count}")
    return np.concatenate(features), np.concatenate(labels), np.concatenate(images)


def _judge(model: keras.Model, batches: Iterable[dict], samples: list) -> float:
    """Area under the ROC curve on images that the SVM has not seen."""
    from sklearn.metrics import roc_auc_score

    features, labels, images = _gather(model, batches, samples)
    left_out = images % _HELD_OUT == 0
    weights, bias = _train_svm(features[~left_out], labels[~left_out])
    return roc_auc_score(labels[left_out], features[left_out] @ weights + bias)


def _train_svm(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights [c] and bias of a linear SVM on standardised features, for features as they are."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    svm = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(features, labels)
    weights = svm[-1].coef_[0] / svm[0].scale_
    return weights, float(svm[-1].intercept_[0] - weights @ svm[0].mean_)


def _set_readout(model: keras.Model, weights: np.ndarray, bias: float) -> None:
    """Puts a linear readout into a detector."""
    model.get_layer("saliency_score").set_weights([weights.reshape(1, 1, -1, 1), np.array([bias])])


def _match_maps(model: keras.Model, batches: Iterable[dict]) -> None:
    """Scales and shifts the readout so that maps fit the true ones in the least squares."""
    sums = np.zeros(5)
    for batch in batches:
        x = np.asarray(model(batch["image"], training=False), np.float64)
        y = np.asarray(batch["saliency"], np.float64)
        sums += [x.size, x.sum(), y.sum(), (x * x).sum(), (x * y).sum()]
    count, x, y, xx, xy = sums
    variance = xx / count - (x / count) ** 2
    # Scores that run against the maps, or do not differ, predict nothing: a constant is left.
    slope = max(0.0, (xy / count - x * y / count**2) / variance) if variance > 0 else 0.0
    kernel, bias = model.get_layer("saliency_score").get_weights()
    offset = (y - slope * x) / count
    _set_readout(model, slope * kernel.ravel(), slope * float(bias[0]) + offset)
