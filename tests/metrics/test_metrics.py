import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from salclass_tf import heatmaps, metrics

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


def prior(points, index):
    return scipy.ndimage.gaussian_filter(counts(others(points, index)), 1.5, mode="constant")


SCORES = {
    "auc": lambda maps, points, i: metrics.auc(maps[i], points[i]),
    "auc_unfixated": lambda maps, points, i: metrics.auc(maps[i], points[i], unfixated=True),
    "auc_judd": lambda maps, points, i: metrics.auc_judd(maps[i], points[i]),
    "auc_judd_binary": lambda maps, points, i: metrics.auc_judd(maps[i], points[i], binary=True),
    "shuffled_auc": lambda maps, points, i: metrics.shuffled_auc(
        maps[i], points[i], others(points, i)
    ),
    "shuffled_auc_binary": lambda maps, points, i: metrics.shuffled_auc(
        maps[i], points[i], others(points, i), binary=True
    ),
    "nss": lambda maps, points, i: metrics.nss(maps[i], points[i]),
    "nss_sample": lambda maps, points, i: metrics.nss(maps[i], points[i], ddof=1),
    "nss_binary": lambda maps, points, i: metrics.nss(maps[i], points[i], binary=True),
    "cc": lambda maps, points, i: metrics.cc(maps[i], blurred(points[i])),
    "cc_reflect": lambda maps, points, i: metrics.cc(maps[i], blurred(points[i], "reflect")),
    "sim": lambda maps, points, i: metrics.sim(maps[i], blurred(points[i])),
    "sim_stretched": lambda maps, points, i: metrics.sim(maps[i], blurred(points[i]), stretch=True),
    "kl": lambda maps, points, i: metrics.kl(maps[i], blurred(points[i])),
    "information_gain_mit": lambda maps, points, i: metrics.information_gain(
        maps[i], points[i], prior(points, i), binary=True, stretch=True
    ),
    "self_nss": lambda maps, points, i: metrics.nss(blurred(points[i]), points[i]),
    "self_shuffled_auc": lambda maps, points, i: metrics.shuffled_auc(
        blurred(points[i]), points[i], others(points, i)
    ),
}

# For images 0-2 of the cases A, B and C. pysaliency 0.2.22 gives the same where it has the form.
# NaN: the MIT code divides 0 by 0 on a constant map, or (AUC-Judd) miscounts ties.
REFERENCE = {
    "auc": "0.555208 0.539583 0.515625 0.513802 0.399219 0.257552 0.470833 0.434896 0.500000",
    "auc_unfixated": (
        "0.559016 0.541758 0.516484 0.514560 0.393681 0.244231 0.467760 0.431319 0.500000"
    ),
    "auc_judd": "0.616940 0.587637 0.566209 0.514560 0.393681 0.257967 0.520219 0.471154 0.500000",
    "auc_judd_binary": "0.640862 0.587637 0.566209 nan nan nan nan 0.471154 nan",
    "shuffled_auc": "0.55 0.6275 0.5225 0.47 0.425 0.2275 0.525 0.5 0.5",
    "shuffled_auc_binary": (
        "0.561404 0.639474 0.513158 0.460526 0.425000 0.227500 0.486111 0.538889 nan"
    ),
    "nss": "0.187832 0.164468 0.062201 0.054420 -0.350072 -0.867264 0.006700 -0.339151 0.000000",
    "nss_sample": (
        "0.187342 0.164039 0.062039 0.054278 -0.349159 -0.865002 0.006683 -0.338267 0.000000"
    ),
    "nss_binary": (
        "0.288009 0.164468 0.062201 0.054420 -0.350072 -0.867264 -0.088813 -0.339151 0.000000"
    ),
    "cc": "-0.043833 -0.032310 -0.046560 -0.052445 0.014933 -0.030384 0.143405 -0.068219 0.0",
    "cc_reflect": (
        "-0.051628 0.013785 -0.057511 -0.092136 0.003835 -0.020703 -0.025927 -0.182378 0.0"
    ),
    "sim": "0.621149 0.565070 0.563999 0.497394 0.567120 0.517023 0.497668 0.590148 0.576855",
    "sim_stretched": (
        "0.616817 0.561496 0.563013 0.497390 0.566895 0.517023 0.486331 0.571965 nan"
    ),
    "kl": "0.625626 0.758650 0.797141 9.368657 6.410925 8.637336 0.846030 0.519924 0.501019",
    "information_gain_mit": (
        "0.069422 -0.203385 -1.178378 -11.373303 -13.042392 -26.796229 0.120900 0.213239 nan"
    ),
    "self_nss": "1.748447 1.672621 1.619610 1.821340 1.465738 1.688453 1.923185 1.703226 1.564818",
    "self_shuffled_auc": "0.96 0.8275 0.8225 0.965 0.8975 0.8825 0.9575 0.955 0.9225",
}

