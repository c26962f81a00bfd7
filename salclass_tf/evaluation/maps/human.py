"""People as a model: the human baselines of saliency tables."""

from collections.abc import Iterator, Sequence

import numpy as np

from salclass_tf import heatmaps
from salclass_tf.evaluation.maps.evaluate import TABLE_4, Case, evaluate
from salclass_tf.evaluation.maps.gaze import Gaze
from salclass_tf.evaluation.maps.scores import Scores


def own_map(gaze: Gaze, sigma_px: float, measures: Sequence[str] = TABLE_4, **settings) -> Scores:
    """Scores the ground-truth maps themselves: the "human baseline" of the paper's Table 4.

    CC is 1 by construction, and NSS and AUC look up fixations in the map made of them: a
    ceiling, set by the blur and by the number of fixations, not a measure of how well people
    agree, which is `leave_one_out`.

    Args:
        gaze: the recordings of the data set.
        sigma_px: standard deviation of the heat maps' Gaussian, in pixels of the images.
        measures: names of metrics.
        **settings: of `evaluate`.
    """

    def cases() -> Iterator[Case]:
        for name, recording in gaze.items():
            saliency = heatmaps.from_fixations(recording.xy, recording.size, sigma_px)
            yield Case(name, saliency, target=saliency if len(recording.xy) else None)

    return evaluate(cases(), gaze, measures, **settings)


def leave_one_out(
    gaze: Gaze, sigma_px: float, measures: Sequence[str] = TABLE_4, **settings
) -> Scores:
    """Scores how well all other viewers of an image predict each one: inter-observer agreement.

    For every viewer, the map of all others' fixations is the prediction; the viewer's own
    fixations, and the heat map of them, are the truth. An image's score is the mean over its
    viewers. Negatives of shuffled AUC are all viewers' fixations on the other images.

    Args:
        gaze: the recordings of the data set, with viewers; images with fewer than two known
            viewers are skipped.
        sigma_px: standard deviation of the heat maps' Gaussian, in pixels of the images.
        measures: names of metrics.
        **settings: of `evaluate`.

    Raises:
        ValueError: if no image has two known viewers.
    """
    viewers = {name: _viewers(gaze, name) for name in gaze}
    skipped = {name: "fewer than two viewers" for name in gaze if len(viewers[name]) < 2}
    if len(skipped) == len(gaze):
        raise ValueError("leave-one-out needs images with two known viewers or more; got none")

    def cases() -> Iterator[Case]:
        for name, recording in gaze.items():
            if name in skipped:
                continue
            for viewer in viewers[name]:
                own = recording.viewer == viewer
                others = (recording.viewer >= 0) & ~own
                saliency, target = (
                    heatmaps.from_fixations(recording.xy[chosen], recording.size, sigma_px)
                    for chosen in (others, own)
                )
                yield Case(name, saliency, target, recording.xy[own], int(viewer))

    return evaluate(cases(), gaze, measures, skipped=skipped, **settings)


def _viewers(gaze: Gaze, name: str) -> np.ndarray:
    """Numbers of the known viewers of an image."""
    viewer = gaze[name].viewer
    return np.unique(viewer[viewer >= 0]) if viewer is not None else np.zeros(0, np.int64)
