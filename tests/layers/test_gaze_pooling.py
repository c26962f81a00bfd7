"""Pooling by a map against sums over pixels in float64."""

import eight_bits
import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import layers
from salclass_tf.layers import gaze_pooling

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(0, 3, (3, 4, 3, 5)).astype(np.float32)
MAPS = RNG.normal(0.2, 0.5, (3, 13, 11, 1)).astype(np.float32)


def cell_mean(one, cells):
    """The mean over each cell: every pixel is cut into so many pieces that none is on a border."""
    pieces = np.repeat(np.repeat(one, cells[0], axis=0), cells[1], axis=1).astype(np.float64)
    return pieces.reshape(cells[0], one.shape[0], cells[1], one.shape[1]).mean((1, 3))


def pooled(features, maps):
    """Image by image, cell by cell."""
    rows = []
    for one, seen in zip(features.astype(np.float64), maps[..., 0], strict=True):
        weights = np.maximum(cell_mean(seen, one.shape[:2]), 0) + 1e-3
        rows.append(sum(w * x for w, x in zip(weights.ravel(), one.reshape(-1, 5), strict=True)))
        rows[-1] /= weights.sum()
    return np.array(rows)


@pytest.mark.parametrize("cells", [(4, 3), (13, 11), (1, 1), (5, 2)])
def test_cells_share_the_pixels_evenly(cells):
    found = layers.cell_means(MAPS, cells)
    expected = [cell_mean(one, cells) for one in MAPS[..., 0]]
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-6)


def test_features_are_weighted_by_the_maps_mean_in_their_cell():
    found = layers.GazePooling()([FEATURES, MAPS])
    np.testing.assert_allclose(found, pooled(FEATURES, MAPS), atol=1e-5)
    plain = FEATURES.mean((1, 2))
    assert np.abs(found - plain).max() > 0.5
    kept = layers.GazePooling(keepdims=True)([FEATURES, MAPS])
    np.testing.assert_array_equal(kept[:, 0, 0], found)


def test_cells_have_their_means_in_8_bits_too():
    maps = np.random.default_rng(1).random((8, 12, 9, 1), dtype=np.float32)
    inputs = keras.Input((12, 9, 1))
    means = keras.layers.Lambda(lambda x: layers.cell_means(x, (4, 3)))(inputs)
    found = eight_bits.answers(keras.Model(inputs, means), maps)
    expected = maps.reshape(8, 4, 3, 3, 3).mean((2, 4))
    np.testing.assert_allclose(found[..., 0], expected, atol=0.02)


@pytest.mark.parametrize("level", [0.0, -1.0])
def test_a_map_that_is_nowhere_above_0_gives_the_plain_mean(level):
    maps = np.full(MAPS.shape, level, np.float32)
    found = layers.GazePooling()([FEATURES, maps])
    np.testing.assert_allclose(found, FEATURES.mean((1, 2)), atol=1e-6)


def test_half_precision_is_pooled_in_float32():
    layer = layers.GazePooling()
    found = layer([tf.cast(FEATURES, tf.bfloat16), MAPS])
    rounded = tf.cast(tf.cast(FEATURES, tf.bfloat16), tf.float32).numpy()
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, pooled(rounded, MAPS), atol=1e-5)


def test_gradients_are_those_of_the_formula():
    ahead = RNG.normal(size=(3, 5))
    features, maps = tf.Variable(FEATURES), tf.Variable(np.abs(MAPS))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layers.GazePooling()([features, maps]) * ahead.astype(np.float32))
    found = tape.gradient(value, [features, maps])
    for which, (start, place) in enumerate(
        ((FEATURES, (1, 2, 0, 3)), (np.abs(MAPS), (2, 6, 5, 0)))
    ):
        step = np.zeros(start.shape)
        step[place] = 1e-4
        ends = []
        for sign in (1, -1):
            both = [FEATURES.astype(np.float64), np.abs(MAPS).astype(np.float64)]
            both[which] = both[which] + sign * step
            ends.append(np.sum(pooled(*both) * ahead))
        expected = (ends[0] - ends[1]) / 2e-4
        assert abs(expected) > 1e-3
        assert found[which].numpy()[place] == pytest.approx(expected, rel=1e-3)


def test_a_saved_layer_pools_alike(tmp_path):
    inputs = [keras.Input((4, 3, 5)), keras.Input((13, 11, 1))]
    made = keras.Model(inputs, layers.GazePooling(keepdims=True)(inputs))
    made.save(tmp_path / "pooling.keras")
    loaded = keras.models.load_model(tmp_path / "pooling.keras")
    np.testing.assert_array_equal(loaded([FEATURES, MAPS]), made([FEATURES, MAPS]))
    assert made.output_shape == (None, 1, 1, 5)


def test_more_cells_than_pixels_are_refused():
    with pytest.raises(ValueError, match="at least as many pixels as cells; got 3 and 4"):
        gaze_pooling.area_matrix(3, 4)