# A value that equals a threshold up to rounding may fall on either side: good to 0.01 only.
REFERENCE_OF_STEPS = {
    0.1: "0.552500 0.640000 0.512500 0.470000 0.425000 0.227500 0.537500 0.465000",
    0.01: "0.557500 0.627500 0.522500 0.470000 0.425000 0.227500 0.527500 0.497500",
}


def scores(function):
    values = []
    for name in "ABC":
        maps, points = case(name)
        values += [function(maps, points, index) for index in range(3)]
    return np.array(values)


@pytest.mark.parametrize("score", SCORES)
def test_gives_the_reference_values(score):
    expected = np.array(REFERENCE[score].split(), float)
    known = ~np.isnan(expected)
    values = scores(SCORES[score])
    np.testing.assert_allclose(values[known], expected[known], rtol=0, atol=1e-6)


@pytest.mark.parametrize("step", REFERENCE_OF_STEPS)
def test_fixed_thresholds_give_the_reference_values(step):
    values = scores(
        lambda maps, points, i: metrics.shuffled_auc(
            maps[i], points[i], others(points, i), step=step
        )
    )
    expected = np.array(REFERENCE_OF_STEPS[step].split(), float)
    np.testing.assert_allclose(values[:8], expected, rtol=0, atol=0.01)


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
        metrics.auc_borji(saliency, nobody),
        metrics.auc(saliency[:1, :1], [(0, 0)], unfixated=True),
        metrics.information_gain(saliency, nobody, saliency),
        metrics.shuffled_auc(saliency, nobody, someone),
        metrics.shuffled_auc(saliency, someone, nobody),
        metrics.shuffled_auc(saliency, nobody, someone, draws=3),
        metrics.cc(saliency, constant),
        metrics.cc(constant, constant),
        metrics.sim(saliency, zero),
        metrics.kl(saliency, zero),
    ]
    assert np.isnan(undefined).all()
    assert metrics.nss(constant, someone) == 0
    assert metrics.cc(constant, saliency) == 0
    assert metrics.auc(constant, someone) == 0.5
    # The constants of its formula would make it -4e-15, and tables show -0.000.
    assert str(metrics.kl(saliency, saliency)) == "0.0"
    assert metrics.sim(zero, saliency) == metrics.sim(np.ones((4, 5)), saliency)
    assert metrics.kl(zero, saliency) == metrics.kl(np.ones((4, 5)), saliency)


def drawn(seed=6, size=(9, 11), fixations=8):
    rng = np.random.default_rng(seed)
    return rng.random(size), rng.integers(0, min(size), (fixations, 2)), rng


def area_by_thresholds(positives, negatives, thresholds):
    """The ROC curve point by point, as the Matlab codes draw it."""
    hits = [0, *(np.mean(positives >= value) for value in thresholds), 1]
    false_alarms = [0, *(np.mean(negatives >= value) for value in thresholds), 1]
    return np.trapezoid(hits, false_alarms)


def steps(step):
    return np.arange(0, 1 + step / 2, step)[::-1]


@pytest.mark.parametrize("step", [0.1, 0.03])
def test_auc_borji_is_the_mean_of_curves_with_fixed_thresholds(step):
    saliency, xy, _ = drawn()
    values = (saliency - saliency.min()) / np.ptp(saliency)
    pixels = np.random.default_rng(4).integers(saliency.size, size=7 * len(xy))
    curves = [
        area_by_thresholds(values[xy[:, 1], xy[:, 0]], negatives, steps(step))
        for negatives in values.ravel()[pixels].reshape(7, len(xy))
    ]
    score = metrics.auc_borji(saliency * 3 - 1, xy, draws=7, step=step, seed=4)
    np.testing.assert_allclose(score, np.mean(curves))


