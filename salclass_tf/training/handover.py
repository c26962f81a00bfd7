"""What stages leave to later ones of the same process, besides their files."""

import dataclasses
import pathlib
from collections.abc import Sequence

import keras

from salclass_tf import layers
from salclass_tf.config.stage import CLASSIFIER, DETECTOR, ROLES
from salclass_tf.devices import Placement
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training.final_scores import Forward
from salclass_tf.training.networks import part_normalizations
from salclass_tf.training.plan import Job
from salclass_tf.training.report import Answers


@dataclasses.dataclass(frozen=True)
class _Left:
    """A network as its stage has kept it.

    Attributes:
        forward: its answers.
        by_xla: whether they were traced beside steps that XLA compiles as a whole.
        identity: of the weights in its file.
    """

    forward: Forward
    by_xla: bool
    identity: str | None


class Handover:
    """Networks that stages have kept, for those that train them on, and what they have answered.

    To build a network and to read its weights takes longer than to train it for a few steps. A
    network is handed over once, since it is another one as soon as it is trained on: who comes
    second reads the file. What is handed over computes as what the file holds.

    Args:
        todo: the stages to be made.
        placement: the devices; networks of several replicas or workers are not handed over.
    """

    def __init__(self, todo: Sequence[Job], placement: Placement):
        alone = placement.workers == 1 and placement.strategy.num_replicas_in_sync == 1
        starts = [
            one.workdir / before
            for one in todo
            for part in (DETECTOR, CLASSIFIER)
            if (before := one.config.start_of(one.name, part)) is not None
            # Of these a classifier takes weights by their paths, and builds its own head.
            and not (part == CLASSIFIER and ROLES[before].pretraining)
        ]
        self._wanted = frozenset(starts if alone else ())
        self._left: dict[pathlib.Path, _Left] = {}
        self._taken: list[_Left] = []
        self._shown: dict[tuple, Answers] = {}

    def leave(self, one: Job, forward: Forward, by_xla: bool) -> None:
        """Keeps the network of a finished stage, if a later one starts from it.

        Args:
            one: the stage.
            forward: of its network, which has the weights of its file.
            by_xla: whether XLA compiled its steps as a whole.
        """
        network = forward.network
        # Seeds of random layers go on while a network is trained, and begin anew when it is read.
        has_more = len(network.variables) > len(network.weights)
        if one.folder in self._wanted and not has_more:
            identity = FinishedStage(one.folder).weights_identity
            self._left[one.folder] = _Left(forward, by_xla, identity)

    def take(self, folders: Sequence[pathlib.Path]) -> list[keras.Model | None]:
        """Returns the networks of stages, to be trained together; None where a file is to be read.

        Reading one draws seeds, which those of another one's random layers come after: where one is
        read, those before it are read, too. What is handed over has no random layers.

        Args:
            folders: of the stages, in the order in which their networks are read.
        """
        left = [self._left.pop(folder, None) for folder in folders]
        found: list[keras.Model | None] = []
        for folder, one in zip(reversed(folders), reversed(left), strict=True):
            is_as_left = one and one.identity == FinishedStage(folder).weights_identity
            if not is_as_left:
                break
            self._taken.insert(0, one)
            found.insert(0, one.forward.network)
            for layer in part_normalizations(one.forward.network):
                layers.restore_normalization(layer)
        return [None] * (len(folders) - len(found)) + found

    def forward_of(self, network: keras.Model, by_xla: bool) -> Forward:
        """Returns the answers of a stage's network, as far as traced before it was handed over.

        Args:
            network: what the stage will keep: what it took, or made of that.
            by_xla: whether XLA compiles its steps as a whole.
        """
        known = [left.forward for left in self._taken if left.by_xla == by_xla]
        self._taken = []
        same = (forward for forward in known if forward.network is network)
        return next(same, None) or Forward(network, known)

    def remember(self, one: Job, answers: Answers) -> None:
        """Notes what a stage's network has answered to the images of its picture."""
        self._shown[self._images(one, one.folder)] = answers

    def remembered(self, one: Job, name: str) -> Answers | None:
        """Returns what another stage's network has answered to the images of a stage's picture.

        Args:
            one: the stage whose picture is drawn.
            name: of the other stage, in the same workdir.
        """
        return self._shown.get(self._images(one, one.workdir / name))

    @staticmethod
    def _images(one: Job, folder: pathlib.Path) -> tuple:
        """The images of a stage's picture, and the folder of the stage that answers them."""
        return one.dataset, one.config.geometry(one.name), folder
