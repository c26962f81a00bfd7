"""What a training stage is: its role among the stages, and its numbers.

A new stage is one more row of `ROLES`, and numbers for it in a preset. What comes before it, what
it reads, builds and answers with, and what it is called in tables all follow from the row.
"""

import dataclasses
import math
import re
from collections.abc import Mapping

from salclass_tf.config import optimizer as optimizers
from salclass_tf.config.optimizer import Optimizer, require

DETECTOR, CLASSIFIER = "detector", "classifier"
MIRRORS = ("both", "random", "none")  # those of `data.tickets`


@dataclasses.dataclass(frozen=True)
class Role:
    """What a stage is for.

    Attributes:
        trains: the parts that learn: `DETECTOR`, `CLASSIFIER` or both.
        title: what its network is called in a run's own table.
        method: what its network is called beside those of other runs; `{detector}` and
            `{classifier}` stand for the names of the networks.
        starts_from: stages whose networks it starts from.
        compared_with: stages that are made before it to be compared with it.
        twin_of: the stage that it is compared with and so shares every number of `SCHEDULE` with,
            or None.
        shown_beside: stage -> heading of its network's answers in this stage's picture.
        reads_true_map: whether its classifier takes the true map as the fourth channel.
        pretraining: whether a run may do without it, see `Config.pretrain_detector`.
        own_dataset: whether it learns from a set of its own, which the data set that a user names
            replaces only where this stage is the one asked for.
    """

    trains: tuple[str, ...]
    title: str
    method: str
    starts_from: tuple[str, ...] = ()
    compared_with: tuple[str, ...] = ()
    twin_of: str | None = None
    shown_beside: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reads_true_map: bool = False
    pretraining: bool = False
    own_dataset: bool = False

    @property
    def trains_detector(self) -> bool:
        """Whether a detector learns, and so whether there is an L_S."""
        return DETECTOR in self.trains

    @property
    def trains_classifier(self) -> bool:
        """Whether a classifier learns, and so whether classes are needed."""
        return CLASSIFIER in self.trains

    @property
    def is_joint(self) -> bool:
        """Whether both parts learn under Eq. 1."""
        return self.trains_detector and self.trains_classifier

    @property
    def reads_map(self) -> bool:
        """Whether its classifier takes a map, a true one or a detector's."""
        return self.is_joint or self.reads_true_map

    @property
    def needs_gaze(self) -> bool:
        """Whether it learns from true maps, as target or as input, whatever its numbers."""
        return self.trains_detector or self.reads_true_map


#: every stage, each after those that it starts from
ROLES = {
    "saliency_pretrain": Role(
        trains=(DETECTOR,),
        title="detector, pretrained",
        method="detector {detector}, pretrained",
        pretraining=True,
        own_dataset=True,
    ),
    "saliency": Role(
        trains=(DETECTOR,),
        title="detector",
        method="detector {detector}",
        starts_from=("saliency_pretrain",),
    ),
    "classifier_pretrain": Role(
        trains=(CLASSIFIER,),
        title="classifier, pretrained",
        method="{classifier}, 3 channels, pretrained",
        pretraining=True,
        own_dataset=True,
    ),
    "classifier_rgb": Role(
        trains=(CLASSIFIER,),
        title="classifier, RGB only",
        method="{classifier}, 3 channels",
        starts_from=("classifier_pretrain",),
        twin_of="classifier",
    ),
    "classifier_rgb_longer": Role(
        trains=(CLASSIFIER,),
        title="classifier, RGB only, as long as joint",
        method="{classifier}, 3 channels, as long as joint",
        starts_from=("classifier_rgb",),
        twin_of="joint",
    ),
    "classifier": Role(
        trains=(CLASSIFIER,),
        title="classifier, RGB + true map",
        method="{classifier}, 4 channels + true maps",
        starts_from=("classifier_pretrain",),
        compared_with=("classifier_rgb",),
        shown_beside={"classifier_rgb": "RGB only"},
        reads_true_map=True,
    ),
    "joint": Role(
        trains=(DETECTOR, CLASSIFIER),
        title="SalClassNet, joint",
        method="SalClassNet ({detector}, {classifier})",
        starts_from=("saliency", "classifier"),
        compared_with=("classifier_rgb_longer",),
        shown_beside={"classifier_rgb_longer": "RGB only", "saliency": "before joint training"},
    ),
}

#: names of the stages, in the order of a run
STAGES = tuple(ROLES)

