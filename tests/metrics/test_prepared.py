"""Scores in every type and layout of a map, against the definitions in float64."""

import numpy as np
import pytest

from salclass_tf import metrics
from salclass_tf.metrics import fixated, prepared, ranked

SIZE = (33, 41)
TYPES = ("float64", "float32", "float16", "uint8", "uint16", "int16", "int64", "bool", ">f4", ">f8")


def brute_force(saliency, target, xy, other_xy):
    """The definitions, pair by pair."""
    values = np.asarray(saliency).astype(np.float64)
    target = np.asarray(target).astype(np.float64)
    positives, others = (values[points[:, 1], points[:, 0]] for points in (xy, other_xy))
    free = np.ones(values.shape, bool)
    free[xy[:, 1], xy[:, 0]] = False

    def above(negatives):
        pairs = positives[:, np.newaxis] - negatives
        return np.mean((pairs > 0) + 0.5 * (pairs == 0))

    thresholds = np.unique(positives)[::-1]
    hits = [0, *(np.mean(positives >= level) for level in thresholds), 1]
    false_alarms = [0, *(np.mean(values[free] >= level) for level in thresholds), 1]
    return {
        "auc": above(values.ravel()),
        "auc_unfixated": above(values[free]),
        "shuffled_auc": above(others),
        "auc_judd": np.trapezoid(hits, false_alarms),
        "nss": np.mean((positives - values.mean()) / values.std()),
        "cc": np.corrcoef(values.ravel(), target.ravel())[0, 1],
    }


def scored(saliency, target, xy, other_xy):
    counts = np.zeros(SIZE, int)
    np.add.at(counts, tuple(other_xy.T[::-1]), 1)
    of_counts = metrics.shuffled_auc_of_counts(saliency, xy, counts)
    shuffled = metrics.shuffled_auc(saliency, xy, other_xy)
    assert of_counts == pytest.approx(shuffled, abs=1e-12)
    return {
        "auc": metrics.auc(saliency, xy),
        "auc_unfixated": metrics.auc(saliency, xy, unfixated=True),
        "shuffled_auc": shuffled,
        "auc_judd": metrics.auc_judd(saliency, xy),
        "nss": metrics.nss(saliency, xy),
        "cc": metrics.cc(saliency, target),
    }


def points(rng, count):
    return rng.integers(0, SIZE[::-1], (count, 2))


@pytest.mark.parametrize("fixations", [1, 7, 300])
@pytest.mark.parametrize("dtype", TYPES)
def test_scores_are_the_definitions_in_every_type(dtype, fixations):
    rng = np.random.default_rng(fixations)
    levels = 2 if dtype == "bool" else 200  # full of ties
    saliency = rng.integers(0, levels, SIZE).astype(dtype)
    given = saliency, rng.random(SIZE), points(rng, fixations), points(rng, 400)
    assert scored(*given) == pytest.approx(brute_force(*given), abs=1e-12)


@pytest.mark.parametrize("pairs", [1, 3000, 2**21])
def test_levels_are_compared_or_sorted_alike(pairs, monkeypatch):
    monkeypatch.setattr(ranked, "_SMALL", 0)  # compared, in parts
    monkeypatch.setattr(ranked, "_COMPARED", pairs)
    rng = np.random.default_rng(4)
    saliency = rng.integers(0, 50, SIZE).astype(np.float32)
    given = saliency, rng.random(SIZE), points(rng, 20), points(rng, 400)
    assert scored(*given) == pytest.approx(brute_force(*given), abs=1e-12)


def test_fixations_serve_maps_of_their_size_alone():
    rng = np.random.default_rng(5)
    xy, saliency = points(rng, 9), rng.random(SIZE)
    ready = fixated.Fixated(SIZE, xy)
    assert len(ready) == 9
    for score in (metrics.nss, metrics.auc, metrics.auc_judd):
        assert score(saliency, ready) == score(saliency, xy)
        with pytest.raises(ValueError, match="cannot serve a map of"):
            score(saliency.T, ready)


