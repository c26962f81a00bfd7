"""What a training stage is: its data, its optimizer, its loss."""

import dataclasses
import math
import re


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An optimizer and its rates.

    Attributes:
        name: "sgd" (Torch's update, see `optimizers.SGD`) or "adam".
        learning_rate: the initial rate.
        inverse_decay: d in `rate / (1 + d * i)` at iteration i (Sec. 5.2 has 1e-5).
        steps: (first epoch, rate) pairs that replace the two above, or ().
        staircase: (iterations, factor): the rate is multiplied by the factor every so many
            iterations; None for no such steps.
        final_learning_rate: where the rate arrives in a straight line when the stage's epochs are
            over, or None.
        momentum: of SGD.
        final_momentum: where the momentum arrives in a straight line, or None.
        nesterov: whether SGD looks ahead by Nesterov's rule.
        weight_decay: (first epoch, L2 coefficient) pairs, for SGD.
        dampening: of SGD, see `optimizers.SGD`.
        untrained_multiplier: factor on the rate of parameters that no pretraining has seen.
        bias_multiplier: factor on the rate of biases, which Caffe's networks have as 2.
    """

    name: str = "sgd"
    learning_rate: float = 1e-3
    inverse_decay: float = 0.0
    steps: tuple[tuple[int, float], ...] = ()
    staircase: tuple[int, float] | None = None
    final_learning_rate: float | None = None
    momentum: float = 0.9
    final_momentum: float | None = None
    nesterov: bool = False
    weight_decay: tuple[tuple[int, float], ...] = ((0, 5e-4),)
    dampening: float = 0.0
    untrained_multiplier: float = 1.0
    bias_multiplier: float = 1.0

    def at_rate(self, rate: float) -> "Optimizer":
        """Returns the optimizer with another initial rate; a final rate keeps its ratio to it."""
        final = self.final_learning_rate
        if final is not None and self.learning_rate:
            final *= rate / self.learning_rate
        return dataclasses.replace(self, learning_rate=rate, final_learning_rate=final, steps=())

    def capped(self, highest: float) -> "Optimizer":
        """Returns the optimizer with no rate above a highest one."""
        return dataclasses.replace(
            self,
            learning_rate=min(self.learning_rate, highest),
            steps=tuple((epoch, min(rate, highest)) for epoch, rate in self.steps),
        )


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


def has_detector(stage: str) -> bool:
    """Whether a detector learns in a stage of that name."""
    return "saliency" in stage or stage == "joint"


def check(name: str, stage: Stage) -> None:
    """Validates the numbers of a stage.

    Raises:
        ValueError: naming the number, the stage and the value.
    """
    for field in ("epochs", "batch_size", "crops", "patience"):
        value = getattr(stage, field)
        require(value > 0, f"{field} of stage {name} must be above 0", value)
    check_optimizer(name, stage.optimizer)
    require(
        0 <= stage.validation_share < 1,
        f"validation_share of stage {name} must lie in [0, 1)",
        stage.validation_share,
    )
    try:
        re.compile(stage.frozen)
    except re.error as error:
        raise ValueError(f"frozen of stage {name} is no regular expression: {error}") from None


def check_optimizer(name: str, optimizer: Optimizer) -> None:
    """Validates the numbers of a stage's optimizer.

    Raises:
        ValueError: naming the number, the stage and the value.
    """
    known = optimizer.name in ("sgd", "adam")
    require(known, f"the optimizer of stage {name} is 'sgd' or 'adam'", optimizer.name)
    for rate in (optimizer.learning_rate, *(rate for _, rate in optimizer.steps)):
        good = 0 < rate < math.inf
        require(good, f"the learning rate of stage {name} must be above 0 and finite", rate)
    factor = optimizer.untrained_multiplier
    good = 0 <= factor < math.inf
    require(good, f"untrained_multiplier of stage {name} must be at least 0 and finite", factor)
    for decay in (optimizer.inverse_decay, *(decay for _, decay in optimizer.weight_decay)):
        require(decay >= 0, f"the decays of stage {name} must be at least 0", decay)


def require(holds: bool, rule: str, value: object) -> None:
    """Raises a ValueError that names the rule and the value."""
    if not holds:
        raise ValueError(f"{rule}; got {value!r}")
