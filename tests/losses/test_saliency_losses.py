"""The saliency losses against float64 NumPy and SciPy, and where they are not defined."""

import keras
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
import tensorflow as tf

from salclass_tf import layers, losses

FLOOR = 1e-3
NAMES = losses.list_saliency_losses()
MAPS_ALONE = losses.list_saliency_losses(with_fixations=False)


def draw(seed=0, negative=True):
    """Three examples: true maps, fixation counts, and predictions of a linear head."""
    rng = np.random.default_rng(seed)
    target = rng.random((3, 5, 7, 1)) ** 3
    target[0] *= rng.random((5, 7, 1)) < 0.5  # places where nobody looked
    counts = rng.poisson(0.3, (3, 5, 7, 1))
    predicted = rng.normal(0.3, 0.5, (3, 5, 7, 1))
    return target, counts, predicted if negative else scipy.special.expit(predicted)


def density(predicted):
    """p of one example, as `readings` documents it, in float64."""
    y = predicted.ravel()
    f = np.where(y >= 0, np.abs(y) + FLOOR, FLOOR**2 / (FLOOR + np.abs(y)))
    return f / f.sum()


def entropy(t, y):
    """Of each pixel; below 0.001 and above 0.999 as `losses.cross_entropy` documents it."""
    y = np.where(y < FLOOR, FLOOR**2 / (2 * FLOOR - np.minimum(y, FLOOR)), y)
    y = np.where(y > 1 - FLOOR, 1 - FLOOR**2 / (2 * FLOOR - np.minimum(1 - y, FLOOR)), y)
    return scipy.stats.entropy([t, 1 - t]) + scipy.stats.entropy([t, 1 - t], [y, 1 - y])


#: name -> loss of one example from its truth (map or counts) and its prediction
REFERENCE = {
    "mse": lambda t, y: np.mean((t - y) ** 2),
    "weighted_error": lambda t, y: np.mean((y / y.max() - t) ** 2 / (1.1 - t)),
    "cross_entropy": lambda t, y: np.mean(entropy(t.ravel(), y.ravel())),
    "cc": lambda t, y: 1 - scipy.stats.pearsonr(t.ravel(), y.ravel())[0],
    "kl": lambda t, y: scipy.stats.entropy(t.ravel(), density(y)),
    "bhattacharyya": lambda t, y: -np.log(np.sqrt(t.ravel() / t.sum() * density(y)).sum()),
    "chi_squared": lambda t, y: np.sum((t.ravel() / t.sum() - density(y)) ** 2 / density(y)),
    "total_variation": lambda t, y: (
        scipy.spatial.distance.cityblock(t.ravel() / t.sum(), density(y)) / 2
    ),
    "cosine": lambda t, y: scipy.spatial.distance.cosine(t.ravel(), density(y)),
    "log_likelihood": lambda n, y: -np.mean(np.log(np.repeat(density(y), n.ravel()) * y.size)),
    "nss": lambda n, y: -np.mean(np.repeat(scipy.stats.zscore(y.ravel()), n.ravel())),
}


def score(name, target, counts, predicted, output="map", dtype=tf.float32):
    batch = {"saliency": tf.cast(target, dtype), "fixation_counts": tf.cast(counts, dtype)}
    return losses.get(name)(batch, tf.cast(predicted, dtype), output)


@pytest.mark.parametrize("name", NAMES)
def test_loss_is_its_formula(name):
    target, counts, predicted = draw()
    truth = counts if losses.get(name).needs_fixations else target
    expected = [REFERENCE[name](t, y) for t, y in zip(truth, predicted, strict=True)]
    loss = score(name, target, counts, predicted)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_widened(name):
    target, counts, predicted = (
        tf.cast(tf.cast(v, tf.bfloat16), tf.float32) for v in draw(negative=False)
    )
    half = score(name, target, counts, predicted, dtype=tf.bfloat16)
    assert half.dtype == tf.float32
    np.testing.assert_array_equal(half, score(name, target, counts, predicted))


