"""People as a model: how well those who looked at an image predict one another."""

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from salclass_tf.evaluation.maps.evaluate import TABLE_4, Case, evaluate
from salclass_tf.evaluation.maps.gaze import Gaze
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.maps.viewer_maps import MapOfOthers, ViewerMap
from salclass_tf.evaluation.maps.viewer_sums import ViewerSums
from salclass_tf.evaluation.maps.watched import Watched


def leave_one_out(
    gaze: Gaze, sigma_px: float, measures: Sequence[str] = TABLE_4, **settings
) -> Scores:
    """Scores how well all other viewers of an image predict each one: inter-observer agreement.

    See `each_by_others`.

    Args:
        gaze: the recordings of the data set, with viewers; images with fewer than two known
            viewers are skipped.
        sigma_px: standard deviation of the heat maps' Gaussian, in pixels of the images.
        measures: names of metrics.
        **settings: of `evaluate`.

    Raises:
        ValueError: if no image has two known viewers.
    """
    nobody = np.zeros(0, np.int64)
    images = [
        Watched(
            name, nobody if one.viewer is None else one.viewer, one.xy, one.xy, one.size, sigma_px
        )
        for name, one in gaze.items()
    ]
    if all(len(image.viewers) < 2 for image in images):
        raise ValueError("leave-one-out needs images with two known viewers or more; got none")
    return each_by_others(images, gaze, measures, **settings)


def each_by_others(
    images: Sequence[Watched], gaze: Gaze, measures: Sequence[str], **settings
) -> Scores:
    """Scores how well all other viewers of an image predict each one.

    For every viewer, the map of all others' fixations is the prediction; the viewer's own
    fixations, and the heat map of them, are the truth. An image's score is the mean over its
    viewers. Negatives of shuffled AUC are all viewers' fixations on the other images.

    Args:
        images: all of the data set, with their viewers; those with fewer than two known ones are
            skipped.
        gaze: the recordings of what is scored of them.
        measures: names of metrics.
        **settings: of `evaluate`.
    """
    skipped = {one.name: "fewer than two viewers" for one in images if len(one.viewers) < 2}
    seen = [one for one in images if one.name not in skipped]
    bar = tqdm(seen, "each viewer by all others", leave=False, disable=None)
    return evaluate(
        (case for one in bar for case in _cases(one)), gaze, measures, skipped=skipped, **settings
    )


def _cases(image: Watched) -> Iterator[Case]:
    """Yields a case for each viewer; without a true map where none of their fixations is scored."""
    sums = ViewerSums(image)
    for index, viewer in enumerate(image.viewers.tolist()):
        fixated = sums.fixated[index]
        chosen = np.arange(len(image.viewers)) == index
        own = ViewerMap(sums, chosen) if len(fixated) else None
        yield Case(image.name, MapOfOthers(sums, index), own, fixated, viewer)
