"""The tracker's own fixations, cut to the time of a picture."""

import numpy as np
import numpy.typing as npt


def cut(
    fixations: npt.NDArray[np.float64], onset_ms: float, offset_ms: float, minimum_ms: float
) -> npt.NDArray[np.float64]:
    """Cuts fixations to the time in which a picture was shown.

    A fixation that began before the picture, or lasted longer than it, counts for the time in
    which the picture was there; where less than a fixation's least duration is left, not at all.

    Args:
        fixations: onset and duration (ms), x and y, float64 [k, 4].
        onset_ms: when the picture appeared.
        offset_ms: when it went.
        minimum_ms: what is cut to less is left out; shorter ones that are whole are kept.

    Returns:
        float64 [m, 4] in the order of time.
    """
    fixations = fixations[np.argsort(fixations[:, 0], kind="stable")]
    begin = np.maximum(fixations[:, 0], onset_ms)
    end = np.minimum(fixations[:, 0] + fixations[:, 1], offset_ms)
    was_cut = end - begin < fixations[:, 1] - 1e-6
    kept = (end > begin) & (~was_cut | (end - begin >= minimum_ms))
    cut_ones = np.stack([begin, end - begin, fixations[:, 2], fixations[:, 3]], axis=1)
    return cut_ones[kept]
