import numpy as np
import pytest

from salclass_tf import metrics
from salclass_tf.evaluation import Gaze, Recording
from salclass_tf.evaluation.maps import human

SIZES = {"wide": (12, 20), "tall": (18, 10), "small": (7, 9)}
COUNTS = {"wide": 4, "tall": 9, "small": 3}


def recorded():
    """Three images of different sizes, each seen by three people; one that nobody looked at."""
    rng = np.random.default_rng(0)
    recordings = [
        Recording(name, size, rng.random((COUNTS[name], 2)) * size[::-1], viewers(COUNTS[name]))
        for name, size in SIZES.items()
    ]
    return Gaze([*recordings, Recording("nobody", (8, 8), [])])


def viewers(fixations):
    return np.arange(fixations) % 3


def rendered(xy, size, sigma):
    """Sum of Gaussians in float64, peak 1."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    total = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) for x, y in xy)
    return total / total.max()


def test_human_baseline_scores_the_true_maps():
    gaze = recorded()
    scores = human.own_map(gaze, 2.0, labels={"method": "human"})
    for name in SIZES:
        truth = rendered(gaze[name].xy, SIZES[name], 2.0)
        assert scores.per_image("cc")[name] == pytest.approx(1)
        assert scores.per_image("nss")[name] == pytest.approx(
            metrics.nss(truth, gaze[name].xy), abs=1e-5
        )
    assert scores.missing("nss") == {"no fixation points": ["nobody"]}
    assert scores.missing("cc") == {"no heat map": ["nobody"]}


def test_leave_one_out_predicts_each_viewer_from_the_others():
    gaze = recorded()
    lonely = Recording("small", SIZES["small"], gaze["small"].xy, [4, 4, -1])
    gaze = Gaze([gaze["wide"], gaze["tall"], lonely, gaze["nobody"]])
    scores = human.leave_one_out(gaze, 2.0)
    assert scores.missing("nss") == {"fewer than two viewers": ["small", "nobody"]}
    for name in ("wide", "tall"):
        xy, viewer = gaze[name].xy, gaze[name].viewer
        expected = {"nss": [], "cc": [], "shuffled_auc": []}
        for one in range(3):
            others = rendered(xy[viewer != one], SIZES[name], 2.0)
            own = xy[viewer == one]
            expected["nss"].append(metrics.nss(others, own))
            expected["cc"].append(metrics.cc(others, rendered(own, SIZES[name], 2.0)))
            expected["shuffled_auc"].append(metrics.shuffled_auc(others, own, gaze.others(name)))
        for measure, values in expected.items():
            found = scores.per_image(measure)[name]
            assert found == pytest.approx(np.mean(values), abs=1e-5), (name, measure)
    over = scores.estimate("nss", "fixations").mean
    rows = zip(scores.values["nss"], scores.fixations, strict=True)
    assert over == pytest.approx(sum(value * n for value, n in rows) / 13)
    unknown = Gaze([Recording("a", (5, 5), [(1, 1)]), Recording("b", (5, 5), [(1, 1)], [-1])])
    with pytest.raises(ValueError, match="two known viewers or more; got none"):
        human.leave_one_out(unknown, 2.0)


def test_maps_of_viewers_are_those_of_heat_maps():
    rng = np.random.default_rng(1)
    # The second viewer looks where nobody else does: there the others' map is a faint tail.
    points = [rng.random((4, 2)) * 9, 50 + rng.random((3, 2)) * 9, rng.random((1, 2)) * 9]
    sums = np.empty((3, 60, 70), np.float32)
    for xy, total in zip(points, sums, strict=True):
        human._add_up_gaussians(xy, 4.0, total)
    cases = list(human.each_by_others("a", sums, points, np.array([2, 5, 7])))
    assert [case.viewer for case in cases] == [2, 5, 7]
    for index, case in enumerate(cases):
        others = np.concatenate([xy for number, xy in enumerate(points) if number != index])
        # rtol alone: a difference of sums would leave 1e-7 where 1e-20 is right
        expected = rendered(others, (60, 70), 4.0)
        np.testing.assert_allclose(case.saliency, expected, rtol=1e-4, atol=1e-36)
        own = rendered(points[index], (60, 70), 4.0)
        np.testing.assert_allclose(case.target, own, rtol=1e-4, atol=1e-36)
        np.testing.assert_array_equal(case.xy, points[index])
