"""Priors, blur, densities, maxout and frozen convolutions, against float64 NumPy and SciPy."""

import eight_bits
import keras
import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import tensorflow as tf

from salclass_tf import layers

RNG = np.random.default_rng


def _enlarge(grid, size):
    """Linear interpolation by the half-pixel rule, one axis after the other."""
    for axis, side in enumerate(size):
        cells = grid.shape[axis]
        at = (np.arange(side) + 0.5) * cells / side - 0.5
        grid = np.apply_along_axis(lambda v, at=at: np.interp(at, np.arange(len(v)), v), axis, grid)
    return grid


def _offsets(cells):
    return (np.arange(cells) + 0.5) / cells - 0.5


def test_learned_prior_multiplies_by_the_enlarged_grid():
    maps, grid = RNG(0).random((2, 11, 24, 1)), RNG(1).normal(size=(6, 8))
    layer = layers.LearnedPrior(decay=1 / 48)
    np.testing.assert_array_equal(layer(maps.astype(np.float32)), maps.astype(np.float32))
    layer.set_weights([grid])
    expected = maps * (1 + _enlarge(grid, (11, 24)))[..., None]
    np.testing.assert_allclose(layer(maps.astype(np.float32)), expected, atol=1e-5)
    np.testing.assert_allclose(layer.losses, [np.sum(grid**2) / 48], rtol=1e-5)
    silent = layers.LearnedPrior()
    silent(maps)
    assert not silent.losses


def test_location_biased_convolution_reads_features_and_gaussian_maps():
    features, kernel = RNG(2).normal(size=(1, 7, 6, 2)), RNG(3).normal(size=(3, 3, 6, 4))
    deviations = (0.1, 0.3)
    convolution = keras.layers.Conv2D(4, 3, padding="same", dilation_rate=2, use_bias=False)
    with_maps = layers.GaussianMaps(deviations)(features.astype(np.float32))
    convolution.build(with_maps.shape)
    convolution.set_weights([kernel])
    gaussians = [
        np.exp(-0.5 * (_offsets(7)[:, None] / v) ** 2 - 0.5 * (_offsets(6) / h) ** 2)
        for v in deviations
        for h in deviations
    ]
    stack = np.concatenate([features[0], np.stack(gaussians, -1)], axis=-1)
    padded = np.pad(stack, [(2, 2), (2, 2), (0, 0)])
    expected = sum(
        padded[2 * i : 2 * i + 7, 2 * j : 2 * j + 6] @ kernel[i, j]
        for i in range(3)
        for j in range(3)
    )
    np.testing.assert_allclose(convolution(with_maps)[0], expected, atol=1e-5)


def test_maxout_keeps_the_larger_of_neighbours():
    units = RNG(4).normal(size=(3, 12)).astype(np.float32)
    expected = [[max(row[i : i + 3]) for i in range(0, 12, 3)] for row in units]
    np.testing.assert_array_equal(layers.Maxout(3)(units), expected)
    with pytest.raises(ValueError, match="multiple of 5 units; got 12"):
        layers.Maxout(5)(units)


@pytest.mark.parametrize("deviation", [0.7, 2.5])
def test_blur_is_a_weighted_mean_and_scipys_filter_away_from_the_border(deviation):
    maps = RNG(5).normal(size=(2, 31, 27, 1))
    got = layers.GaussianBlur(deviation)(maps.astype(np.float32)).numpy()
    cells = np.indices((31, 27)).reshape(2, -1).T
    weights = np.exp(-0.5 * ((cells[:, None] - cells) ** 2).sum(-1) / deviation**2)
    weights /= weights.sum(1, keepdims=True)
    expected = np.einsum("ij,bj->bi", weights, maps.reshape(2, -1)).reshape(maps.shape)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    filtered = scipy.ndimage.gaussian_filter(maps[0, ..., 0], deviation, truncate=6)
    inner = np.s_[14:17, 12:15]
    np.testing.assert_allclose(got[0, ..., 0][inner], filtered[inner], atol=1e-4)


def test_blur_is_the_same_in_8_bits():
    maps = RNG(15).random((8, 12, 9, 1)).astype(np.float32)
    inputs = keras.Input((12, 9, 1))
    blurred = keras.Model(inputs, layers.GaussianBlur(1.5)(inputs))
    found = eight_bits.answers(blurred, maps)
    np.testing.assert_allclose(found, blurred(maps), atol=0.02)


def test_blur_learns_its_deviation_unless_it_is_fixed():
    maps = RNG(6).normal(size=(1, 9, 8, 1)).astype(np.float32)
    layer = layers.GaussianBlur(1.5)

    def energy(log_deviation):
        layer.log_deviation.assign(log_deviation)
        return float(tf.reduce_sum(layer(maps) ** 2))

    layer(maps)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(maps) ** 2)
    [gradient] = tape.gradient(value, layer.trainable_variables)
    at = float(np.log(1.5))
    numeric = (energy(at + 1e-2) - energy(at - 1e-2)) / 2e-2
    assert float(gradient) == pytest.approx(numeric, rel=1e-2) and abs(numeric) > 0.1
    fixed = layers.GaussianBlur(1.5, learned=False)
    fixed(maps)
    fixed.trainable = True
    assert not fixed.trainable_variables
    with pytest.raises(ValueError, match="above 0 cells; got 0"):
        layers.GaussianBlur(0)


