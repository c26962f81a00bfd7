"""Saliency metrics: one image at a time in float64 NumPy, or a batch in TensorFlow.

The NumPy functions score published maps against recorded fixations. `map` arguments are
[h, w] arrays, `xy` arguments fixations (column, row), 0-based pixels, [n, 2]; a fixation
belongs to the pixel `floor(x), floor(y)` and repeated fixations count each time. NaN means
that the score is undefined (nobody looked): leave such images out of a mean and count them,
as `numpy.nanmean` and `numpy.isnan` do. The score of a data set is the mean over images.

The TensorFlow functions take [b, h, w, 1] batches while a network trains. They return 0 where
the score is undefined; `has_gaze` is the mask for the mean.
"""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

# The constant of the MIT saliency benchmark's KL divergence, 2^-52.
_EPSILON = 2.2204e-16


def nss(saliency: npt.ArrayLike, xy: npt.ArrayLike) -> float:
    """Normalized scanpath saliency: mean z-score of the map at the fixations; 0 is chance.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].

    Returns:
        Higher is better; 0 for a constant map, NaN without fixations.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = _as_map(saliency)
    values = _at(saliency, xy)
    if values.size == 0:
        return float("nan")
    if np.ptp(saliency) == 0:
        return 0.0
    return float((values.mean() - saliency.mean()) / saliency.std())


def cc(saliency: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """Pearson correlation coefficient of two maps over all pixels.

    Args:
        saliency: predicted map, [h, w].
        target: ground-truth heat map, [h, w].

    Returns:
        In [-1, 1], higher is better; 0 for a constant prediction, NaN for a constant target.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = _as_pair(saliency, target)
    if np.ptp(target) == 0:
        return float("nan")
    if np.ptp(saliency) == 0:
        return 0.0
    return float(np.corrcoef(saliency.ravel(), target.ravel())[0, 1])


