"""Two models on the same images: is the difference more than chance?"""

import dataclasses

import numpy as np

from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.maps.scores import Scores


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The difference of two models' mean scores over the images that both have a score for.

    Attributes:
        measure: the metric.
        difference: mean of first minus second.
        low: lower end of the bootstrap confidence interval of the difference.
        high: upper end.
        p_value: two-sided, of the paired permutation test of no difference.
        images: number of images compared.
        left_out: number of images on which either has no score.
    """

    measure: str
    difference: float
    low: float
    high: float
    p_value: float
    images: int
    left_out: int


def compare(
    first: Scores,
    second: Scores,
    measure: str,
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Comparison:
    """Tests whether two models score alike on the same images.

    If they did, either score of an image could as well be the other model's: the signs of the
    differences are flipped at random, and the p-value is the share of flips with a mean
    difference as large as the one found. Nothing is assumed about the distribution of scores.

    Args:
        first: scores of one model.
        second: scores of the other, on the same images.
        measure: the metric to compare, one that both have.
        confidence: of the interval, in (0, 1).
        resamples: of the permutation test and of the bootstrap.
        seed: of both.

    Raises:
        ValueError: if the images are not the same, or fewer than two have scores of both.
    """
    scores = [first.per_image(measure), second.per_image(measure)]
    one_sided = sorted(scores[0].keys() ^ scores[1].keys())
    if one_sided:
        raise ValueError(
            f"models are compared on the same images; only one was scored on {one_sided[0]!r}"
            f" ({len(one_sided)} such images)"
        )
    differences = np.array([scores[0][name] - scores[1][name] for name in scores[0]])
    scored = differences[~np.isnan(differences)]
    if scored.size < 2:
        raise ValueError(f"a comparison needs at least two scored images; got {scored.size}")
    low, high = resampling.interval(scored, np.ones(scored.size), confidence, resamples, seed)
    return Comparison(
        measure=measure,
        difference=float(scored.mean()),
        low=low,
        high=high,
        p_value=resampling.p_value(scored, resamples, seed),
        images=scored.size,
        left_out=differences.size - scored.size,
    )
