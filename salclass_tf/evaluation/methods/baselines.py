"""What a detector has to beat, and what people reach, in the same view as the networks."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.maps import human
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import evaluated_sets, watched_sets, whole
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import SALIENCY, Answers, Forward, Method
from salclass_tf.training import final_scores as batch_scoring


def own_maps() -> Method:
    """Returns the true maps themselves: the "human baseline" of the paper's Table 4.

    CC is 1 by construction; NSS and AUC look up fixations in the map made of them.
    """

    def load(dataset: EvaluatedSet) -> Forward:
        return lambda batch: {SALIENCY: batch["saliency"].numpy()}

    return Method("human, true maps (as in the paper)", "", "own_maps", load=load, compared=False)


def centre_bias() -> Method:
    """Returns where people look anyway: a mean true map, the same for every image.

    The mean over the training part, as training reports it. Where there is none, or it is what
    is evaluated, the mean over all other evaluated images, which is another map for each image,
    since its own must not take part. Of whole images of several sizes, maps are stretched to the
    first one's size for the mean, and the mean to each image.
    """

    def load(dataset: EvaluatedSet) -> Forward:
        training = dataset.training
        if training is None:
            return _mean_of_others(dataset)
        mean = _mean_map(training)
        return lambda batch: {
            SALIENCY: whole.resized(
                np.repeat(mean[None], len(evaluated_sets.names(batch)), axis=0), batch
            )
        }

    return Method("centre bias (mean true map)", "", "centre_bias", load=load)


def each_viewer() -> Method:
    """Returns inter-observer agreement, see `score_each_viewer`."""
    name = "human, each viewer by all others"
    return Method(name, "", "each_viewer", compared=False, scored_by=score_each_viewer)


def score_each_viewer(
    dataset: EvaluatedSet, measures: Sequence[str], labels: dict[str, str], **settings
) -> Scores:
    """Scores how well all other viewers of an image predict each one: inter-observer agreement.

    See `human.each_by_others`. Maps are those of the whole image and, in the view of crops, cut as
    those of networks are.

    Args:
        dataset: images whose fixations name their viewers.
        measures: names of metrics.
        labels: of the row.
        **settings: of `evaluate`.

    Returns:
        The scores; images with fewer than two known viewers are skipped.
    """
    return human.each_by_others(
        watched_sets.images(dataset), dataset.gaze, measures, labels=labels, **settings
    )


def _mean_map(dataset: EvaluatedSet) -> np.ndarray:
    """The mean true map, float32 [h, w, 1], in the size of the first image."""
    with dataset.readable(dataset.source()):
        batches = dataset.batches()
        if dataset.view == WHOLE:
            size = next(iter(batches))["saliency"].shape[1:3]
            batches = batches.map(
                lambda batch: {"saliency": tf.image.resize(batch["saliency"], size, antialias=True)}
            )
        return batch_scoring.mean_map(batches)


def _mean_of_others(dataset: EvaluatedSet) -> Forward:
    """For each image the mean of all other images' true maps."""
    count = len(dataset.gaze)
    if count < 2:
        raise ValueError(f"{dataset.title} has one image: there are no others to take a mean of")
    total = _mean_map(dataset).astype(np.float64) * count

    def answer(batch: Batch) -> Answers:
        own = tf.image.resize(batch["saliency"], total.shape[:2], antialias=True).numpy()
        others = ((total - own) / (count - 1)).astype(np.float32)
        return {SALIENCY: whole.resized(others, batch)}

    return answer