def test_values_that_only_float64_tells_apart_are_no_ties():
    saliency = 1 + np.arange(np.prod(SIZE)).reshape(SIZE) * 1e-12
    rng = np.random.default_rng(0)
    given = saliency, saliency.T.reshape(SIZE), points(rng, 20), points(rng, 50)
    found, expected = scored(*given), brute_force(*given)
    for name in ("auc", "auc_unfixated", "shuffled_auc", "auc_judd"):
        assert found[name] == pytest.approx(expected[name], abs=1e-12), name
    large = 2**40 + np.arange(np.prod(SIZE)).reshape(SIZE)
    assert metrics.auc(large, [(0, 1)]) == pytest.approx((41 + 0.5) / large.size)


def test_the_layout_of_an_array_does_not_matter():
    rng = np.random.default_rng(1)
    wide = rng.random((2 * SIZE[0], 3 * SIZE[1]), np.float32)
    for saliency in (wide[::2, ::3], wide[::-2, ::3], np.asfortranarray(wide[::2, ::3])):
        given = saliency, wide[1::2, ::3], points(rng, 9), points(rng, 99)
        assert scored(*given) == pytest.approx(brute_force(*given), abs=1e-12)


@pytest.mark.parametrize("block", [64, 1000, 2**16])
@pytest.mark.parametrize("offset", [0, 1e3, -1e6])
def test_sums_by_blocks_lose_nothing(monkeypatch, block, offset):
    monkeypatch.setattr(prepared, "_BLOCK", block)
    rng = np.random.default_rng(2)
    saliency = rng.random(SIZE) + offset
    saliency[:2] -= 3  # the first block is far from the mean
    given = saliency, rng.random(SIZE), points(rng, 9), points(rng, 99)
    found, expected = scored(*given), brute_force(*given)
    assert found["nss"] == pytest.approx(expected["nss"], abs=1e-9)
    assert found["cc"] == pytest.approx(expected["cc"], abs=1e-9)
    shared = prepared.Prepared(saliency)  # NSS takes the moments of the pass of CC
    assert metrics.cc(shared, given[1]) == found["cc"]
    assert metrics.nss(shared, given[2]) == pytest.approx(found["nss"], abs=1e-12)


def test_a_prepared_map_is_taken_by_every_metric():
    rng = np.random.default_rng(3)
    saliency, target, xy = rng.normal(size=SIZE), rng.random(SIZE), points(rng, 9)
    ready = prepared.Prepared(saliency)
    for score in (
        lambda values: metrics.sim(values, target),
        lambda values: metrics.kl(values, target),
        lambda values: metrics.information_gain(values, xy, target),
        lambda values: metrics.auc_borji(values, xy, seed=3),
        lambda values: metrics.auc_judd(values, xy, binary=True, jitter=1e-7, seed=3),
    ):
        assert score(ready) == score(saliency)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_holes_are_refused_in_every_type(dtype, hole):
    saliency = np.ones(SIZE, dtype)
    saliency[7, 5] = hole
    for score in (metrics.auc_judd, metrics.nss, metrics.auc):
        with pytest.raises(ValueError, match="must hold finite numbers"):
            score(saliency, [(1, 1)])
    with pytest.raises(ValueError, match="must hold finite numbers"):
        metrics.cc(np.eye(*SIZE), saliency)


@pytest.mark.parametrize(("squares", "products"), [(0, 0), (-1e-20, 0), (np.nan, 0), (1, np.nan)])
def test_a_correlation_without_a_number_is_nan(squares, products, monkeypatch):
    def summed(*maps):
        for one in maps:
            one._sums = 0.0, float(squares)
        return float(products)

    monkeypatch.setattr(prepared, "_sum_up", summed)
    one, other = np.random.default_rng(6).random((2, *SIZE))
    assert np.isnan(metrics.cc(one, other))