def test_density_of_a_softmax_is_read_back():
    target, counts, scores = draw()
    scores *= 4
    peaked = layers.Density()(tf.constant(scores, tf.float32))
    p = [scipy.special.softmax(s.ravel()) for s in scores]
    expected = [scipy.stats.entropy(t.ravel(), q) for t, q in zip(target, p, strict=True)]
    loss = score("kl", target, counts, peaked, "density")
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    hits = [np.repeat(q, n.ravel()) for q, n in zip(p, counts, strict=True)]
    expected = [-np.mean(np.log(h * 35)) for h in hits]
    loss = score("log_likelihood", target, counts, peaked, "density")
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)


def test_kl_of_a_density_has_the_gradient_of_the_softmax():
    """p - q, with respect to the scores, however far below the peak a pixel lies."""
    target, counts, scores = draw()
    scores[0, 0, 0] = -60.0
    variable = tf.Variable(scores, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(score("kl", target, counts, layers.Density()(variable), "density"))
    p = np.stack([scipy.special.softmax(s) for s in scores])
    q = target / target.sum(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(tape.gradient(loss, variable), p - q, atol=1e-6)


def test_map_above_0_is_divided_by_its_sum_up_to_the_floor():
    _, _, predicted = draw(negative=False)
    p = np.exp(losses.as_log_density(tf.constant(predicted)).numpy())
    np.testing.assert_allclose(p.sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    expected = predicted / predicted.sum(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(p, expected, atol=2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_where_nobody_looked_a_loss_is_finite_and_alone(name):
    target, counts, predicted = draw(negative=False)
    empty_target, empty_counts = target.copy(), counts.copy()
    empty_target[1], empty_counts[1] = 0, 0
    variable = tf.Variable(predicted, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = score(name, empty_target, empty_counts, variable)
        total = tf.reduce_sum(loss)
    gradient = tape.gradient(total, variable).numpy()
    assert np.isfinite(loss).all() and np.isfinite(gradient).all()
    whole = score(name, target, counts, predicted).numpy()
    np.testing.assert_array_equal(loss.numpy()[[0, 2]], whole[[0, 2]])
    if name in ("mse", "cross_entropy", "weighted_error"):
        # An image without gaze still says that its map is dark.
        np.testing.assert_allclose(
            loss[1], REFERENCE[name](np.zeros((5, 7)), predicted[1, ..., 0]), rtol=1e-5
        )
    else:
        assert loss[1] == 0 and not gradient[1].any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, -1.5, 0.7])
def test_constant_prediction_has_a_finite_loss_and_gradient(name, value):
    target, counts, predicted = draw()
    variable = tf.Variable(np.full_like(predicted, value), dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = score(name, target, counts, variable)
        total = tf.reduce_sum(loss)
    gradient = tape.gradient(total, variable).numpy()
    assert np.isfinite(loss).all() and np.isfinite(gradient).all()
    if losses.get(name).reads_density:  # it is the uniform density, and there is a way out of it
        expected = score(name, target, counts, np.ones_like(predicted))
        np.testing.assert_allclose(loss, expected, rtol=1e-4, atol=1e-5)
        assert np.abs(gradient).max() > 1e-4
    elif name in ("cc", "nss"):
        np.testing.assert_allclose(loss, 1.0 if name == "cc" else 0.0)
        assert not gradient.any()


@pytest.mark.parametrize(
    "name", ["bhattacharyya", "chi_squared", "cosine", "kl", "total_variation"]
)
def test_distance_of_a_distribution_to_itself_is_0(name):
    target, counts, _ = draw()
    target += 0.05
    target -= FLOOR  # what the reading adds again
    loss = score(name, target + FLOOR, counts, target)
    np.testing.assert_allclose(loss, 0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_descent_lowers_the_loss_from_a_linear_heads_start(name):
    """Also where half of the map starts below 0."""
    target, counts, _ = draw()
    counts[:, 2, 3] += 3
    rng = np.random.default_rng(1)
    variable = tf.Variable(rng.normal(0, 0.1, target.shape), dtype=tf.float32)
    optimizer = keras.optimizers.Adam(0.02)
    step = tf.function(lambda: _descend(name, target, counts, variable, optimizer))
    optimizer.build([variable])
    seen = [float(step()) for _ in range(60)]
    assert seen[-1] < seen[0] - 0.05 * abs(seen[0])


def _descend(name, target, counts, variable, optimizer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(score(name, target, counts, variable))
    optimizer.apply([tape.gradient(loss, variable)], [variable])
    return loss


def test_faint_tail_of_a_far_fixation_is_a_map_like_others():
    target, counts, predicted = draw()
    for name in set(MAPS_ALONE) - {"mse", "weighted_error", "cross_entropy"}:
        faint = score(name, target * 1e-30, counts, predicted)
        np.testing.assert_allclose(faint, score(name, target, counts, predicted), rtol=1e-3)


def test_chi_squared_of_an_all_but_impossible_place_is_finite():
    target, counts, predicted = draw()
    below = np.full_like(predicted, -120.0)
    below[:, 0, 0] = 0
    loss = score("chi_squared", target, counts, layers.Density()(tf.constant(below)), "density")
    assert np.isfinite(loss).all() and np.min(loss) > 1e20


def test_cross_entropy_goes_on_without_a_kink_and_moves_whatever_lies_outside():
    values = np.array([-30, -1e-3, 0, 1e-3, 2e-3, 0.5, 0.998, 0.999, 1, 1.001, 30], np.float32)
    for truth in (0.0, 0.3, 1.0):
        variable = tf.Variable(values.reshape(-1, 1, 1, 1))
        with tf.GradientTape() as tape:
            loss = losses.get("cross_entropy")({"saliency": 0 * variable + truth}, variable)
        slope = tape.gradient(loss, variable).numpy().ravel()
        assert np.isfinite(loss).all()
        upwards = values < truth if 0 < truth < 1 else truth == 1
        np.testing.assert_array_equal(np.sign(slope), np.where(upwards, -1, 1) + 0 * slope)
        step = 1e-6
        for y, got in zip(values.astype(np.float64), slope, strict=True):
            around = [np.mean(entropy(np.array([truth]), np.array([y + d]))) for d in (step, -step)]
            expected = (around[0] - around[1]) / (2 * step)
            np.testing.assert_allclose(got, expected, rtol=2e-3, atol=1e-3)


def test_weighted_error_takes_another_alpha_above_1_alone():
    target, _, predicted = (tf.constant(v, tf.float32) for v in draw())
    expected = np.mean(
        (predicted[0] / np.max(predicted[0]) - target[0]) ** 2 / (1.5 - target[0].numpy())
    )
    loss = losses.maps.weighted_error(target, predicted, alpha=1.5)
    np.testing.assert_allclose(loss[0], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="above 1; got 1.0"):
        losses.maps.weighted_error(target, predicted, alpha=1.0)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_would_broadcast_are_refused(name):
    batch = {"saliency": tf.zeros([2, 4, 4, 1]), "fixation_counts": tf.zeros([2, 4, 4, 1])}
    for shape in ([1, 4, 4, 1], [2, 4, 4]):
        with pytest.raises(ValueError, match="share one shape"):
            losses.get(name)(batch, tf.zeros(shape))


@pytest.mark.parametrize("name", NAMES)
def test_works_in_a_graph_with_unknown_sizes(name):
    maps = tf.TensorSpec([None, None, None, 1])
    graph = tf.function(lambda t, n, y: score(name, t, n, y), input_signature=[maps, maps, maps])
    values = [tf.constant(v, tf.float32) for v in draw(negative=False)]
    np.testing.assert_allclose(graph(*values), score(name, *values), rtol=1e-5, atol=1e-6)


def test_unknown_names_are_refused_with_the_valid_ones():
    with pytest.raises(
        ValueError, match="'emd'; choose one of bhattacharyya, cc, .*weighted_error"
    ):
        losses.get("emd")
    with pytest.raises(ValueError, match="one of map, density; got 'logits'"):
        losses.as_log_density(tf.zeros([1, 2, 2, 1]), "logits")


def test_batch_without_fixations_is_refused_by_name():
    with pytest.raises(ValueError, match="nss needs `fixation_counts`.*got saliency"):
        losses.get("nss")({"saliency": tf.zeros([1, 2, 2, 1])}, tf.zeros([1, 2, 2, 1]))


def test_default_is_equation_3():
    assert losses.get(losses.DEFAULT).function is losses.saliency_loss