#: the numbers of a `Stage` that decide how many images it sees, and at which rates
SCHEDULE = (
    *("optimizer", "epochs", "batch_size", "crops", "mirror", "patience", "validation_share"),
    *("geometry", "iterations", "crop_around", "fixed_views"),
)

#: where random crops lie: anywhere in the image, or so that each holds some gaze
CROPS_AROUND = ("image", "gaze")


def role(stage: str) -> Role:
    """Returns the row of a stage.

    Raises:
        ValueError: for a stage that is not there; the message lists those that are.
    """
    require(stage in ROLES, f"a stage is one of {tuple(ROLES)}", stage)
    return ROLES[stage]


def twins_of(stage: str) -> tuple[str, ...]:
    """Returns the stages that are compared with a stage, and so share its schedule."""
    return tuple(name for name, row in ROLES.items() if row.twin_of == stage)


def pretraining_of(part: str) -> str:
    """Returns the name of the stage that pretrains `DETECTOR` or `CLASSIFIER`."""
    return next(name for name, row in ROLES.items() if row.pretraining and row.trains == (part,))


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        dataset: TFDS name of the set it learns from.
        optimizer: see `Optimizer`.
        epochs: maximum number of epochs.
        batch_size: global, over all replicas.
        crops: random crops per image and epoch (five in Sec. 5.2).
        mirror: "both" adds the flip of every crop, "random" flips half of them, "none" none.
        patience: number of epochs without any improvement after which it stops.
        validation_share: share of the training images kept for validation where the set has no
            validation split; 0 trains all epochs and keeps the last model.
        frozen: regular expression, matched against the start of layer names that do not learn.
        geometry: (image_size, short_side) of this stage, where they are not the run's.
        saliency_loss: L_S where a detector learns, see `losses.list_saliency_losses`; "mse" is
            Eq. 3.
        iterations: maximum number of steps, for recipes that are given by them, or None.
        crop_around: one of `CROPS_AROUND`, see `cropping.random_view`.
        attention_loss: weight of `losses.attention_loss` beside the class error, for a classifier
            that reads no map; 0 for none.
        fixed_views: whether an image has the same crops and flips in every epoch, and not new ones.
    """

    dataset: str
    optimizer: Optimizer = Optimizer()
    epochs: int = 200
    batch_size: int = 16
    crops: int = 5
    mirror: str = "both"
    patience: int = 10
    validation_share: float = 0.1
    frozen: str = ""
    geometry: tuple[int, int] | None = None
    saliency_loss: str = "mse"
    iterations: int | None = None
    crop_around: str = CROPS_AROUND[0]
    attention_loss: float = 0.0
    fixed_views: bool = False


def needs_maps(name: str, stage: Stage) -> bool:
    """Returns whether a stage learns from true maps: as target, as input, or by its loss."""
    return role(name).needs_gaze or stage.attention_loss > 0


def needs_gaze(name: str, stage: Stage) -> bool:
    """Returns whether a stage learns from gaze: from true maps, or in its choice of crops."""
    return needs_maps(name, stage) or stage.crop_around == "gaze"


def check(name: str, stage: Stage) -> None:
    """Validates the numbers of a stage.

    Raises:
        ValueError: naming the number, the stage and the value.
    """
    for field in ("epochs", "batch_size", "crops", "patience"):
        value = getattr(stage, field)
        require(value > 0, f"{field} of stage {name} must be above 0", value)
    require(stage.mirror in MIRRORS, f"mirror of stage {name} is one of {MIRRORS}", stage.mirror)
    optimizers.check(name, stage.optimizer)
    require(
        0 <= stage.validation_share < 1,
        f"validation_share of stage {name} must lie in [0, 1)",
        stage.validation_share,
    )
    known = stage.crop_around in CROPS_AROUND
    require(known, f"crop_around of stage {name} is one of {CROPS_AROUND}", stage.crop_around)
    weight, row = stage.attention_loss, role(name)
    good = 0 <= weight < math.inf
    require(good, f"attention_loss of stage {name} must be at least 0 and finite", weight)
    require(
        not weight or (row.trains_classifier and not row.reads_map),
        "attention_loss is one of the stages whose classifier reads no map, such as "
        f"classifier_rgb; leave it out of stage {name}",
        weight,
    )
    try:
        re.compile(stage.frozen)
    except re.error as error:
        raise ValueError(f"frozen of stage {name} is no regular expression: {error}") from None
