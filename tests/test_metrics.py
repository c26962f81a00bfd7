import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import tensorflow as tf

from salclass_tf import metrics

NAN = float("nan")


def case(name):
    """Three maps and ten fixations for each, from NumPy's frozen legacy generator."""
    state = np.random.RandomState({"A": 0, "B": 1, "C": 2}[name])
    maps = [state.rand(12, 16) for _ in range(3)]
    points = []
    for _ in range(3):
        y = state.randint(0, 12, 10)
        points.append(np.stack([state.randint(0, 16, 10), y], axis=1))
    if name == "B":
        maps = [np.floor(4 * drawn) / 4 for drawn in maps]
    if name == "C":
        row, column = np.mgrid[:12, :16]
        smooth = np.exp(-0.5 * (((row - 5.5) / 3) ** 2 + ((column - 7.5) / 4) ** 2))
        maps = [smooth, smooth * (1 + maps[1]), np.full((12, 16), 0.25)]
    return maps, points


def blurred(xy, mode="constant"):
    return scipy.ndimage.gaussian_filter(counts(xy), 1.5, mode=mode)


def counts(xy, size=(12, 16)):
    grid = np.zeros(size)
    np.add.at(grid, (xy[:, 1], xy[:, 0]), 1)
    return grid


def others(points, index):
    return np.concatenate([xy for i, xy in enumerate(points) if i != index])


SCORES = {
    "auc": lambda maps, points, i: metrics.auc(maps[i], points[i]),
    "auc_judd": lambda maps, points, i: metrics.auc_judd(maps[i], points[i]),
    "shuffled_auc": lambda maps, points, i: metrics.shuffled_auc(
        maps[i], points[i], others(points, i)
    ),
    "nss": lambda maps, points, i: metrics.nss(maps[i], points[i]),
    "cc": lambda maps, points, i: metrics.cc(maps[i], blurred(points[i])),
    "cc_reflect": lambda maps, points, i: metrics.cc(maps[i], blurred(points[i], "reflect")),
    "sim": lambda maps, points, i: metrics.sim(maps[i], blurred(points[i])),
    "kl": lambda maps, points, i: metrics.kl(maps[i], blurred(points[i])),
    "self_nss": lambda maps, points, i: metrics.nss(blurred(points[i]), points[i]),
    "self_shuffled_auc": lambda maps, points, i: metrics.shuffled_auc(
        blurred(points[i]), points[i], others(points, i)
    ),
}

# Values that pysaliency 0.2.22 gives as well, for images 0-2 of the cases A, B and C.
REFERENCE = {
    "auc": "0.555208 0.539583 0.515625 0.513802 0.399219 0.257552 0.470833 0.434896 0.500000",
    "auc_judd": "0.616940 0.587637 0.566209 0.514560 0.393681 0.257967 0.520219 0.471154 0.500000",
    "shuffled_auc": "0.55 0.6275 0.5225 0.47 0.425 0.2275 0.525 0.5 0.5",
    "nss": "0.187832 0.164468 0.062201 0.054420 -0.350072 -0.867264 0.006700 -0.339151 0.000000",
    "cc": "-0.043833 -0.032310 -0.046560 -0.052445 0.014933 -0.030384 0.143405 -0.068219 0.0",
    "cc_reflect": (
        "-0.051628 0.013785 -0.057511 -0.092136 0.003835 -0.020703 -0.025927 -0.182378 0.0"
    ),
    "sim": "0.621149 0.565070 0.563999 0.497394 0.567120 0.517023 0.497668 0.590148 0.576855",
    "kl": "0.625626 0.758650 0.797141 9.368657 6.410925 8.637336 0.846030 0.519924 0.501019",
    "self_nss": "1.748447 1.672621 1.619610 1.821340 1.465738 1.688453 1.923185 1.703226 1.564818",
    "self_shuffled_auc": "0.96 0.8275 0.8225 0.965 0.8975 0.8825 0.9575 0.955 0.9225",
}


@pytest.mark.parametrize("score", SCORES)
def test_gives_the_reference_values(score):
    values = []
    for name in "ABC":
        maps, points = case(name)
        values += [SCORES[score](maps, points, index) for index in range(3)]
    expected = np.array(REFERENCE[score].split(), float)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


def test_the_frozen_draws_are_as_recorded():
    (first, *_), (xy, *_) = case("A")
    assert round(first[0, 0], 6) == 0.548814
    assert xy[:, 0].tolist() == [2, 14, 6, 0, 11, 15, 15, 2, 11, 7]


def test_auc_counts_pairs():
    rng = np.random.default_rng(3)
    saliency, xy = rng.integers(0, 4, (5, 6)), rng.integers(0, 5, (7, 2))
    positives = [saliency[y, x] for x, y in xy]
    pairs = [(p > n) + 0.5 * (p == n) for p in positives for n in saliency.ravel()]
    np.testing.assert_allclose(metrics.auc(saliency, xy), np.mean(pairs))


def test_a_fixation_belongs_to_the_pixel_that_it_is_in():
    saliency = np.arange(12.0).reshape(3, 4)
    assert metrics.nss(saliency, [(3.9, 0.2)]) == metrics.nss(saliency, [(3, 0)])