def test_centre_bias_is_a_weighted_log_density():
    maps = RNG(7).normal(size=(2, 32, 16, 1))
    layer = layers.CentreBias()
    layer.build(maps.shape)
    layer.weight.assign(0.7)
    start = -0.5 * ((_offsets(32)[:, None] / 0.25) ** 2 + (_offsets(32) / 0.25) ** 2)
    for log_density in (start, RNG(8).normal(size=(32, 32))):
        if log_density is not start:
            layer.set_log_density(log_density + 5)  # a constant does not matter
            log_density = log_density - log_density.max()
        expected = maps + 0.7 * _enlarge(log_density, (32, 16))[..., None]
        np.testing.assert_allclose(layer(maps.astype(np.float32)), expected, atol=1e-4)
    assert [v.name for v in layer.trainable_variables] == ["weight"]
    learned = layers.CentreBias(learned=True)
    learned.build(maps.shape)
    assert [v.name for v in learned.trainable_variables] == ["weight", "log_density"]
    for wrong in (np.zeros(4), np.full((3, 3), -np.inf)):
        with pytest.raises(ValueError, match="finite log densities"):
            layer.set_log_density(wrong)


def test_density_is_the_softmax_over_the_pixels_of_each_image():
    scores = RNG(9).normal(0, 3, size=(3, 6, 5, 1))
    density = layers.Density()(scores.astype(np.float32)).numpy().astype(np.float64)
    expected = scipy.special.softmax(scores, axis=(1, 2, 3))
    got = density / density.sum((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    np.testing.assert_array_equal(density.max((1, 2, 3)), 1)
    log_density = np.log(density) - np.log(density.sum((1, 2, 3), keepdims=True))
    np.testing.assert_allclose(log_density, scipy.special.log_softmax(scores, (1, 2, 3)), atol=1e-5)


def test_density_far_below_its_peak_keeps_a_finite_logarithm():
    density = layers.Density()(np.array([0, -50, -1e4], np.float32).reshape(1, 3, 1, 1))
    np.testing.assert_allclose(np.log(density).ravel(), [0, -50, -80], rtol=1e-5)


def test_unit_range_stretches_each_map_and_leaves_a_constant_one_dark():
    scores = RNG(10).normal(size=(2, 4, 3, 1))
    low, high = scores.min((1, 2, 3), keepdims=True), scores.max((1, 2, 3), keepdims=True)
    got = layers.UnitRange()(scores.astype(np.float32))
    np.testing.assert_allclose(got, (scores - low) / (high - low), atol=1e-6)
    np.testing.assert_array_equal(layers.UnitRange()(np.full((1, 2, 2, 1), 3.0)), 0)


def test_frozen_convolution_computes_like_another_and_cannot_be_switched_on():
    image = RNG(11).normal(size=(1, 6, 5, 4)).astype(np.float32)
    frozen = layers.FrozenConv2D(2, 3, groups=2, activation="relu")
    free = keras.layers.Conv2D(2, 3, groups=2, activation="relu")
    frozen(image), free(image)
    free.set_weights(frozen.get_weights())
    np.testing.assert_array_equal(frozen(image), free(image))
    frozen.trainable = True
    assert not frozen.trainable_variables and len(frozen.weights) == 2


def test_unit_filters_are_seeded_and_have_mean_0_and_length_1():
    kernels = [np.asarray(layers.UnitFilters(seed)((3, 3, 2, 5)), np.float64) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.1
    np.testing.assert_allclose(kernels[0].mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose((kernels[0] ** 2).sum((0, 1, 2)), 1, rtol=1e-5)


LAYERS = [
    layers.LearnedPrior((2, 3), 0.1),
    layers.GaussianMaps((0.2,)),
    layers.CentreBias(learned=True),
    layers.GaussianBlur(1.25, learned=False),
    layers.Density(),
    layers.UnitRange(),
    layers.FrozenConv2D(2, 3, kernel_initializer=layers.UnitFilters(4)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_come_back_from_their_configuration(layer):
    maps = RNG(12).normal(size=(1, 5, 4, 1)).astype(np.float32)
    expected = layer(maps)
    config = keras.saving.serialize_keras_object(layer)
    twin = keras.saving.deserialize_keras_object(config)  # built, as the layer was
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(maps), expected)
    assert len(twin.trainable_variables) == len(layer.trainable_variables)


@pytest.mark.parametrize("layer", LAYERS[:-1], ids=lambda layer: type(layer).__name__)
def test_maps_stay_in_float32_under_mixed_precision(layer):
    arguments = {k: v for k, v in layer.get_config().items() if k not in ("name", "dtype")}
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        fresh = type(layer)(**arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    maps = RNG(13).normal(size=(1, 5, 4, 1)).astype(np.float32)
    assert fresh(maps).dtype == tf.float32
    np.testing.assert_allclose(fresh(maps), type(layer)(**arguments)(maps), rtol=1e-6)


@pytest.mark.parametrize(
    "layer", [layers.LearnedPrior(), layers.GaussianBlur(1.0), layers.GaussianMaps((0.2, 0.4))]
)
def test_maps_of_unknown_size_come_out_as_those_of_a_known_one(layer):
    maps = RNG(14).normal(size=(2, 5, 4, 1)).astype(np.float32)
    shapes = keras.Input((None, None, 1))
    resizable = keras.Model(shapes, layer(shapes))
    fixed = type(layer).from_config(layer.get_config())
    fixed(maps)
    weights = [weight + 0.1 * RNG(15).normal(size=weight.shape) for weight in layer.get_weights()]
    layer.set_weights(weights)
    fixed.set_weights(weights)
    np.testing.assert_allclose(resizable(maps), fixed(maps), rtol=1e-5, atol=1e-6)