def sim(saliency: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """Similarity: the shared mass of two maps, each divided by its sum.

    Args:
        saliency: predicted map, [h, w]; a map with negative values is first shifted to 0.
        target: ground-truth heat map, [h, w], likewise.

    Returns:
        In [0, 1], higher is better; a prediction of zeros counts as a uniform map, a target
        of zeros gives NaN.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = _as_pair(saliency, target)
    if not target.any():
        return float("nan")
    return float(np.minimum(_density(saliency), _density(target)).sum())


def kl(saliency: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """Kullback-Leibler divergence of the prediction p from the target q, in nats.

    `sum q log(e + q / (p + e))` with e = 2.2204e-16, as the MIT saliency benchmark has it.

    Args:
        saliency: predicted map, [h, w]; a map with negative values is first shifted to 0.
        target: ground-truth heat map, [h, w], likewise.

    Returns:
        At least 0, lower is better; a prediction of zeros counts as a uniform map, a target
        of zeros gives NaN.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = _as_pair(saliency, target)
    if not target.any():
        return float("nan")
    p, q = _density(saliency), _density(target)
    return float((q * np.log(_EPSILON + q / (p + _EPSILON))).sum())


def auc(saliency: npt.ArrayLike, xy: npt.ArrayLike) -> float:
    """Area under the ROC curve, fixations against all pixels of the map, ties counted half.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = _as_map(saliency)
    return _ranked_above(_at(saliency, xy), saliency.ravel())


def shuffled_auc(saliency: npt.ArrayLike, xy: npt.ArrayLike, other_xy: npt.ArrayLike) -> float:
    """Area under the ROC curve against fixations made on other images, ties counted half.

    Punishes a prediction that only knows the centre bias (Borji et al., 2013). All given
    fixations are used, nothing is sampled; the score depends on the set they come from.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations on this image, [n, 2].
        other_xy: fixations on the other images, scaled to the size of this one, [m, 2].

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations on this
        image or on the others.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = _as_map(saliency)
    return _ranked_above(_at(saliency, xy), _at(saliency, other_xy))


def auc_judd(saliency: npt.ArrayLike, xy: npt.ArrayLike) -> float:
    """Area under a ROC curve that is known only at the fixated values (Judd et al., 2009).

    True positives are fixations, false positives pixels without any. Few fixations make few
    thresholds and a score that is too high: do not compare it with `auc`. No jitter is added.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations or without
        an unfixated pixel.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = _as_map(saliency)
    positives = np.sort(_at(saliency, xy))
    unfixated = np.ones(saliency.shape, bool)
    unfixated[_pixels(saliency.shape, xy)] = False
    negatives = np.sort(saliency[unfixated])
    if positives.size == 0 or negatives.size == 0:
        return float("nan")
    thresholds = np.unique(positives)[::-1]
    hits = 1 - np.searchsorted(positives, thresholds) / positives.size
    false_alarms = 1 - np.searchsorted(negatives, thresholds) / negatives.size
    return float(np.trapezoid(np.r_[0, hits, 1], np.r_[0, false_alarms, 1]))


def correlation(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Pearson correlation of each pair of maps in a batch; `cc` for training loops.

    Args:
        target: ground-truth maps, float [b, h, w, 1].
        predicted: predicted maps, same shape.

    Returns:
        float32 [b] in [-1, 1]; 0 where either map is constant.

    Raises:
        ValueError: if the shapes differ or lack an axis.
    """
    target, predicted = _as_batches(target, predicted)
    target, predicted = _centred(target), _centred(predicted)
    covariance = tf.reduce_mean(target * predicted, axis=(1, 2, 3))
    return tf.math.divide_no_nan(covariance, _spread(target) * _spread(predicted))


def normalized_scanpath(predicted: tf.Tensor, fixation_counts: tf.Tensor) -> tf.Tensor:
    """Mean z-score of each map at the fixations; `nss` for training and evaluation loops.

    Args:
        predicted: predicted maps, float [b, h, w, 1].
        fixation_counts: how many fixations hit each pixel, float32, same shape.

    Returns:
        float32 [b]; 0 where the map is constant or nobody looked (see `has_gaze`).

    Raises:
        ValueError: if the shapes differ or lack an axis.
    """
    counts, predicted = _as_batches(fixation_counts, predicted)
    deviation = _centred(predicted)
    at_fixations = tf.reduce_sum(deviation * counts, axis=(1, 2, 3))
    mean = tf.math.divide_no_nan(at_fixations, tf.reduce_sum(counts, axis=(1, 2, 3)))
    return tf.math.divide_no_nan(mean, _spread(deviation))


def has_gaze(maps: tf.Tensor) -> tf.Tensor:
    """Tells which examples have any gaze: the mask (sample weight) for batch means.

    Args:
        maps: ground-truth maps or fixation counts, [b, h, w, 1].

    Returns:
        bool [b].
    """
    return tf.reduce_any(maps > 0, axis=(1, 2, 3))


def _as_map(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"a map must be [h, w] and not empty; got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a map must hold finite numbers; got NaN or infinity: check its source")
    return values


def _as_pair(saliency: npt.ArrayLike, target: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    saliency, target = _as_map(saliency), _as_map(target)
    if saliency.shape != target.shape:
        raise ValueError(
            f"maps must have one size; got {saliency.shape} and {target.shape}: resize the "
            "prediction to the target"
        )
    return saliency, target


def _pixels(shape: tuple[int, int], xy: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that hold the fixations."""
    xy = np.asarray(xy, np.float64)
    if xy.size == 0:
        xy = xy.reshape(0, 2)
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"fixations must be (x, y) rows, [n, 2]; got shape {xy.shape}")
    outside = ~((xy >= 0) & (xy < shape[::-1])).all(axis=1)
    if outside.any():
        # NumPy would wrap a negative index to the opposite edge without a word.
        raise ValueError(
            f"fixations must lie on the map of {shape[0]} x {shape[1]} pixels (rows x columns); "
            f"got (x, y) = {tuple(xy[outside][0].tolist())}: drop off-image fixations first"
        )
    columns, rows = np.floor(xy).astype(np.int64).T
    return rows, columns


def _at(saliency: np.ndarray, xy: npt.ArrayLike) -> np.ndarray:
    return saliency[_pixels(saliency.shape, xy)]


def _density(values: np.ndarray) -> np.ndarray:
    """The map as probabilities that sum to 1; uniform where the map is all zero."""
    values = values - min(values.min(), 0)
    total = values.sum()
    return values / total if total > 0 else np.full(values.shape, 1 / values.size)


def _ranked_above(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Mann-Whitney: P(positive > negative) + P(equal) / 2; NaN where one side is empty."""
    if positives.size == 0 or negatives.size == 0:
        return float("nan")
    negatives = np.sort(negatives)
    below = np.searchsorted(negatives, positives, "left")
    up_to = np.searchsorted(negatives, positives, "right")
    return float((below + up_to).mean() / (2 * negatives.size))


def _as_batches(first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    first, second = tf.convert_to_tensor(first), tf.convert_to_tensor(second)
    ranks = (first.shape.rank, second.shape.rank)
    if ranks != (4, 4) or not first.shape.is_compatible_with(second.shape):
        raise ValueError(
            f"maps must share one shape [b, h, w, 1]; got {first.shape} and {second.shape}"
        )
    return tf.cast(first, tf.float32), tf.cast(second, tf.float32)


def _centred(maps: tf.Tensor) -> tf.Tensor:
    """Maps stretched to a range of 1 with mean 0; exactly 0 where a map is constant.

    The stretch keeps the squares of a faint map (the tail of a far fixation) from vanishing.
    """
    low = tf.reduce_min(maps, axis=(1, 2, 3), keepdims=True)
    high = tf.reduce_max(maps, axis=(1, 2, 3), keepdims=True)
    stretched = tf.math.divide_no_nan(maps - low, high - low)
    return stretched - tf.reduce_mean(stretched, axis=(1, 2, 3), keepdims=True)


def _spread(centred: tf.Tensor) -> tf.Tensor:
    """Population standard deviation of maps with mean 0, [b]."""
    return tf.sqrt(tf.reduce_mean(tf.square(centred), axis=(1, 2, 3)))
