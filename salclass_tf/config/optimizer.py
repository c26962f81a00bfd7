"""An optimizer and its rates, as numbers."""

import dataclasses
import math

#: names that `Optimizer` takes
OPTIMIZERS = ("sgd", "adam")
#: fields of `Optimizer` that SGD alone reads
ONLY_SGD = frozenset({"momentum", "dampening", "nesterov", "weight_decay", "final_momentum"})


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An optimizer and its rates.

    Attributes:
        name: "sgd" (Torch's update, see `optimizers.SGD`) or "adam".
        learning_rate: the initial rate.
        inverse_decay: d in `rate / (1 + d * i)` at iteration i (Sec. 5.2 has 1e-5).
        steps: (first epoch, rate) pairs that replace the two above, or ().
        staircase: (iterations, factor): the rate is multiplied by the factor after each
            such number of iterations; None for no such steps.
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

    @property
    def first_rate(self) -> float:
        """The rate of the first step."""
        return self.steps[0][1] if self.steps else self.learning_rate

    def rates(
        self, iterations: int, steps_per_epoch: int, epochs: int
    ) -> tuple[tuple[float, float, int], ...]:
        """Returns the rates of some first iterations, in pieces.

        Args:
            iterations: how many.
            steps_per_epoch: iterations in an epoch.
            epochs: of the stage, at whose end `final_learning_rate` is reached.

        Returns:
            (rate at the first iteration of the piece, rate at its last one, iterations); the two
            rates are equal where the rate is constant.
        """
        if iterations == 0:
            return ()
        if self.steps or self.staircase:
            return self._constant_pieces(iterations, steps_per_epoch)
        first, last = self.learning_rate, iterations - 1
        if self.final_learning_rate is not None:
            share = min(last / (epochs * steps_per_epoch), 1.0)
            end = first + share * (self.final_learning_rate - first)
        else:
            end = first / (1 + self.inverse_decay * last)
        return ((first, end, iterations),)

    def _constant_pieces(
        self, iterations: int, steps_per_epoch: int
    ) -> tuple[tuple[float, float, int], ...]:
        """The pieces of a schedule in steps."""
        if self.steps:
            starts = [(epoch * steps_per_epoch, rate) for epoch, rate in self.steps]
        else:
            length, factor = self.staircase
            count = math.ceil(iterations / length)
            starts = [(n * length, self.learning_rate * factor**n) for n in range(count)]
        ends = [start for start, _ in starts[1:]] + [iterations]
        pieces = [
            (rate, rate, min(end, iterations) - start)
            for (start, rate), end in zip(starts, ends, strict=True)
            if start < iterations
        ]
        return tuple(pieces)

    def at_rate(self, rate: float) -> "Optimizer":
        """Returns the optimizer with another first rate; its whole schedule is scaled with it."""
        first, final = self.first_rate, self.final_learning_rate

        def scaled(then: float) -> float:
            return rate if then == first else then * rate / first  # the rate itself is not rounded

        return dataclasses.replace(
            self,
            learning_rate=rate,
            steps=tuple((epoch, scaled(then)) for epoch, then in self.steps),
            final_learning_rate=None if final is None else scaled(final),
        )

    def capped(self, highest: float) -> "Optimizer":
        """Returns the optimizer with no rate above a highest one."""
        return dataclasses.replace(
            self,
            learning_rate=min(self.learning_rate, highest),
            steps=tuple((epoch, min(rate, highest)) for epoch, rate in self.steps),
        )


def check(name: str, optimizer: Optimizer) -> None:
    """Validates the numbers of a stage's optimizer.

    Raises:
        ValueError: naming the number, the stage and the value.
    """
    known = optimizer.name in OPTIMIZERS
    require(known, f"the optimizer of stage {name} is 'sgd' or 'adam'", optimizer.name)
    for rate in (optimizer.learning_rate, *(rate for _, rate in optimizer.steps)):
        good = 0 < rate < math.inf
        require(good, f"the learning rate of stage {name} must be above 0 and finite", rate)
    factor = optimizer.untrained_multiplier
    good = 0 <= factor < math.inf
    require(good, f"untrained_multiplier of stage {name} must be at least 0 and finite", factor)
    momentum, dampening = optimizer.momentum, optimizer.dampening
    require(0 <= momentum < 1, f"momentum of stage {name} must lie in [0, 1)", momentum)
    require(0 <= dampening <= 1, f"dampening of stage {name} must lie in [0, 1]", dampening)
    both = optimizer.nesterov and dampening
    require(not both, f"stage {name}: Nesterov's rule has no dampening", dampening)
    for decay in (optimizer.inverse_decay, *(decay for _, decay in optimizer.weight_decay)):
        require(decay >= 0, f"the decays of stage {name} must be at least 0", decay)


def require(holds: bool, rule: str, value: object) -> None:
    """Raises a ValueError that names the rule and the value."""
    if not holds:
        raise ValueError(f"{rule}; got {value!r}")
