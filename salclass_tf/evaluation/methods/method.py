"""What is compared in a table: something that answers a batch of images with maps or classes."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

from salclass_tf.data import set_record
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet

SALIENCY, LOGITS = "saliency", "logits"

Answers = Mapping[str, np.ndarray]
Forward = Callable[[Batch], Answers]


@dataclasses.dataclass(frozen=True, eq=False)
class Method:
    """A row of a table.

    Attributes:
        name: what the row says.
        model: the files that it comes from, the epoch that was kept, the start of their hash.
        fingerprint: changes with the content of these files.
        gives: `SALIENCY`, `LOGITS` or both.
        load: data set -> function that answers its batches: `saliency` float32 [b, h, w, 1] in the
            size of the batch's images, `logits` float32 [b, classes]. An attribute `shown` of the
            function, if it has one, becomes a column.
        gives_probabilities: whether its `logits` are probabilities, as a server answers.
        geometry: of the crops that it wants; None where any will do.
        trained_on: TFDS name of the set that it learned from, without version; None if unknown.
        chosen_on: split of that set on which its epoch was chosen; None if none was, or unknown.
        class_names: in the order of its answers; None where unknown.
        num_classes: how many there are; None where unknown.
        extras: what it wants of `evaluated_sets.EXTRAS`.
        needs_truth: whether it reads the true map.
        network: loads the Keras network, None where there is none.
        compared: whether the paired tests take it in.
        scored_by: data set, metrics, labels, settings of `evaluate` -> scores, for what has
            several maps of an image and so no `load`.
        undefined: metrics that its maps have no score of -> why.
        seen: columns beside its accuracies, see `learned.columns`; {} where not known.
        reads: the map that its classifier is given, of `training.map_use`; "" of what is no row of
            the table "what the classifier makes of the map".
        family: what networks of several seeds are called together; "" of a single one.
        variants: the same network with other maps, and its twin without; rows of that table.
    """

    name: str
    model: str
    fingerprint: str
    gives: frozenset[str] = frozenset({SALIENCY})
    load: Callable[[EvaluatedSet], Forward] | None = None
    gives_probabilities: bool = False
    geometry: Geometry | None = None
    trained_on: str | None = None
    chosen_on: str | None = None
    class_names: tuple[str, ...] | None = None
    num_classes: int | None = None
    extras: tuple[str, ...] = ()
    needs_truth: bool = False
    network: Callable[[], keras.Model] | None = None
    compared: bool = True
    scored_by: Callable[..., Scores] | None = None
    undefined: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reads: str = ""
    family: str = ""
    variants: tuple["Method", ...] = ()

    @property
    def seed(self) -> str:
        """What tells it from the others of its family: ", seed 0"; "" where it has none."""
        return self.name.removeprefix(self.family) if self.family else ""

    def labels(self, dataset: EvaluatedSet) -> dict[str, str]:
        """Returns the first columns of the method's row."""
        return {
            "data set": dataset.title,
            "method": self.name,
            "model": self.model,
            "view": dataset.view_text,
        }

    def was_chosen_on(self, dataset: EvaluatedSet) -> bool:
        """Whether images of a set helped to choose its epoch, or taught it."""
        whole_splits = (split.partition("[")[0] for split in (self.chosen_on or "", dataset.split))
        return self.trained_on == dataset.name and len(set(whole_splits)) == 1

    def knows_classes_of(self, dataset: EvaluatedSet) -> bool:
        """Whether its classes are, as far as one can tell, those of a data set."""
        if LOGITS not in self.gives or not dataset.class_names:
            return False
        if self.class_names:
            return self.class_names == dataset.class_names
        if self.trained_on:
            return self.trained_on == dataset.name
        return self.num_classes in (None, len(dataset.class_names))

    def wrong_classes(self, dataset: EvaluatedSet) -> str | None:
        """Says how its classes contradict those of the set that it should have learned.

        Classes in another order would be scored as wrong answers, and other ones of the same data
        set mean that it has been prepared again from something else.

        Returns:
            What differs, with the remedy; None where nothing does, or the set is just another one.
        """
        known, there = self.class_names or (), dataset.class_names
        same_set = self.trained_on == dataset.name
        if LOGITS not in self.gives or not (same_set or sorted(known) == sorted(there)):
            return None
        lines = set_record.class_differences(known, there)
        if not lines:
            return None
        return (
            f"it has learned {self.trained_on or 'a set'} with other classes than {dataset.title} "
            f"has here; {lines[0].strip()}: evaluate it on the data that it was trained on, or "
            "train it again"
        )


def model_text(path: pathlib.Path, fingerprint: str, epoch: int | None = None) -> str:
    """Returns what a row says of its files: path, epoch, start of the hash."""
    kept = "" if epoch is None else f"epoch {epoch}, "
    return f"{path} ({kept}{fingerprint[:8]})"
