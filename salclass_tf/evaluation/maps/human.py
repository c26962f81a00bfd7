"""People as a model: the human baselines of saliency tables."""

from collections.abc import Iterator, Sequence

import numpy as np

from salclass_tf import heatmaps
from salclass_tf.evaluation.maps.evaluate import TABLE_4, Case, evaluate
from salclass_tf.evaluation.maps.gaze import Gaze
from salclass_tf.evaluation.maps.scores import Scores

# OpenBLAS starts threads of its own, under those of `evaluate`, for larger products.
_MULTIPLICATIONS = 2**17


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
            chosen = [recording.viewer == viewer for viewer in viewers[name]]
            points = [recording.xy[own] for own in chosen]
            sums = np.empty((len(points), *recording.size), np.float32)
            for xy, total in zip(points, sums, strict=True):
                _add_up_gaussians(xy, sigma_px, total)
            yield from each_by_others(name, sums, points, viewers[name])

    return evaluate(cases(), gaze, measures, skipped=skipped, **settings)


def each_by_others(
    name: str, sums: np.ndarray, points: Sequence[np.ndarray], viewers: np.ndarray
) -> Iterator[Case]:
    """Yields a case for each viewer of an image: the others' map is to predict the viewer's own.

    A viewer's fixations are drawn once, and not once for each other viewer. The others' sum is
    made of sums alone: taking the viewer's own away from everybody's would leave rounding where
    nobody else looked, and give such places a rank.

    Args:
        name: of the image.
        sums: each viewer's Gaussians, not scaled, so that they add up, float32 [viewers, h, w];
            becomes the viewers' heat maps.
        points: each viewer's fixations, [n, 2].
        viewers: their numbers, int64 [viewers].
    """
    after = np.empty_like(sums)  # of each viewer, the sum of all that follow
    after[-1] = 0
    for index in range(len(sums) - 1, 0, -1):
        np.add(after[index], sums[index], out=after[index - 1])
    before = np.zeros_like(sums[0])
    for own, others, xy, viewer in zip(sums, after, points, viewers, strict=True):
        others += before
        before += own
        for total in (others, own):
            total /= total.max()
        yield Case(name, others, own, xy, int(viewer))


def _add_up_gaussians(xy: np.ndarray, sigma_px: float, total: np.ndarray) -> None:
    """Fills a map with what `heatmaps.render` draws, before that is scaled."""
    columns, rows = (
        np.exp(-0.5 * np.square((np.arange(length) - centres[:, np.newaxis]) / sigma_px))
        for length, centres in zip(total.shape[::-1], xy.T, strict=True)
    )
    rows, columns = rows.T.astype(np.float32), columns.astype(np.float32)
    step = max(1, _MULTIPLICATIONS // columns.size)
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        np.dot(rows[part], columns, out=total[part])


def _viewers(gaze: Gaze, name: str) -> np.ndarray:
    """Numbers of the known viewers of an image."""
    viewer = gaze[name].viewer
    return np.unique(viewer[viewer >= 0]) if viewer is not None else np.zeros(0, np.int64)
