"""Areas under ROC curves: does a predicted map rank fixated pixels above others?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.fixated import fixated
from salclass_tf.metrics.maps import stretched
from salclass_tf.metrics.prepared import Prepared, prepared
from salclass_tf.metrics.ranked import Ranked


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
    saliency = prepared(saliency)
    xy = fixated(saliency.shape, xy)
    levels, counts = np.unique(saliency.at(xy, binary), return_counts=True)
    below, up_to = _around(saliency.ranked, levels)
    negatives = saliency.size
    if unfixated:
        each_once = Ranked(saliency.at(xy, binary=True))
        fixated_below, fixated_up_to = _around(each_once, levels)
        below, up_to = below - fixated_below, up_to - fixated_up_to
        negatives -= each_once.total
    return _mann_whitney(counts, below, up_to, negatives)


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
    saliency = _cut(prepared(saliency), step)
    positives, negatives = saliency.at(xy, binary), saliency.at(other_xy, binary)
    if draws is not None:
        rng, count = _draws(draws, seed), min(positives.size, negatives.size)
        # Draws of one size: the mean of their areas is the area against all of them together.
        drawn = [rng.choice(negatives, count, replace=False) for _ in range(draws)]
        negatives = np.concatenate(drawn)
    return ranked_above(positives, negatives)


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
    saliency, other_counts = prepared(saliency), np.asarray(other_counts)
    if other_counts.shape != saliency.shape:
        raise ValueError(
            f"other_counts must have the shape of the map, {saliency.shape}; "
            f"got {other_counts.shape}"
        )
    fixated = np.flatnonzero(other_counts > 0)
    return ranked_above(*saliency.beside(xy, fixated), other_counts.ravel()[fixated])


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
    saliency = _cut(prepared(saliency), step)
    positives = saliency.at(xy, binary)
    drawn = _draws(draws, seed).integers(saliency.size, size=draws * positives.size)
    return ranked_above(positives, saliency.flat[drawn])


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
    saliency = prepared(saliency)
    if jitter:
        noise = np.random.default_rng(seed).uniform(0, jitter, saliency.shape)
        saliency = prepared(np.asarray(saliency, np.float64) + noise)
    xy = fixated(saliency.shape, xy)
    positives, each_once = (Ranked(saliency.at(xy, one)) for one in (binary, True))
    negatives = saliency.size - each_once.total
    if positives.total == 0 or negatives == 0:
        return float("nan")
    levels = np.unique(saliency.at(xy, binary))
    hits = 1 - positives.below(levels) / positives.total
    correct_rejections = saliency.ranked.below(levels) - each_once.below(levels)
    false_alarms = 1 - correct_rejections / negatives
    x, y = (np.concatenate([[1], rates, [0]]) for rates in (false_alarms, hits))
    return float(np.dot(x[:-1] - x[1:], y[:-1] + y[1:])) / 2


def ranked_above(
    positives: np.ndarray, negatives: np.ndarray, negative_counts: np.ndarray | None = None
) -> float:
    """Returns the share of pairs in which the positive is higher, equal ones counted half.

    Args:
        positives: values of a map at the fixations, [n].
        negatives: values of the same map and type that they are compared with, [m].
        negative_counts: how often each of these counts, int [m]; None is once.

    Returns:
        In [0, 1]; NaN where one side is empty.
    """
    levels, counts = np.unique(positives, return_counts=True)
    others = Ranked(negatives, negative_counts)
    return _mann_whitney(counts, *_around(others, levels), others.total)


def _around(ranked: Ranked, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many values are below each level, and how many not above it."""
    return ranked.below(levels), ranked.below(levels, or_equal=True)


def _cut(saliency: Prepared, step: float | None) -> Prepared:
    """How many of the thresholds 0, step, 2 step, ... each value of the stretched map reaches.

    A ROC curve with fixed thresholds runs straight between two of them, which counts pairs
    within a step as ties: its area is the exact one of these levels.
    """
    if step is None:
        return saliency
    if not step > 0:
        raise ValueError(f"step must be above 0, or None for the exact area; got {step}")
    # 0.3 / 0.1 is 2.9999999999999996, and 0.3 does reach the threshold 3 x 0.1.
    stretch = stretched(np.asarray(saliency, np.float64))
    return prepared(np.floor(stretch / step + 1e-9))


def _draws(draws: int, seed: int | Sequence[int]) -> np.random.Generator:
    """The random generator for a number of draws."""
    if draws < 1:
        raise ValueError(f"draws must be at least 1; got {draws}")
    return np.random.default_rng(seed)


def _mann_whitney(
    counts: np.ndarray, below: np.ndarray, up_to: np.ndarray, negatives: int
) -> float:
    """P(positive > negative) + P(equal) / 2; NaN where one side is empty.

    `counts` positives have each level; `below` negatives are under it, `up_to` not above it.
    """
    if counts.size == 0 or negatives == 0:
        return float("nan")
    return float(np.dot(counts, below + up_to) / (2 * counts.sum() * negatives))