def test_a_value_reaches_the_threshold_that_it_equals():
    # 0.3 / 0.1 is a little below 3, which must not make 0.3 and 0.25 a tie.
    assert metrics.shuffled_auc([[0, 0.25, 0.3, 1]], [(2, 0)], [(1, 0)], step=0.1) == 1
    assert metrics.shuffled_auc([[0, 0.31, 0.3, 1]], [(2, 0)], [(1, 0)], step=0.1) == 0.5


def test_auc_borji_estimates_auc():
    saliency, xy, _ = drawn()
    score = metrics.auc_borji(saliency, xy, draws=20_000, step=None)
    np.testing.assert_allclose(score, metrics.auc(saliency, xy), atol=0.005)


def test_shuffled_auc_with_draws_is_the_mean_of_curves():
    saliency, xy, rng = drawn()
    other_xy = rng.integers(0, 9, (40, 2))
    values = (saliency - saliency.min()) / np.ptp(saliency)
    positives = values[counts(xy, saliency.shape) > 0]
    candidates = values[counts(other_xy, saliency.shape) > 0]
    draws = np.random.default_rng(2)
    curves = [
        area_by_thresholds(
            positives, draws.choice(candidates, positives.size, replace=False), steps(0.1)
        )
        for _ in range(5)
    ]
    score = metrics.shuffled_auc(saliency, xy, other_xy, binary=True, draws=5, step=0.1, seed=2)
    np.testing.assert_allclose(score, np.mean(curves))


@pytest.mark.parametrize("fixations", [5, 60])
def test_auc_judd_is_the_area_of_its_definition(fixations):
    saliency, xy, _ = drawn(fixations=fixations)
    saliency = np.round(saliency, 1 if fixations == 5 else 3)
    positives = saliency[xy[:, 1], xy[:, 0]]
    unfixated = saliency[counts(xy, saliency.shape) == 0]
    expected = area_by_thresholds(positives, unfixated, np.unique(positives)[::-1])
    np.testing.assert_allclose(metrics.auc_judd(saliency, xy), expected)


def test_jittered_auc_judd_is_what_the_mit_code_computes():
    maps, points = case("B")  # heavy ties, which jitter parts
    noise = np.random.default_rng(7).uniform(0, 1e-7, maps[0].shape)
    values = maps[0] + noise
    fixated = np.sort(values[counts(points[0]) > 0])[::-1]
    n = fixated.size
    above = np.array([np.sum(values >= value) for value in fixated])
    false_alarms = (above - np.arange(1, n + 1)) / (values.size - n)
    expected = np.trapezoid(np.r_[0, np.arange(1, n + 1) / n, 1], np.r_[0, false_alarms, 1])
    score = metrics.auc_judd(maps[0], points[0], binary=True, jitter=1e-7, seed=7)
    np.testing.assert_allclose(score, expected)
    assert score != metrics.auc_judd(maps[0], points[0], binary=True)


def test_information_gain_is_the_gain_of_log_likelihood():
    saliency, xy, rng = drawn()
    baseline = rng.random(saliency.shape)
    chances = [values / values.sum() for values in (saliency, baseline)]
    p, b = (values[xy[:, 1], xy[:, 0]] for values in chances)
    np.testing.assert_allclose(
        metrics.information_gain(saliency, xy, baseline), np.log2(p / b).mean()
    )
    assert metrics.information_gain(baseline, xy, 3 * baseline) == pytest.approx(0, abs=1e-12)
    uniform = metrics.information_gain(np.eye(2), [(0, 0)], np.ones((2, 2)))
    assert uniform == pytest.approx(1)  # half of the mass instead of a quarter
    assert metrics.information_gain(np.eye(2), [(1, 0)], np.ones((2, 2))) < -49  # not -infinity


@pytest.mark.parametrize(("scale", "shift"), [(1e-30, 0), (7.5, -3), (0.25, 1e3)])
def test_nss_and_cc_ignore_scale_and_shift(scale, shift):
    saliency, xy, rng = drawn()
    target = rng.random(saliency.shape)
    np.testing.assert_allclose(
        metrics.nss(scale * saliency + shift, xy), metrics.nss(saliency, xy), rtol=1e-9
    )
    np.testing.assert_allclose(
        metrics.cc(scale * saliency + shift, target), metrics.cc(saliency, target), rtol=1e-9
    )


