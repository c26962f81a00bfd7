"""Schedules against their formulas."""

import numpy as np
import pytest

from salclass_tf.optimization import schedules


def test_inverse_time_is_the_papers_formula_counted_from_zero():
    schedule = schedules.inverse_time(1e-3, 1e-5)
    steps = [0, 1, 1000, 100_000]
    expected = [1e-3 / (1 + 1e-5 * i) for i in steps]
    np.testing.assert_allclose([float(schedule(i)) for i in steps], expected, rtol=1e-6)


def test_inverse_time_without_decay_is_a_number():
    assert schedules.inverse_time(0.1, 0.0) == 0.1


def test_stepwise_changes_at_the_first_step_of_its_epoch():
    schedule = schedules.stepwise(((0, 1e-2), (18, 5e-3), (29, 1e-3)), steps_per_epoch=100)
    steps = [0, 1799, 1800, 2899, 2900]
    expected = [1e-2, 1e-2, 5e-3, 5e-3, 1e-3]
    np.testing.assert_allclose([float(schedule(i)) for i in steps], expected, rtol=1e-6)


@pytest.mark.parametrize("values", [((1, 0.1),), ((0, 0.1), (3, 0.2), (3, 0.3))])
def test_stepwise_refuses_epochs_out_of_order(values):
    with pytest.raises(ValueError, match="start at 0 and rise"):
        schedules.stepwise(values, 10)


def test_inverse_time_refuses_negative_decay():
    with pytest.raises(ValueError, match="at least 0"):
        schedules.inverse_time(0.1, -1.0)


def test_linear_arrives_and_stays():
    schedule = schedules.linear(0.9, 0.999, 100)
    found = [float(schedule(i)) for i in (0, 25, 100, 400)]
    np.testing.assert_allclose(found, [0.9, 0.9 + 0.25 * 0.099, 0.999, 0.999], rtol=1e-6)


def test_staircase_is_caffes_step_policy():
    schedule = schedules.staircase(1e-6, 4000, 0.1)
    found = [float(schedule(i)) for i in (0, 3999, 4000, 8000)]
    np.testing.assert_allclose(found, [1e-6, 1e-6, 1e-7, 1e-8], rtol=1e-5)
