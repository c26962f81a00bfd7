"""Schedules of learning rates, momentum and weight decay (Sec. 5.2, and published recipes)."""

import keras

ScheduleLike = float | keras.optimizers.schedules.LearningRateSchedule


def inverse_time(initial: float, decay: float) -> ScheduleLike:
    """Returns `initial / (1 + decay * i)` at iteration i, counted from 0 (Sec. 5.2).

    This is Torch7's `learningRateDecay`; Keras has it as `InverseTimeDecay` with one decay step.

    Args:
        initial: the rate at iteration 0.
        decay: decay per iteration, 0 for a constant rate; the paper has 1e-5.

    Returns:
        A schedule, or `initial` itself where nothing decays.

    Raises:
        ValueError: if the decay is negative.
    """
    if decay < 0:
        raise ValueError(f"the decay of a learning rate must be at least 0; got {decay}")
    if decay == 0:
        return initial
    return keras.optimizers.schedules.InverseTimeDecay(initial, decay_steps=1, decay_rate=decay)


def linear(first: float, last: float, iterations: int) -> ScheduleLike:
    """Returns a straight line from `first` to `last`, which stays there.

    Args:
        first: the value at iteration 0.
        last: the value from iteration `iterations` on.
        iterations: at least 1.

    Returns:
        A schedule over iterations.
    """
    return keras.optimizers.schedules.PolynomialDecay(first, iterations, last, power=1.0)


def staircase(initial: float, iterations: int, factor: float) -> ScheduleLike:
    """Returns `initial * factor ** floor(i / iterations)` at iteration i: Caffe's policy "step".

    Args:
        initial: the value at iteration 0.
        iterations: length of a step, at least 1.
        factor: from one step to the next, above 0.

    Returns:
        A schedule over iterations.
    """
    return keras.optimizers.schedules.ExponentialDecay(initial, iterations, factor, staircase=True)


def stepwise(values: tuple[tuple[int, float], ...], steps_per_epoch: int) -> ScheduleLike:
    """Returns a piecewise constant schedule given by epochs.

    Args:
        values: pairs (first epoch counted from 0, value), the first epoch being 0.
        steps_per_epoch: iterations in one epoch.

    Returns:
        A schedule over iterations, or the one value itself.

    Raises:
        ValueError: if the epochs do not start at 0 or do not rise.
    """
    epochs = [epoch for epoch, _ in values]
    if epochs[:1] != [0] or any(a >= b for a, b in zip(epochs, epochs[1:], strict=False)):
        raise ValueError(f"epochs of a stepwise schedule start at 0 and rise; got {epochs}")
    if len(values) == 1:
        return values[0][1]
    # Keras keeps a value up to and including its boundary, hence the last step of the epoch before.
    boundaries = [epoch * steps_per_epoch - 1 for epoch in epochs[1:]]
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        boundaries, [value for _, value in values]
    )
