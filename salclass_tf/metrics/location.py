"""Metrics of the values that a predicted map has where people fixated."""

import numpy as np
import numpy.typing as npt

from salclass_tf.metrics.fixated import fixated
from salclass_tf.metrics.maps import EPSILON, as_pair, density, stretched
from salclass_tf.metrics.prepared import prepared


def nss(
    saliency: npt.ArrayLike, xy: npt.ArrayLike, *, binary: bool = False, ddof: int = 0
) -> float:
    """Normalized scanpath saliency: mean z-score of the map at the fixations; 0 is chance.

    The default is pysaliency's: population standard deviation, every fixation counts. The MIT
    benchmark takes a binary fixation map and MATLAB's sample standard deviation
    (`binary=True, ddof=1`), and has no score for a constant map.

    Args:
        saliency: predicted map, [h, w].
        xy: fixations, [n, 2].
        binary: count a pixel once, however often it was fixated.
        ddof: 0 for the population's standard deviation, 1 for the sample's.

    Returns:
        Higher is better; 0 for a constant map, NaN without fixations.

    Raises:
        ValueError: if the map is not [h, w], or a fixation is not on it.
    """
    saliency = prepared(saliency)
    xy = fixated(saliency.shape, xy)
    if len(xy) == 0:
        return float("nan")
    return 0.0 if saliency.is_constant else float(saliency.z_scores(xy, binary, ddof).mean())


def information_gain(
    saliency: npt.ArrayLike,
    xy: npt.ArrayLike,
    baseline: npt.ArrayLike,
    *,
    binary: bool = False,
    stretch: bool = False,
) -> float:
    """Information gain over a baseline map, in bits per fixation (Kümmerer et al., 2015).

    Mean over fixations of `log2 p - log2 b`, where p and b are the maps divided by their sums, and
    e = 2.2204e-16 where they are less. pysaliency has it for models that give probabilities, and
    without e; the two agree where nothing is below it. The MIT benchmark takes a binary fixation
    map, stretches the maps to [0, 1] first, which makes at least one pixel 0 and a fixation
    there worth about -36 bits, and adds e to every p and b (`binary=True, stretch=True`).

    Args:
        saliency: predicted map, [h, w]; a map with negative values is first shifted to 0.
        xy: fixations, [n, 2].
        baseline: map to beat, [h, w], likewise; usually where people look on other images.
        binary: count a pixel once, however often it was fixated.
        stretch: give both maps the range [0, 1] before they are divided by their sums.

    Returns:
        Higher is better, 0 for the baseline itself, NaN without fixations. A map of zeros (when
        stretched, any constant map) counts as uniform.

    Raises:
        ValueError: if the maps are not [h, w], differ in size, or a fixation is not on them.
    """
    saliency, baseline = as_pair(saliency, baseline)
    pixels = fixated(saliency.shape, xy).pixels(binary)
    if pixels.size == 0:
        return float("nan")
    if stretch:
        saliency, baseline = stretched(saliency), stretched(baseline)
    p, b = (density(values).ravel()[pixels] for values in (saliency, baseline))
    floor = np.add if stretch else np.maximum
    return float(np.mean(np.log2(floor(p, EPSILON)) - np.log2(floor(b, EPSILON))))
