"""The distance of a classifier's attention from people's, against its definition in float64."""

import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import losses

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(0, 4, (3, 5, 4, 6)).astype(np.float32)
MAPS = RNG.random((3, 5, 4, 1), dtype=np.float32)


def defined(target, features):
    """Half the squared distance of two vectors of length 1 (Eq. 2 of the paper, p = 2)."""
    found = []
    for one, seen in zip(features.astype(np.float64), target.astype(np.float64), strict=True):
        attention = (one**2).sum(-1).ravel()  # the sum over channels: a factor is nothing to it
        unit = attention / np.linalg.norm(attention), seen.ravel() / np.linalg.norm(seen)
        found.append(np.sum((unit[0] - unit[1]) ** 2) / 2)
    return np.array(found)


def test_it_is_half_the_squared_distance_of_the_normalised_maps():
    found = losses.attention_loss(MAPS, FEATURES)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, defined(MAPS, FEATURES), atol=1e-6)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_the_size_of_features_and_the_height_of_maps_do_not_matter(factor):
    found = losses.attention_loss(MAPS * np.float32(factor), FEATURES * np.float32(factor))
    np.testing.assert_allclose(found, defined(MAPS, FEATURES), atol=1e-6)


def test_attention_where_people_look_costs_nothing_and_elsewhere_all():
    features = np.sqrt(MAPS) * RNG.normal(size=6).astype(np.float32)
    np.testing.assert_allclose(losses.attention_loss(MAPS, features), 0, atol=1e-6)
    left, right = np.zeros((2, 1, 1, 2, 1), np.float32)
    left[..., 0, :], right[..., 1, :] = 1, 1
    np.testing.assert_allclose(losses.attention_loss(left, right), [1])


def test_gradient_is_that_of_the_definition():
    features = tf.Variable(FEATURES)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(losses.attention_loss(MAPS, features))
    found = tape.gradient(value, features).numpy()
    place = np.unravel_index(np.abs(found).argmax(), found.shape)
    step = np.zeros(FEATURES.shape)
    step[place] = 1e-4
    ends = [defined(MAPS, FEATURES.astype(np.float64) + sign * step).sum() for sign in (1, -1)]
    assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-3)


def test_where_nobody_looked_or_nothing_is_active_the_gradient_is_0_and_finite():
    maps, start = MAPS.copy(), FEATURES.copy()
    maps[0], start[1] = 0, 0
    features = tf.Variable(start)
    with tf.GradientTape() as tape:
        value = losses.attention_loss(maps, features)
    np.testing.assert_allclose(value, [0, 1, defined(maps[2:], start[2:])[0]], atol=1e-6)
    found = tape.gradient(value, features).numpy()
    assert not found[:2].any() and np.isfinite(found).all() and found[2].any()


def test_tails_of_fixations_beside_a_crop_tell_nothing():
    heights = np.array([1.0, 1.1e-3, 0.9e-3, 1e-20, 0.0], np.float32)
    maps = heights[:, None, None, None] * MAPS[:1] / MAPS[0].max()
    assert losses.tells_attention(maps).numpy().tolist() == [True, True, False, False, False]


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match="maps must share one shape"):
        losses.attention_loss(MAPS[:, :4], FEATURES)
