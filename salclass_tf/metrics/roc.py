"""Areas under ROC curves: does a predicted map rank fixated pixels above others?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.maps import as_map, pixels, stretched

_FEW = 32  # up to here comparing each with a map takes less time than sorting it (measured)


def auc(
    saliency: npt.ArrayLike,
    xy: npt.ArrayLike,
    *,
    binary: bool = False,
    unfixated: bool = False,
) -> float:
    """Area under the ROC curve, fixations against pixels of the map, ties counted half.

    Exact: the share of pairs (fixation, pixel) in which the fixation has the higher value.
    pysaliency's `AUC` with uniform nonfixations (default) or unfixated ones (`unfixated=True`);
    the MIT benchmark has only the approximations `auc_judd` and `auc_borji`.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].
        binary: count a pixel once, however often it was fixated.
        unfixated: compare with the pixels that nobody fixated, instead of all.

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations or without
        a pixel to compare with.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = as_map(saliency)
    positives = saliency[pixels(saliency.shape, xy, binary)]
    negatives = _unfixated(saliency, xy) if unfixated else saliency.ravel()
    return _ranked_above(positives, negatives)


def shuffled_auc(
    saliency: npt.ArrayLike,
    xy: npt.ArrayLike,
    other_xy: npt.ArrayLike,
    *,
    binary: bool = False,
    draws: int | None = None,
    step: float | None = None,
    seed: int | Sequence[int] = 0,
) -> float:
    """Area under the ROC curve against fixations made on other images, ties counted half.

    Punishes a prediction that only knows the centre bias (Borji et al., 2013). The default is
    pysaliency's: all given fixations are used, with repeats, nothing is sampled; the score
    depends on the set they come from. The MIT benchmark takes binary fixation maps, draws 100
    times as many negatives as the image has fixations from ten other images, and cuts the
    stretched map at steps of 0.1, so that it is blind to differences within a step
    (`binary=True, draws=100, step=0.1`). NUS-VIP's salicon-evaluation leaves out negatives at
    pixels fixated on this image and steps by 0.01; the Matlab code of Borji's group leaves them
    out as well and draws with replacement.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations on this image, [n, 2].
        other_xy: fixations on the other images, scaled to the size of this one, [m, 2].
        binary: count a pixel once, however often it was fixated, on both sides.
        draws: how many times to draw negatives, without replacement, as many as there are
            fixations on this image; None takes all of them once.
        step: distance of the thresholds on the map stretched to [0, 1]; None is exact.
        seed: of the draws.

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations on this
        image or on the others.

    Raises:
        ValueError: if the map is not [h, w], a fixation is not on it, or `draws` or `step` is
            not above 0.
    """
    saliency = _cut(as_map(saliency), step)
    positives = saliency[pixels(saliency.shape, xy, binary)]
    negatives = saliency[pixels(saliency.shape, other_xy, binary)]
    if draws is not None:
        rng, count = _draws(draws, seed), min(positives.size, negatives.size)
        # Draws of one size: the mean of their areas is the area against all of them together.
        drawn = [rng.choice(negatives, count, replace=False) for _ in range(draws)]
        negatives = np.concatenate(drawn)
    return _ranked_above(positives, negatives)


def shuffled_auc_of_counts(
    saliency: npt.ArrayLike, xy: npt.ArrayLike, other_counts: npt.ArrayLike
) -> float:
    """The exact `shuffled_auc` in its default form, for very many fixations on other images.

    Time grows with the number of pixels and not with that of the fixations.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations on this image, [n, 2].
        other_counts: how many fixations on the other images fall on each pixel, int [h, w].

    Returns:
        See `shuffled_auc`.

    Raises:
        ValueError: if the map is not [h, w], a fixation is not on it, or the counts have another
            shape.
    """
    saliency, other_counts = as_map(saliency), np.asarray(other_counts)
    if other_counts.shape != saliency.shape:
        raise ValueError(
            f"other_counts must have the shape of the map, {saliency.shape}; "
            f"got {other_counts.shape}"
        )
    positives = saliency[pixels(saliency.shape, xy)]
    fixated = other_counts > 0
    return _ranked_above(positives, saliency[fixated], other_counts[fixated])


