"""What a detector has to beat, and what people reach, in the same view as the networks."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.maps.evaluate import Case, evaluate
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import evaluated_sets, whole
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

    For every viewer the map of all others' fixations is the prediction; the viewer's own
    fixations, and the map of them, are the truth. Maps are rendered on the whole image and, in
    the view of crops, cropped as those of networks are. An image's score is the mean over its
    viewers.

    Args:
        dataset: images whose fixations name their viewers.
        measures: names of metrics.
        labels: of the row.
        **settings: of `evaluate`.

    Returns:
        The scores; images with fewer than two known viewers are skipped.
    """
    viewers = _viewers(dataset)
    skipped = {name: "fewer than two viewers" for name in dataset.gaze if viewers[name] < 2}

    def cases() -> Iterator[Case]:
        for mine, theirs in _pairs(dataset):
            # The name of an example of the others is the number of the viewer that it lacks.
            for index, (name, viewer) in enumerate(
                zip(evaluated_sets.names(mine), evaluated_sets.names(theirs), strict=True)
            ):
                if name not in skipped:
                    yield Case(
                        name,
                        theirs["saliency"][index, ..., 0].numpy(),
                        evaluated_sets.target(mine, index),
                        evaluated_sets.fixations(mine, index),
                        int(viewer),
                    )

    return evaluate(cases(), dataset.gaze, measures, labels=labels, skipped=skipped, **settings)


def _pairs(dataset: EvaluatedSet) -> Iterator[tuple[Batch, Batch]]:
    """Batches of single viewers' gaze, and of all others' on the same images."""
    source = dataset.source()
    both = (dataset.batches(_by_viewer(source, own)) for own in (True, False))
    with dataset.readable(source):
        bar = f"viewers of {dataset.title}"
        yield from tqdm(tf.data.Dataset.zip(tuple(both)), bar, leave=False, disable=None)


def _viewers(dataset: EvaluatedSet) -> dict[str, int]:
    """Number of known viewers of each image."""
    source = dataset.source()
    pairs = source.map(lambda example: (example["image/id"], example["fixations"]["viewer"]))
    with dataset.readable(source):
        return {
            name.decode(): np.unique(viewer[viewer >= 0]).size
            for name, viewer in pairs.as_numpy_iterator()
        }


def _by_viewer(source: tf.data.Dataset, own: bool) -> tf.data.Dataset:
    """An example for each image and viewer with that viewer's fixations, or with all others'."""

    def viewers_of(example: dict) -> tf.data.Dataset:
        image = tf.io.decode_image(example["image"], channels=3, expand_animations=False)
        # Nobody reads the picture: one channel of nothing takes less time to resize.
        blank = tf.zeros([*tf.unstack(tf.shape(image)[:2]), 1], tf.uint8)
        name, gaze = example["image/id"], example["fixations"]
        known = gaze["viewer"] >= 0
        viewers = tf.sort(tf.unique(gaze["viewer"][known]).y)

        def split(viewer: tf.Tensor) -> dict:
            mine = gaze["viewer"] == viewer
            kept = mine if own else known & ~mine
            return {
                "image": blank,
                "image/id": name if own else tf.strings.as_string(viewer),
                "fixations": {key: gaze[key][kept] for key in ("x", "y")},
            }

        return tf.data.Dataset.from_tensor_slices(viewers).map(split)

    return source.flat_map(viewers_of)


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
