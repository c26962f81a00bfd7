"""Confidence intervals and p-values over images, by resampling with SciPy."""

import numpy as np
import scipy.stats

_BATCH = 2**22  # resampled numbers in memory at once


def interval(
    values: np.ndarray, weights: np.ndarray, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Returns the percentiles of the bootstrapped weighted mean (`scipy.stats.bootstrap`).

    Percentiles, because they exist for scores that are all alike, where the bias-corrected
    interval has no value: the CC of the human baseline is 1 on every image.

    Args:
        values: a score for each image, float64 [n]; n at least 2.
        weights: of the images, drawn together with the scores, float64 [n].
        confidence: of the interval, in (0, 1).
        resamples: number of resamples.
        seed: of the resamples.
    """
    found = scipy.stats.bootstrap(
        (values, weights),
        weighted_mean,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, _BATCH // values.size),
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def two_way(
    values: np.ndarray,
    confidence: float,
    resamples: int,
    seed: int,
    classes: np.ndarray | None = None,
) -> tuple[float, float]:
    """Returns percentiles of the mean where rows and columns are both drawn with replacement.

    Networks of several seeds score the same images, so neither their scores of an image nor an
    image's scores are independent: Owen, "The pigeonhole bootstrap", Ann. Appl. Stat. 1, 2007.

    Args:
        values: a score for each seed and image, float64 [seeds, images].
        confidence: of the interval, in (0, 1).
        resamples: number of resamples.
        seed: of the resamples.
        classes: of the images, int [images], for the mean over classes of the mean of each; over
            those that are drawn.
    """
    rng = np.random.default_rng(seed)
    counts = values.shape
    one_class = np.zeros(counts[1], int) if classes is None else classes
    member = (one_class[:, None] == np.unique(one_class)).astype(float)
    means = []
    for start in range(0, resamples, block := max(1, _BATCH // values.size)):
        drawn = min(block, resamples - start)
        rows, columns = (rng.multinomial(n, np.full(n, 1 / n), drawn) for n in counts)
        images = columns @ member
        sums = ((rows @ values) * columns) @ member
        by_class = np.divide(sums, counts[0] * images, out=np.zeros(sums.shape), where=images > 0)
        means.append(by_class.sum(axis=1) / (images > 0).sum(axis=1))
    ends = np.quantile(np.concatenate(means), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(ends[0]), float(ends[1])


def p_value(differences: np.ndarray, resamples: int, seed: int) -> float:
    """Returns the two-sided p-value of a mean difference of 0 (`scipy.stats.permutation_test`).

    Args:
        differences: of paired scores, one for each image, float64 [n]; n at least 2.
        resamples: number of random flips of the signs; all of them where there are fewer.
        seed: of the flips.
    """
    found = scipy.stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, _BATCH // differences.size),
        random_state=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def weighted_mean(values: np.ndarray, weights: np.ndarray, axis: int = -1) -> np.ndarray:
    """Returns the weighted mean along an axis."""
    return (values * weights).sum(axis) / weights.sum(axis)
