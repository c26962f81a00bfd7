"""Metrics that compare a predicted map with a ground-truth heat map, pixel by pixel."""

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.maps import EPSILON, as_pair, density, stretched
from salclass_tf.metrics.prepared import prepared_pair


def cc(saliency: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """Pearson correlation coefficient of two maps over all pixels.

    MIT, pysaliency and this function agree but for constant maps: MIT gives NaN for either,
    pysaliency and this function 0 for a constant prediction.

    Args:
        saliency: predicted map, [h, w].
        target: ground-truth heat map, [h, w].

    Returns:
        In [-1, 1], higher is better; 0 for a constant prediction, NaN for a constant target.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = prepared_pair(saliency, target)
    if target.is_constant:
        return float("nan")
    return 0.0 if saliency.is_constant else saliency.correlation(target)


def sim(saliency: npt.ArrayLike, target: npt.ArrayLike, *, stretch: bool = False) -> float:
    """Similarity: the mass that two maps share, `sum min(p, q)`, each divided by its sum.

    The default is pysaliency's. The MIT benchmark stretches both maps to [0, 1] first, which
    takes away any mass that lies under the whole picture (`stretch=True`).

    Args:
        saliency: predicted map, [h, w]; a map with negative values is first shifted to 0.
        target: ground-truth heat map, [h, w], likewise.
        stretch: give both maps the range [0, 1] before they are divided by their sums.

    Returns:
        In [0, 1], higher is better; a prediction of zeros counts as a uniform map (so does,
        when stretched, any constant one), a target of zeros gives NaN.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = as_pair(saliency, target)
    if not target.any():
        return float("nan")
    if stretch:
        saliency, target = stretched(saliency), stretched(target)
    return float(np.minimum(density(saliency), density(target)).sum())


def kl(saliency: npt.ArrayLike, target: npt.ArrayLike) -> float:
    """Kullback-Leibler divergence of the prediction p from the target q, in nats.

    `sum q log(e + q / (p + e))` with e = 2.2204e-16, as the MIT saliency benchmark has it, and
    pysaliency under the name `MIT_KLDiv`. pysaliency's `image_based_kl_divergence` is another
    one: it adds 1e-20 to the maps and nothing inside the logarithm. A prediction that is 0
    where people looked costs up to 36 nats: compare only networks with one output activation.

    Args:
        saliency: predicted map, [h, w]; a map with negative values is first shifted to 0.
        target: ground-truth heat map, [h, w], likewise.

    Returns:
        At least 0, lower is better; a prediction of zeros counts as a uniform map, a target
        of zeros gives NaN.

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = as_pair(saliency, target)
    if not target.any():
        return float("nan")
    p, q = density(saliency), density(target)
    # The constants can take it below 0 by rounding.
    return max(0.0, float((q * np.log(EPSILON + q / (p + EPSILON))).sum()))