@pytest.mark.parametrize("rise", [np.exp, np.cbrt, lambda values: values**5 - 2])
def test_areas_ignore_increasing_transforms(rise):
    saliency, xy, rng = drawn()
    other_xy = rng.integers(0, 9, (20, 2))
    for score in (metrics.auc, metrics.auc_judd):
        assert score(rise(saliency), xy) == score(saliency, xy)
    assert metrics.shuffled_auc(rise(saliency), xy, other_xy) == metrics.shuffled_auc(
        saliency, xy, other_xy
    )


def test_a_map_agrees_with_itself():
    saliency, xy, _ = drawn()
    assert metrics.cc(saliency, saliency) == pytest.approx(1, abs=1e-12)
    assert metrics.cc(saliency, 1 - saliency) == pytest.approx(-1, abs=1e-12)
    assert metrics.sim(saliency, 5 * saliency) == pytest.approx(1)
    assert metrics.kl(saliency, 5 * saliency) == pytest.approx(0, abs=1e-12)
    assert metrics.shuffled_auc(saliency, xy, xy) == 0.5


def test_cc_is_pearson_r():
    saliency, _, rng = drawn()
    target = rng.random(saliency.shape) + saliency
    expected = scipy.stats.pearsonr(saliency.ravel(), target.ravel()).statistic
    np.testing.assert_allclose(metrics.cc(saliency, target), expected, rtol=1e-12)


def test_one_fixation_is_enough():
    saliency, _, _ = drawn()
    x, y = 4, 2
    value = saliency[y, x]
    assert metrics.nss(saliency, [(x, y)]) == pytest.approx(
        (value - saliency.mean()) / saliency.std()
    )
    below = np.mean(saliency < value) + 0.5 / saliency.size
    assert metrics.auc(saliency, [(x, y)]) == pytest.approx(below)
    lower = np.sum(saliency < value) / (saliency.size - 1)
    # One threshold: the curve is a triangle on top of the diagonal's lower half.
    assert metrics.auc_judd(saliency, [(x, y)]) == pytest.approx((1 + lower) / 2)
    assert 0 <= metrics.auc_borji(saliency, [(x, y)]) <= 1
    assert metrics.shuffled_auc(saliency, [(x, y)], [(0, 0)]) == float(value > saliency[0, 0])


def test_fixations_on_the_border_belong_to_the_outermost_pixels():
    saliency, _, _ = drawn()
    height, width = saliency.shape
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1e-9, height - 1e-9)]
    expected = scipy.stats.zscore(saliency, axis=None)[[0, 0, -1, -1], [0, -1, 0, -1]].mean()
    assert metrics.nss(saliency, corners) == pytest.approx(expected)
    assert metrics.auc_judd(saliency, corners) == metrics.auc_judd(saliency, np.floor(corners))


def test_binary_forms_count_a_pixel_once():
    saliency, xy, rng = drawn()
    other_xy, baseline = rng.integers(0, 9, (20, 2)), rng.random(saliency.shape)
    again = np.concatenate([xy, xy[:3] + 0.4])
    forms = {
        "nss": lambda points: metrics.nss(saliency, points, binary=True),
        "auc": lambda points: metrics.auc(saliency, points, binary=True),
        "auc_judd": lambda points: metrics.auc_judd(saliency, points, binary=True),
        "auc_borji": lambda points: metrics.auc_borji(saliency, points, binary=True),
        "shuffled_auc": lambda points: metrics.shuffled_auc(
            saliency, points, other_xy, binary=True
        ),
        "information_gain": lambda points: metrics.information_gain(
            saliency, points, baseline, binary=True
        ),
    }
    for name, score in forms.items():
        assert score(again) == score(np.unique(xy, axis=0)), name
    assert metrics.nss(saliency, again) != metrics.nss(saliency, again, binary=True)


def test_draws_depend_on_the_seed_alone():
    saliency, xy, _ = drawn()
    for score in (
        metrics.auc_borji,
        lambda *args, **form: metrics.auc_judd(*args, jitter=1, **form),
    ):
        assert score(saliency, xy, seed=1) == score(saliency, xy, seed=1)
        assert score(saliency, xy, seed=1) != score(saliency, xy, seed=(1, 1))