def auc_borji(
    saliency: npt.ArrayLike,
    xy: npt.ArrayLike,
    *,
    binary: bool = False,
    draws: int = 100,
    step: float | None = 0.1,
    seed: int | Sequence[int] = 0,
) -> float:
    """Area under the ROC curve against pixels drawn evenly at random (Borji et al., 2013).

    As many pixels as fixations are drawn, with replacement, 100 times; the map is stretched to
    [0, 1] and cut at steps of 0.1, as in the MIT benchmark. It takes a binary fixation map
    (`binary=True`) and refuses images with one fixation, for which there is a score here.
    pysaliency has no such metric; NUS-VIP's salicon-evaluation draws 100,000 pixels and steps
    by 0.01. `auc` is what all of them estimate.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].
        binary: count a pixel once, however often it was fixated.
        draws: how many times to draw as many pixels as there are fixations.
        step: distance of the thresholds on the map stretched to [0, 1]; None is exact.
        seed: of the draws.

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map, NaN without fixations.

    Raises:
        ValueError: if the map is not [h, w], a fixation is not on it, or `draws` or `step` is
            not above 0.
    """
    saliency = _cut(as_map(saliency), step)
    positives = saliency[pixels(saliency.shape, xy, binary)]
    drawn = _draws(draws, seed).integers(saliency.size, size=draws * positives.size)
    return _ranked_above(positives, saliency.ravel()[drawn])


def auc_judd(
    saliency: npt.ArrayLike,
    xy: npt.ArrayLike,
    *,
    binary: bool = False,
    jitter: float = 0.0,
    seed: int | Sequence[int] = 0,
) -> float:
    """Area under a ROC curve that is known only at the fixated values (Judd et al., 2009).

    True positives are fixations, false positives pixels without any. Few fixations make few
    thresholds and a score that is too high: do not compare it with `auc`. The default is
    pysaliency's without its jitter (Gaussian, 1e-7). The MIT benchmark takes a binary fixation
    map and adds even noise below 1e-7 (`binary=True, jitter=1e-7`) because its count of false
    alarms is wrong where values tie; here the count is right and jitter only decides ties by
    chance.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].
        binary: count a pixel once, however often it was fixated.
        jitter: upper end of the noise, from 0 up, that is added to every pixel.
        seed: of the noise.

    Returns:
        In [0, 1], higher is better; 0.5 for a constant map (without jitter), NaN without
        fixations or without an unfixated pixel.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = as_map(saliency)
    if jitter:
        saliency = saliency + np.random.default_rng(seed).uniform(0, jitter, saliency.shape)
    positives, negatives = saliency[pixels(saliency.shape, xy, binary)], _unfixated(saliency, xy)
    if positives.size == 0 or negatives.size == 0:
        return float("nan")
    thresholds = np.unique(positives)[::-1]
    hits = _share_reaching(thresholds, positives)
    false_alarms = _share_reaching(thresholds, negatives)
    return float(np.trapezoid(np.r_[0, hits, 1], np.r_[0, false_alarms, 1]))


def _unfixated(saliency: np.ndarray, xy: npt.ArrayLike) -> np.ndarray:
    """Values of the pixels that nobody fixated."""
    unfixated = np.ones(saliency.shape, bool)
    unfixated[pixels(saliency.shape, xy)] = False
    return saliency[unfixated]


def _cut(saliency: np.ndarray, step: float | None) -> np.ndarray:
    """How many of the thresholds 0, step, 2 step, ... each value of the stretched map reaches.

    A ROC curve with fixed thresholds runs straight between two of them, which counts pairs
    within a step as ties: its area is the exact one of these levels.
    """
    if step is None:
        return saliency
    if not step > 0:
        raise ValueError(f"step must be above 0, or None for the exact area; got {step}")
    # 0.3 / 0.1 is 2.9999999999999996, and 0.3 does reach the threshold 3 x 0.1.
    return np.floor(stretched(saliency) / step + 1e-9)


def _draws(draws: int, seed: int | Sequence[int]) -> np.random.Generator:
    """The random generator for a number of draws."""
    if draws < 1:
        raise ValueError(f"draws must be at least 1; got {draws}")
    return np.random.default_rng(seed)


def _ranked_above(
    positives: np.ndarray, negatives: np.ndarray, counts: np.ndarray | None = None
) -> float:
    """Mann-Whitney: P(positive > negative) + P(equal) / 2; NaN where one side is empty.

    `counts` tells how often each negative is there; None is once.
    """
    if positives.size == 0 or negatives.size == 0:
        return float("nan")
    if counts is None:
        negatives, reached = np.sort(negatives), np.arange(negatives.size + 1)
    else:
        order = np.argsort(negatives)
        negatives, reached = negatives[order], np.r_[0, np.cumsum(counts[order])]
    below, up_to = (
        reached[np.searchsorted(negatives, positives, side)] for side in ("left", "right")
    )
    return float((below + up_to).mean() / (2 * reached[-1]))


def _share_reaching(thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the values that are at least as high as each threshold."""
    if thresholds.size < _FEW:
        return np.array([np.count_nonzero(values >= t) for t in thresholds]) / values.size
    return 1 - np.searchsorted(np.sort(values), thresholds) / values.size
