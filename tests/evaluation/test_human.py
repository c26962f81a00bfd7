"""People by people: sums of Gaussians against maps that are drawn and scored in float64."""

import functools
import weakref

import numpy as np
import pytest

from salclass_tf import metrics
from salclass_tf.evaluation import Gaze, Recording
from salclass_tf.evaluation.maps import human, viewer_maps
from salclass_tf.evaluation.maps.viewer_sums import ViewerSums
from salclass_tf.evaluation.maps.watched import Watched

SIZES = {"wide": (12, 20), "tall": (18, 10), "small": (7, 9)}
COUNTS = {"wide": 4, "tall": 9, "small": 3}
OF_GAZE = {
    "nss": metrics.nss,
    "nss_mit": functools.partial(metrics.nss, binary=True, ddof=1),
    "auc": metrics.auc,
    "auc_judd": metrics.auc_judd,
}
OF_MAPS = {"cc": metrics.cc, "sim": metrics.sim, "kl": metrics.kl}
MEASURES = ("shuffled_auc", *OF_GAZE, *OF_MAPS)


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


def expected(others, own, xy, other_xy):
    """The scores of one viewer, from maps."""
    of_gaze = {name: score(others, xy) for name, score in OF_GAZE.items()}
    of_maps = {name: score(others, own) for name, score in OF_MAPS.items()}
    return of_gaze | of_maps | {"shuffled_auc": metrics.shuffled_auc(others, xy, other_xy)}


# Of Gaussians this wide maps are all but constant, and are drawn.
@pytest.mark.parametrize(("sigma", "drawn"), [(2.0, False), (300.0, True)])
def test_leave_one_out_predicts_each_viewer_from_the_others(sigma, drawn, monkeypatch):
    gaze = recorded()
    lonely = Recording("small", SIZES["small"], gaze["small"].xy, [4, 4, -1])
    gaze = Gaze([gaze["wide"], gaze["tall"], lonely, gaze["nobody"]])
    scores = human.leave_one_out(gaze, sigma, MEASURES)
    assert scores.missing("nss") == {"fewer than two viewers": ["small", "nobody"]}
    for name in ("wide", "tall"):
        xy, viewer = gaze[name].xy, gaze[name].viewer
        each = []
        for one in range(3):
            others, own = (
                rendered(xy[chosen], SIZES[name], sigma)
                for chosen in (viewer != one, viewer == one)
            )
            each.append(expected(others, own, xy[viewer == one], gaze.others(name)))
        for measure in MEASURES:
            found = scores.per_image(measure)[name]
            mean = np.mean([one[measure] for one in each])
            assert found == pytest.approx(mean, abs=1e-9), (name, measure)
    over = scores.estimate("nss", "fixations").mean
    rows = zip(scores.values["nss"], scores.fixations, strict=True)
    assert over == pytest.approx(sum(value * n for value, n in rows) / 13)
    monkeypatch.setattr(viewer_maps.ViewerMap, "flat", property(lambda _: pytest.fail("drawn")))
    few = ("shuffled_auc", "nss", "cc")
    if drawn:
        with pytest.raises(pytest.fail.Exception, match="drawn"):
            human.leave_one_out(gaze, sigma, few)
    else:
        again = human.leave_one_out(gaze, sigma, few)
        assert {name: again.values[name].tolist() for name in few} == {
            name: scores.values[name].tolist() for name in few
        }


@pytest.mark.parametrize("workers", [1, 2])
def test_maps_that_have_been_scored_are_let_go(workers, monkeypatch):
    """Two maps of a viewer are compared at a time, however many have looked at the image."""
    alive, most, draw = set(), [0], ViewerSums.map

    def watched(self, chosen):
        drawn = draw(self, chosen)
        alive.add(id(drawn))
        weakref.finalize(drawn, alive.discard, id(drawn))
        most[0] = max(most[0], len(alive))
        return drawn

    monkeypatch.setattr(ViewerSums, "map", watched)
    xy = np.random.default_rng(0).random((12, 2)) * (20, 12)
    gaze = Gaze([Recording("wide", (12, 20), xy, np.arange(12))])
    human.leave_one_out(gaze, 2.0, ["sim"], workers=workers)
    assert most == [2]