def test_constant_maps_have_the_documented_scores():
    constant, someone = np.full((4, 5), 0.1), [(1, 2), (3, 3)]
    other = np.random.default_rng(5).random((4, 5))
    assert metrics.auc_borji(constant, someone) == 0.5
    assert metrics.shuffled_auc(constant, someone, [(0, 0)], step=0.1) == 0.5
    assert metrics.auc(constant, someone, unfixated=True) == 0.5
    assert metrics.auc_judd(constant, someone) == 0.5
    assert metrics.sim(constant, other, stretch=True) == metrics.sim(
        np.ones((4, 5)), (other - other.min()) / np.ptp(other)
    )
    assert metrics.information_gain(constant, someone, np.zeros((4, 5))) == pytest.approx(0)


@pytest.mark.parametrize("point", [(-0.4, 1), (4, 1), (1, 3.0), (1, -2), (np.inf, 1)])
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
    with pytest.raises(ValueError, match="draws must be at least 1; got 0"):
        metrics.auc_borji(np.eye(3, 4), [(1, 1)], draws=0)
    with pytest.raises(ValueError, match="step must be above 0.*; got -1"):
        metrics.shuffled_auc(np.eye(3, 4), [(1, 1)], [(0, 0)], step=-1)
    with pytest.raises(ValueError, match=r"one size; got \(3, 4\) and \(4, 3\)"):
        metrics.information_gain(np.eye(3, 4), [(1, 1)], np.eye(4, 3))


def test_numpy_metrics_and_evaluation_start_without_tensorflow():
    script = (
        "import sys; from salclass_tf import evaluation, metrics; "
        "print(metrics.nss([[0, 1]], [(1, 0)]), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["1.0", "False"], done.stderr


def test_unknown_metric_is_an_attribute_error():
    assert not hasattr(metrics, "nse")
    assert set(metrics.__all__) >= {"correlation", "normalized_scanpath", "has_gaze"}


def test_fixation_between_pixel_centres_belongs_to_the_nearest_as_in_heat_maps():
    """Whole numbers are pixel centres: NSS on a sharp heat map is highest at its own fixation."""
    xy = np.array([[6.7, 3.4]])
    saliency = heatmaps.from_fixations(xy, (9, 12), 0.5)
    assert np.unravel_index(saliency.argmax(), saliency.shape) == (3, 7)
    z = scipy.stats.zscore(saliency.astype(np.float64), axis=None)
    assert metrics.nss(saliency, xy) == pytest.approx(z.max())
    assert metrics.nss(saliency, [(7.49, 3.49)]) == pytest.approx(z.max())
    assert metrics.nss(saliency, [(7.51, 3.49)]) == pytest.approx(z[3, 8])


@pytest.mark.parametrize("scale", [1e-300, 1e-162, 1.0, 1e162, 1e300])
def test_scores_do_not_depend_on_the_scale_of_a_map(scale):
    saliency, xy, rng = drawn()
    target = rng.random(saliency.shape)
    assert metrics.cc(saliency * scale, target) == pytest.approx(metrics.cc(saliency, target))
    assert metrics.cc(target, saliency * scale) == pytest.approx(metrics.cc(saliency, target))
    assert metrics.nss(saliency * scale, xy) == pytest.approx(metrics.nss(saliency, xy))


def test_rows_with_nan_pad_batches_and_are_no_fixations():
    saliency, xy, rng = drawn()
    other_xy, baseline = rng.integers(0, 9, (20, 2)), rng.random(saliency.shape)
    padded = np.concatenate([xy, np.full((4, 2), np.nan), [[np.nan, 3.0]]])
    for metric in (metrics.nss, metrics.auc, metrics.auc_judd):
        assert metric(saliency, padded) == metric(saliency, xy)
    assert metrics.shuffled_auc(saliency, padded, other_xy) == metrics.shuffled_auc(
        saliency, xy, other_xy
    )
    gain = metrics.information_gain
    assert gain(saliency, padded, baseline) == gain(saliency, xy, baseline)
    rendered = [heatmaps.from_fixations(points, (9, 12), 1.0) for points in (padded, xy)]
    np.testing.assert_array_equal(*rendered)


def test_divergence_of_a_map_from_itself_is_not_below_0():
    rng = np.random.default_rng(0)
    for _ in range(200):
        saliency = rng.random((7, 9))
        assert 0 <= metrics.kl(saliency, saliency) < 1e-12
        assert not str(metrics.kl(saliency, saliency)).startswith("-")
