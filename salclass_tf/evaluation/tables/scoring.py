"""One pass of a method over a data set: maps scored, classes noted, in flat memory."""

import collections
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.special

from salclass_tf.evaluation.maps.evaluate import Case, evaluate
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import evaluated_sets
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import LOGITS, SALIENCY, Answers, Forward, Method
from salclass_tf.evaluation.tables.guesses import Guesses


@dataclasses.dataclass(frozen=True)
class MethodScores:
    """What one pass found; None for what was not asked for.

    Attributes:
        maps: scores of the maps.
        classes: first guesses.
    """

    maps: Scores | None
    classes: Guesses | None


def score_method(
    method: Method,
    dataset: EvaluatedSet,
    wanted: frozenset[str],
    measures: Sequence[str],
    **settings,
) -> MethodScores:
    """Lets a method answer every image of a data set, and scores the answers as they come.

    Args:
        method: what answers.
        dataset: the images.
        wanted: `SALIENCY` for scores of maps, `LOGITS` for first guesses, or both.
        measures: metrics of the maps.
        **settings: of `evaluate`.

    Raises:
        ValueError: if answers do not fit the images or the classes; the message names the image.
    """
    if method.scored_by is not None:
        labels = method.labels(dataset)
        return MethodScores(method.scored_by(dataset, measures, labels=labels, **settings), None)
    forward = method.load(dataset)
    images: list[str] = []
    truth: list[np.ndarray] = []
    likely: list[np.ndarray] = []

    def cases() -> Iterator[Case]:
        for batch in dataset.read(f"{method.name} on {dataset.title}", *method.extras):
            answers = forward(batch)
            if LOGITS in wanted:
                images.extend(evaluated_sets.names(batch))
                truth.append(batch["label"].numpy())
                likely.append(_probabilities(answers[LOGITS], method, dataset))
            if SALIENCY in wanted:
                yield from _cases(batch, answers)

    labels, maps = method.labels(dataset) | _shown(forward), None
    if SALIENCY in wanted:
        found = evaluate(cases(), dataset.gaze, measures, labels=labels, **settings)
        maps = found.without(method.undefined)
    else:
        collections.deque(cases(), maxlen=0)
    if LOGITS not in wanted:
        return MethodScores(maps, None)
    columns = (np.concatenate(column) for column in (truth, likely))
    guesses = Guesses.of_probabilities(labels, images, *columns, dataset.class_names)
    return MethodScores(maps, guesses)


def _shown(forward: Forward) -> dict[str, str]:
    """The column that says how a network is shown whole images."""
    shown = getattr(forward, "shown", None)
    return {"shown to the network": shown} if shown else {}


def _cases(batch: Batch, answers: Answers) -> Iterator[Case]:
    """The maps of a batch with what they are compared with."""
    for index, name in enumerate(evaluated_sets.names(batch)):
        yield Case(name, answers[SALIENCY][index, ..., 0], evaluated_sets.target(batch, index))


def _probabilities(answers: np.ndarray, method: Method, dataset: EvaluatedSet) -> np.ndarray:
    """The probabilities of all classes for each image, float64 [b, classes]."""
    if answers.shape[-1] != len(dataset.class_names):
        raise ValueError(
            f"the network must have a class for each of {dataset.title}, "
            f"{len(dataset.class_names)}; it has {answers.shape[-1]}"
        )
    if not np.isfinite(answers).all():
        raise ValueError("class scores must be finite; got NaN or infinity")
    answers = np.asarray(answers, np.float64)
    return answers if method.gives_probabilities else scipy.special.softmax(answers, axis=-1)