def test_negative_maps_are_shifted_before_they_become_densities():
    saliency, target = np.random.default_rng(4).normal(size=(2, 5, 6))
    p, q = (values - values.min() for values in (saliency, target))
    p, q = p / p.sum(), q / q.sum()
    np.testing.assert_allclose(metrics.sim(saliency, target), np.minimum(p, q).sum())
    expected = scipy.stats.entropy(q.ravel(), (p + 2.2204e-16).ravel())
    np.testing.assert_allclose(metrics.kl(saliency, target), expected, rtol=1e-6)


def test_degenerate_results_are_as_documented():
    rng = np.random.default_rng(5)
    saliency, constant, zero = rng.random((4, 5)), np.full((4, 5), 0.1), np.zeros((4, 5))
    nobody, someone = np.zeros((0, 2)), [(1, 2)]
    undefined = [
        metrics.nss(saliency, nobody),
        metrics.auc(saliency, nobody),
        metrics.auc_judd(saliency, nobody),
        metrics.shuffled_auc(saliency, nobody, someone),
        metrics.shuffled_auc(saliency, someone, nobody),
        metrics.cc(saliency, constant),
        metrics.cc(constant, constant),
        metrics.sim(saliency, zero),
        metrics.kl(saliency, zero),
    ]
    assert np.isnan(undefined).all()
    assert metrics.nss(constant, someone) == 0
    assert metrics.cc(constant, saliency) == 0
    assert metrics.auc(constant, someone) == 0.5
    assert metrics.sim(zero, saliency) == metrics.sim(np.ones((4, 5)), saliency)
    assert metrics.kl(zero, saliency) == metrics.kl(np.ones((4, 5)), saliency)


@pytest.mark.parametrize("point", [(-0.4, 1), (4, 1), (1, 3.0), (1, -2), (NAN, 1)])
def test_refuses_fixations_off_the_map(point):
    with pytest.raises(ValueError, match="drop off-image fixations first"):
        metrics.nss(np.eye(3, 4), [(1, 1), point])


def test_refuses_mixed_up_or_broken_arguments():
    with pytest.raises(ValueError, match=r"\[n, 2\]; got shape \(3, 4\)"):
        metrics.nss(np.eye(3, 4), np.eye(3, 4))
    with pytest.raises(ValueError, match=r"map must be \[h, w\]"):
        metrics.cc(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)))
    with pytest.raises(ValueError, match=r"one size; got \(3, 4\) and \(1, 4\)"):
        metrics.cc(np.eye(3, 4), np.ones((1, 4)))
    with pytest.raises(ValueError, match="finite"):
        metrics.nss(np.full((3, 4), NAN), [(1, 1)])


def batch(seed=0):
    maps = np.random.default_rng(seed).random((2, 3, 7, 5, 1), dtype=np.float32)
    fixations = np.random.default_rng(seed).integers(0, 3, (3, 7, 5, 1)).astype(np.float32)
    return maps[0], maps[1], fixations


def test_correlation_matches_scipy():
    target, predicted, _ = batch()
    expected = [
        scipy.stats.pearsonr(t.ravel(), p.ravel())[0]
        for t, p in zip(target, predicted, strict=True)
    ]
    np.testing.assert_allclose(metrics.correlation(target, predicted), expected, atol=1e-6)


def test_normalized_scanpath_matches_nss():
    _, predicted, fixations = batch()
    expected = []
    for values, counted in zip(predicted[..., 0], fixations[..., 0].astype(int), strict=True):
        rows, columns = np.nonzero(counted)
        xy = np.repeat(np.stack([columns, rows], axis=1), counted[rows, columns], axis=0)
        expected.append(metrics.nss(values, xy))
    scores = metrics.normalized_scanpath(predicted, fixations)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


def test_batch_metrics_ignore_scale_and_offset_even_of_faint_maps():
    target, predicted, fixations = batch()
    np.testing.assert_allclose(
        metrics.correlation(target * 1e-30, predicted * 40 - 7),
        metrics.correlation(target, predicted),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        metrics.normalized_scanpath(predicted * 1e-30, fixations),
        metrics.normalized_scanpath(predicted, fixations),
        atol=1e-5,
    )


def test_batch_metrics_give_0_and_a_mask_where_undefined():
    target, predicted, fixations = batch()
    target[1], fixations[1], predicted[2] = 0, 0, 0.1
    correlation = metrics.correlation(target, predicted).numpy()
    scanpath = metrics.normalized_scanpath(predicted, fixations).numpy()
    assert correlation[0] != 0 and scanpath[0] != 0
    np.testing.assert_array_equal(correlation[1:], [0, 0])
    np.testing.assert_array_equal(scanpath[1:], [0, 0])
    np.testing.assert_array_equal(metrics.has_gaze(fixations), [True, False, True])
    np.testing.assert_array_equal(metrics.has_gaze(target), [True, False, True])


def test_batch_metrics_widen_half_precision():
    target, predicted, _ = (tf.cast(values, tf.bfloat16) for values in batch())
    wide = metrics.correlation(tf.cast(target, tf.float32), tf.cast(predicted, tf.float32))
    narrow = metrics.correlation(target, predicted)
    assert narrow.dtype == tf.float32
    np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("score", [metrics.correlation, metrics.normalized_scanpath])
def test_batch_metrics_refuse_what_would_broadcast(score):
    with pytest.raises(ValueError, match=r"one shape \[b, h, w, 1\]"):
        score(tf.zeros([2, 4, 4, 1]), tf.zeros([1, 4, 4, 1]))
    with pytest.raises(ValueError, match=r"one shape \[b, h, w, 1\]"):
        score(tf.zeros([4, 4, 1]), tf.zeros([4, 4, 1]))
