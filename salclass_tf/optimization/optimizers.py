"""SGD with Torch's update rule, as the paper's training used it, and rates per slice."""

import re
from collections.abc import Callable, Hashable

import keras
import numpy as np
import tensorflow as tf

from salclass_tf import keras_internals

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule
Multiplier = float | list


class _Shared:
    """Tensors that all variables of a step share, each made once in the step's graph.

    Made for each variable, they are a fifth of the operations of a step of many small variables.
    """

    def __init__(self):
        self._made: dict[Hashable, tf.Tensor] = {}

    def once(self, name: Hashable, make: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Returns what `make` returned when a graph first asked for that name."""
        if tf.executing_eagerly():
            return make()
        # Of one graph alone: Keras takes a step inside a condition, too.
        key = tf.compat.v1.get_default_graph(), name
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


class _RateMultipliers:
    """What lets an optimizer learn some variables, or slices of them, at another rate.

    `lr_multipliers` maps a regular expression, searched in `variable.path`, to a factor: a number,
    or nested lists that broadcast against the variable, for a rate per slice. The first expression
    that matches counts; a variable without a match has factor 1.
    """

    def __init__(self, *args, lr_multipliers: dict[str, Multiplier] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.lr_multipliers = dict(lr_multipliers or {})
        self._shared = _Shared()

    def build(self, variables):
        """Creates the optimizer's variables and finds the multiplier of each weight."""
        if not self.built:
            self._multipliers = [self._multiplier(v.path, tuple(v.shape)) for v in variables]
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
        """Takes a step, as in Keras; what its variables share is made anew for each."""
        self._shared = _Shared()
        super().apply(grads, trainable_variables)
        self._shared = _Shared()  # lets go of the graph

    def _multiplier(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """The factor of one variable; refuses one that does not broadcast against it."""
        for pattern, factor in self.lr_multipliers.items():
            if re.search(pattern, path):
                factor = np.asarray(factor, np.float32)
                if np.broadcast_shapes(factor.shape, shape) != shape:
                    raise ValueError(
                        "a learning-rate multiplier must broadcast against its variable; got shape "
                        f"{factor.shape} for {path} of shape {shape}"
                    )
                return factor
        return np.float32(1.0)

    def _rate(self, index: int, learning_rate, dtype) -> tf.Tensor:
        """The rate of one variable, a scalar or one number per slice."""
        # A constant rate is a variable, which would be read for each of those that learn.
        rate = self._shared.once(("rate", dtype), lambda: tf.cast(learning_rate, dtype))
        factor = self._multipliers[index]
        if np.array_equal(factor, 1.0):
            return rate
        if factor.ndim:
            return rate * tf.cast(factor, dtype)
        name = "rate", dtype, float(factor)
        return self._shared.once(name, lambda: rate * tf.cast(factor, dtype))

    def get_config(self):
        """Returns all arguments of the constructor."""
        return super().get_config() | {"lr_multipliers": self.lr_multipliers}


@keras.saving.register_keras_serializable("salclass_tf")
class Adam(_RateMultipliers, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with `lr_multipliers`, as `SGD` has them.

    A variable that has one rate is updated by TensorFlow's kernel: one operation where Keras' own
    has some fifteen, a third of the time that it takes to trace the step of a small Inception-v3.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable as Keras does, at its own rate."""
        index = keras_internals.index_of(self, variable)
        rate = self._rate(index, learning_rate, variable.dtype)
        if rate.shape.rank or self.amsgrad:
            super().update_step(gradient, variable, rate)
            return
        first, second = keras_internals.moments_of(self, index)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(first),
            v=_handle(second),
            lr=rate,
            grad=tf.cast(gradient, rate.dtype),
            **self._constants(rate.dtype),
        )

    def _constants(self, dtype: tf.DType) -> dict[str, tf.Tensor]:
        """What the kernel takes beside a variable's own: the same for all of a step."""

        def cast(name: str) -> tf.Tensor:
            return self._shared.once((name, dtype), lambda: tf.cast(getattr(self, name), dtype))

        def power(name: str) -> tf.Tensor:
            step = self._shared.once(("step", dtype), lambda: tf.cast(self.iterations + 1, dtype))
            return self._shared.once((name, "power", dtype), lambda: tf.pow(cast(name), step))

        return {
            "beta1_power": power("beta_1"),
            "beta2_power": power("beta_2"),
            "beta1": cast("beta_1"),
            "beta2": cast("beta_2"),
            "epsilon": cast("epsilon"),
        }


@keras.saving.register_keras_serializable("salclass_tf")
class SGD(_RateMultipliers, keras.optimizers.Optimizer):
    """Momentum SGD as `torch.optim.SGD` has it, with rates per variable and per slice.

    With gradient g, weight w, rate l, momentum m, decay c and dampening d, step t from 0:

        g' = g + c * w
        v  = g'                      for t = 0
        v  = m * v + (1 - d) * g'    after
        w  = w - l * multiplier * v            or, by Nesterov's rule,
        w  = w - l * multiplier * (g' + m * v)

    Keras' own SGD differs twice: it folds the rate into the velocity, which is another path as
    soon as the rate decays, and its weight decay is not part of the gradient.

    Args:
        learning_rate: a number or a schedule over iterations.
        momentum: m, in [0, 1), a number or a schedule over iterations.
        weight_decay: c, a number or a schedule over iterations; acts on every variable, biases and
            normalisations included, as in Torch7.
        dampening: d, in [0, 1]. Torch7's `optim.sgd` has the momentum as its default.
        nesterov: whether a step looks ahead by Nesterov's rule; dampening is then 0.
        name: name of the optimizer.
        **kwargs: `lr_multipliers` (a regular expression, searched in `variable.path`, -> a number,
            or nested lists that broadcast against the variable, for a rate per slice; the first
            match counts), and what `keras.optimizers.Optimizer` takes.

    Raises:
        ValueError: if dampening, or a constant momentum or weight decay, lie outside their range.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float | LearningRateSchedule = 0.0,
        weight_decay: float | LearningRateSchedule = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        name: str = "sgd",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not callable(momentum) and not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1); got {momentum}")
        if not 0 <= dampening <= 1:
            raise ValueError(f"dampening must lie in [0, 1]; got {dampening}")
        if nesterov and dampening:
            raise ValueError(f"Nesterov's rule has no dampening; got dampening {dampening}")
        if not callable(weight_decay) and weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0; got {weight_decay}")
        self.momentum = momentum
        self.coupled_weight_decay = weight_decay
        self.dampening, self.nesterov = dampening, nesterov

    def build(self, variables):
        """Creates one velocity per variable."""
        if self.built:
            return
        super().build(variables)
        self._velocities = [
            self.add_variable_from_reference(variable, name="velocity") for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable by the rule of the class, in one kernel where it has one rate."""
        index = keras_internals.index_of(self, variable)
        velocity, dtype = self._velocities[index], variable.dtype
        gradient, momentum = tf.cast(gradient, dtype), self._now("momentum", dtype)
        if callable(self.coupled_weight_decay) or self.coupled_weight_decay:
            gradient += self._now("coupled_weight_decay", dtype) * variable
        dampened = self._share(dtype) * gradient if self.dampening else gradient
        rate = self._rate(index, learning_rate, dtype)
        if not rate.shape.rank:
            tf.raw_ops.ResourceApplyMomentum(
                var=_handle(variable),
                accum=_handle(velocity),
                lr=rate,
                grad=dampened,
                momentum=momentum,
                use_nesterov=self.nesterov,
            )
            return
        moved = momentum * velocity + dampened
        self.assign(velocity, moved)
        self.assign_sub(variable, rate * (gradient + momentum * moved if self.nesterov else moved))

    def _share(self, dtype: tf.DType) -> tf.Tensor:
        """What of a gradient enters the velocity: all of the first one, which is the velocity."""

        def share() -> tf.Tensor:
            first = tf.equal(self.iterations, 0)
            return tf.cast(tf.where(first, 1.0, 1.0 - self.dampening), dtype)

        return self._shared.once(("share", dtype), share)

    def _now(self, name: str, dtype: tf.DType) -> tf.Tensor:
        """What a number or a schedule among the attributes is at this iteration."""

        def now() -> tf.Tensor:
            value = getattr(self, name)
            return tf.cast(value(self.iterations) if callable(value) else value, dtype)

        return self._shared.once((name, dtype), now)

    def get_config(self):
        """Returns all arguments of the constructor."""
        scheduled = {"momentum": self.momentum, "weight_decay": self.coupled_weight_decay}
        return (
            super().get_config()
            | {
                name: keras.optimizers.schedules.serialize(value) if callable(value) else value
                for name, value in scheduled.items()
            }
            | {"dampening": self.dampening, "nesterov": self.nesterov}
        )

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Builds the optimizer that `get_config` described."""
        config = dict(config)
        for name in ("momentum", "weight_decay"):
            if isinstance(config[name], dict):
                config[name] = keras.optimizers.schedules.deserialize(config[name], custom_objects)
        return super().from_config(config, custom_objects)


def _handle(variable: keras.Variable | tf.Variable) -> tf.Tensor:
    """What TensorFlow's kernels take for a variable, in the replica that is being updated."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