def test_gaze_without_viewers_is_refused():
    unknown = Gaze([Recording("a", (5, 5), [(1, 1)]), Recording("b", (5, 5), [(1, 1)], [-1])])
    with pytest.raises(ValueError, match="two known viewers or more; got none"):
        human.leave_one_out(unknown, 2.0)


SIZE, ORIGIN, VIEW, SIGMA = (60, 400), (5, 7), (40, 50), 10.0


def watched(far=390):
    """An image of which a part is scored; the second viewer looks far away from it, alone."""
    rng = np.random.default_rng(1)
    near = [rng.random((count, 2)) * (60, 60) for count in (5, 1)]
    xy = np.concatenate([near[0], [(far, 30), (far + 5, 20)], near[1]])
    viewer = np.array([5] * 5 + [2] * 2 + [7])
    mixed = rng.permutation(8)
    return Watched("a", viewer[mixed], xy[mixed], np.rint(xy[mixed]), SIZE, SIGMA, ORIGIN, VIEW)


def cut(values):
    return values[ORIGIN[0] : ORIGIN[0] + VIEW[0], ORIGIN[1] : ORIGIN[1] + VIEW[1]]


def test_maps_of_viewers_are_those_of_heat_maps_cut():
    image = watched()
    cases = list(human._cases(image))
    assert [case.viewer for case in cases] == [2, 5, 7]
    everywhere = np.arange(np.prod(VIEW))
    for case in cases:
        own = image.viewer == case.viewer
        others = cut(rendered(image.xy[~own], SIZE, SIGMA))
        np.testing.assert_allclose(case.saliency, others, rtol=1e-9)
        pixels = image.pixels[own] - ORIGIN[::-1]
        inside = ((pixels >= 0) & (pixels < VIEW[::-1])).all(axis=1)
        np.testing.assert_array_equal(case.xy, pixels[inside])
        if case.viewer == 2:
            assert case.target is None and len(case.xy) == 0
            continue
        np.testing.assert_allclose(
            case.target, cut(rendered(image.xy[own], SIZE, SIGMA)), rtol=1e-9
        )
        found = case.saliency.beside(case.xy, everywhere)
        # rtol alone: a difference of sums would leave 1e-16 where 1e-300 is right
        scale = others.max() / found[1].max()
        np.testing.assert_allclose(found[1] * scale, others.ravel(), rtol=1e-9)
        columns, rows = case.xy.astype(int).T
        assert found[0].tolist() == found[1][rows * VIEW[1] + columns].tolist()
        back = case.saliency.beside(case.xy, everywhere[::-1])
        assert back[1].tolist() == found[1][::-1].tolist()


@pytest.mark.parametrize(("far", "peak"), [(390, 1e-240), (325, 1e-156)])
def test_faint_tails_of_others_are_scored(far, peak):
    """Where all others look far away the squares of their map are 0, or have few digits."""
    image = watched(far)
    kept = image.viewer != 7
    pair = Watched("a", image.viewer[kept], image.xy[kept], image.pixels[kept], *(SIZE, SIGMA))
    pair = Watched(**(vars(pair) | {"origin": ORIGIN, "size": VIEW}))
    elsewhere = np.random.default_rng(3).integers(0, VIEW[::-1], (40, 2))
    gaze = Gaze([Recording("a", VIEW, []), Recording("b", VIEW, elsewhere)])
    skipped = Watched("b", np.zeros(0, int), np.zeros((0, 2)), np.zeros((0, 2)), VIEW, SIGMA)
    scores = human.each_by_others([pair, skipped], gaze, MEASURES)
    own = pair.viewer == 5
    others, target = (cut(rendered(pair.xy[one], SIZE, SIGMA)) for one in (~own, own))
    assert 0 < others.max() < peak
    pixels = pair.pixels[own] - ORIGIN[::-1]
    inside = pixels[((pixels >= 0) & (pixels < VIEW[::-1])).all(axis=1)]
    [nothing, found] = range(2)
    for name, value in expected(others, target, inside, elsewhere).items():
        assert np.isnan(scores.values[name][nothing]), name
        assert scores.values[name][found] == pytest.approx(value, abs=1e-9), name
