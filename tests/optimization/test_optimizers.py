"""The optimizers against a float64 transcription of Torch's update, and their rates per slice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.optimization import optimizers, schedules


def torch_sgd(weight, gradients, rate, momentum, decay, dampening, factor):
    """torch.optim.SGD, step by step, in float64; rate and decay are functions of the step."""
    weight, velocity = weight.astype(np.float64), None
    for step, gradient in enumerate(gradients):
        d = gradient.astype(np.float64) + decay(step) * weight
        velocity = d if velocity is None else momentum * velocity + (1 - dampening) * d
        weight = weight - rate(step) * factor * velocity
    return weight


@pytest.mark.parametrize("dampening", [0.0, 0.9])
@pytest.mark.parametrize("factor", [1.0, 50.0, [[1.0, 1.0, 50.0]]])
def test_sgd_follows_torch_for_fifty_steps(dampening, factor):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 3)).astype(np.float32)
    gradients = rng.normal(size=(50, 4, 3)).astype(np.float32)
    variable = keras.Variable(start, name="kernel")
    optimizer = optimizers.SGD(
        schedules.inverse_time(1e-3, 0.1),
        momentum=0.9,
        weight_decay=schedules.stepwise(((0, 5e-2), (2, 0.0)), steps_per_epoch=10),
        dampening=dampening,
        lr_multipliers={"kernel": factor},
    )
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
    expected = torch_sgd(
        start,
        gradients,
        rate=lambda i: 1e-3 / (1 + 0.1 * i),
        momentum=0.9,
        decay=lambda i: 5e-2 if i < 20 else 0.0,
        dampening=dampening,
        factor=np.asarray(factor),
    )
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_nesterov_with_a_schedule_of_momentum_is_keras_nesterov_at_a_constant_rate():
    rng = np.random.default_rng(2)
    start, gradients = rng.normal(size=3), rng.normal(size=(20, 3))
    momentum = schedules.linear(0.5, 0.9, 10)
    variable = keras.Variable(start.astype(np.float32), name="kernel")
    ours = optimizers.SGD(1e-2, momentum=momentum, nesterov=True)
    weight, velocity = start, 0.0
    for step, gradient in enumerate(gradients):  # as Lasagne has it: the rate is in the velocity
        m = min(0.5 + 0.04 * step, 0.9)
        velocity = m * velocity - 1e-2 * gradient
        weight = weight + m * velocity - 1e-2 * gradient
        ours.apply([tf.constant(gradient, tf.float32)], [variable])
    np.testing.assert_allclose(variable.numpy(), weight, rtol=1e-5)
    again = optimizers.SGD.from_config(ours.get_config())
    assert again.nesterov and float(again.momentum(5)) == pytest.approx(0.7)


def test_nesterov_has_no_dampening():
    with pytest.raises(ValueError, match="no dampening; got dampening 0.9"):
        optimizers.SGD(0.1, momentum=0.9, dampening=0.9, nesterov=True)


def test_adam_multiplier_scales_the_step_of_its_slice_alone():
    start = np.ones((2, 3), np.float32)
    plain, scaled = keras.Variable(start, name="a"), keras.Variable(start, name="b")
    gradient = tf.constant(np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32))
    keras.optimizers.Adam(1e-2).apply([gradient], [plain])
    optimizers.Adam(1e-2, lr_multipliers={"^b$": [1.0, 1.0, 10.0]}).apply([gradient], [scaled])
    moved = (scaled.numpy() - start) / (plain.numpy() - start)
    np.testing.assert_allclose(moved, [[1, 1, 10]] * 2, rtol=1e-5)


def test_adam_takes_the_steps_of_keras():
    def trained(adam):
        rng = np.random.default_rng(0)
        variables = [keras.Variable(rng.normal(size=shape)) for shape in ((3, 4), (5,))]
        for _ in range(20):
            gradients = [tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables]
            adam.apply(gradients, variables)
        return [v.numpy() for v in variables], adam

    rates = keras.optimizers.schedules.ExponentialDecay(1e-2, 5, 0.5)
    expected, _ = trained(keras.optimizers.Adam(rates, beta_1=0.8, epsilon=1e-3))
    found, adam = trained(optimizers.Adam(rates, beta_1=0.8, epsilon=1e-3))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-7)
    assert int(adam.iterations) == 20
    hats, _ = trained(optimizers.Adam(rates, amsgrad=True))
    expected, _ = trained(keras.optimizers.Adam(rates, amsgrad=True))
    np.testing.assert_allclose(hats[0], expected[0], rtol=2e-6, atol=1e-7)


def test_config_round_trip_keeps_schedules_and_multipliers():
    optimizer = optimizers.SGD(
        schedules.inverse_time(0.1, 1e-5),
        momentum=0.9,
        weight_decay=schedules.stepwise(((0, 5e-4), (3, 0.0)), 7),
        dampening=0.3,
        lr_multipliers={"head": 50.0},
    )
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    assert again.lr_multipliers == {"head": 50.0}


@pytest.mark.parametrize(
    "arguments", [{"momentum": 1.0}, {"dampening": -0.1}, {"weight_decay": -1.0}]
)
def test_refuses_numbers_out_of_range(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        optimizers.SGD(0.1, **arguments)


def test_refuses_a_multiplier_of_another_shape():
    optimizer = optimizers.SGD(0.1, lr_multipliers={".": [1.0, 2.0]})
    with pytest.raises(ValueError, match="broadcast"):
        optimizer.build([keras.Variable(np.ones((2, 3), np.float32), name="kernel")])
