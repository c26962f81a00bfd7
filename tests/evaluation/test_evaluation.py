import csv
import dataclasses
import io
import os
import threading
import time

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from salclass_tf import metrics
from salclass_tf.evaluation import (
    MEASURES,
    Case,
    Comparison,
    Gaze,
    Recording,
    Scores,
    compare,
    evaluate,
)
from salclass_tf.evaluation.maps.evaluate import _parallel
from salclass_tf.evaluation.tables import of_maps

SIZES = {"wide": (12, 20), "tall": (18, 10), "small": (7, 9), "nobody": (8, 8)}
COUNTS = {"wide": 4, "tall": 9, "small": 3, "nobody": 0}


def recording(name, rng):
    height, width = SIZES[name]
    xy = rng.random((COUNTS[name], 2)) * [width, height]
    return Recording(name, SIZES[name], xy, np.arange(COUNTS[name]) % 3)


def data(seed=0):
    """Recordings and cases of four images of different sizes; nobody looked at the last."""
    rng = np.random.default_rng(seed)
    gaze = Gaze(recording(name, rng) for name in SIZES)
    cases = [Case(name, rng.random(SIZES[name]), rng.random(SIZES[name])) for name in SIZES]
    return gaze, cases


def moved(gaze, name):
    """Fixations of all other images on this one, pixel by pixel."""
    height, width = gaze[name].size
    points = []
    for other in gaze:
        if other != name:
            for x, y in gaze[other].xy:
                # Whole numbers are the centres of pixels: the image begins half a pixel before 0.
                column = round((x + 0.5) * width / gaze[other].size[1] - 0.5)
                row = round((y + 0.5) * height / gaze[other].size[0] - 0.5)
                points.append((min(max(column, 0), width - 1), min(max(row, 0), height - 1)))
    return np.array(points)


def test_scores_are_those_of_each_image():
    gaze, cases = data()
    scores = evaluate(cases, gaze, ("shuffled_auc", "nss", "cc", "auc_judd", "sim", "kl", "auc"))
    assert scores.images == tuple(SIZES)
    assert scores.fixations.tolist() == list(COUNTS.values())
    for case in cases[:3]:
        xy, saliency = gaze[case.name].xy, case.saliency
        expected = {
            "shuffled_auc": metrics.shuffled_auc(saliency, xy, moved(gaze, case.name)),
            "nss": metrics.nss(saliency, xy),
            "cc": metrics.cc(saliency, case.target),
            "auc_judd": metrics.auc_judd(saliency, xy),
            "sim": metrics.sim(saliency, case.target),
            "kl": metrics.kl(saliency, case.target),
            "auc": metrics.auc(saliency, xy),
        }
        found = {name: scores.per_image(name)[case.name] for name in expected}
        assert found == pytest.approx(expected)


def test_order_of_the_maps_and_number_of_threads_do_not_matter():
    gaze, cases = data()
    drawing = ("shuffled_auc_mit", "auc_borji", "auc_judd_mit", "nss")
    one = evaluate(cases, gaze, drawing, workers=1)
    many = evaluate(reversed(cases), gaze, drawing, workers=5)
    assert many.images == one.images
    for name in drawing:
        np.testing.assert_array_equal(many.values[name], one.values[name])
    twins = Gaze(Recording(name, (12, 20), gaze["wide"].xy) for name in "ab")
    pair = evaluate([Case(name, cases[0].saliency) for name in "ab"], twins, ["auc_borji"])
    assert pair.values["auc_borji"][0] != pair.values["auc_borji"][1]
    other_seed = evaluate(cases, gaze, drawing, seed=1)
    assert (other_seed.values["auc_borji"] != one.values["auc_borji"])[:3].any()


def test_mit_forms_are_the_documented_ones():
    gaze, cases = data()
    names = [name for name in MEASURES if name.endswith("_mit")]
    scores = evaluate(cases, gaze, names, prior_sigma_px=2.0, seed=3)
    case, xy, others = cases[0], gaze["wide"].xy, gaze.others("wide")
    saliency, seed = case.saliency, (3, 0)
    expected = {
        "nss_mit": metrics.nss(saliency, xy, binary=True, ddof=1),
        "sim_mit": metrics.sim(saliency, case.target, stretch=True),
        "auc_judd_mit": metrics.auc_judd(saliency, xy, binary=True, jitter=1e-7, seed=seed),
        "auc_borji_mit": metrics.auc_borji(saliency, xy, binary=True, seed=seed),
        "shuffled_auc_mit": metrics.shuffled_auc(
            saliency, xy, others, binary=True, draws=100, step=0.1, seed=seed
        ),
        "information_gain_mit": metrics.information_gain(
            saliency, xy, gaze.prior("wide", 2.0), binary=True, stretch=True
        ),
    }
    assert expected.keys() == set(names)
    for name, value in expected.items():
        assert scores.per_image(name)["wide"] == pytest.approx(value, abs=1e-12), name


def test_mit_negatives_come_from_ten_images():
    gaze = Gaze(Recording(str(i), (40, 40), [(i, i)]) for i in range(30))
    drawn = gaze.others("0", images=10, seed=(0, 0))
    assert len(drawn) == 10 and [0, 0] not in drawn.tolist()
    assert drawn.tolist() != gaze.others("0", images=10, seed=(0, 1)).tolist()
    assert len(gaze.others("0", images=50)) == 29
    saliency = np.random.default_rng(0).random((40, 40))
    scores = evaluate((Case(name, saliency) for name in gaze), gaze, ["shuffled_auc_mit"])
    expected = metrics.shuffled_auc(
        saliency, [(0, 0)], drawn, binary=True, draws=100, step=0.1, seed=(0, 0)
    )
    assert scores.values["shuffled_auc_mit"][0] == expected


def test_others_are_moved_to_this_image_and_never_beyond_its_edge():
    gaze, _ = data()
    for name in SIZES:
        np.testing.assert_array_equal(
            np.sort(gaze.others(name), axis=0), np.sort(moved(gaze, name), axis=0)
        )
    edge = np.nextafter(3.0, 0)
    gaze = Gaze([Recording("a", (3, 3), [(edge, edge)]), Recording("b", (10, 17), [])])
    assert gaze.others("b").tolist() == [[16, 9]]  # its last pixel, though beyond the centre


@pytest.mark.parametrize("sizes", [((7, 9), (7, 9), (7, 9)), ((7, 9), (9, 7), (14, 18))])
def test_counts_of_others_are_those_of_the_list_of_others(sizes):
    rng = np.random.default_rng(4)
    points = [rng.random((50, 2)) * (size[1] - 1, size[0] - 1) for size in sizes]
    names = "abc"
    gaze = Gaze(Recording(*part) for part in zip(names, sizes, points, strict=True))
    for name, size in zip(names, sizes, strict=True):
        expected = np.zeros(size, int)
        for column, row in gaze.others(name).astype(int):
            expected[row, column] += 1
        np.testing.assert_array_equal(gaze.other_counts(name), expected)
        looked_at, counts = gaze.elsewhere(name)
        assert (counts is None) == (100 <= expected.size)
        found = np.bincount(looked_at, counts, expected.size)
        np.testing.assert_array_equal(found, expected.ravel())
        saliency = rng.integers(0, 4, size) / 4  # full of ties
        assert metrics.shuffled_auc_of_counts(saliency, gaze[name].xy, expected) == pytest.approx(
            metrics.shuffled_auc(saliency, gaze[name].xy, gaze.others(name)), abs=1e-12
        )
    with pytest.raises(ValueError, match="shape of the map"):
        metrics.shuffled_auc_of_counts(np.ones((3, 3)), [(1, 1)], np.ones((3, 4)))
    assert np.isnan(metrics.shuffled_auc_of_counts(np.ones((3, 3)), [(1, 1)], np.zeros((3, 3))))


def test_pixels_of_others_are_those_of_the_list_of_others():
    gaze, _ = data()
    for name in [*SIZES, *reversed(SIZES)]:
        columns, rows = gaze.others(name).T
        pixels, counts = gaze.elsewhere(name)
        np.testing.assert_array_equal(pixels, rows * SIZES[name][1] + columns)
        assert counts is None  # each pixel is named as often as it was looked at
        assert gaze.count_elsewhere(name) == len(rows)


@pytest.mark.parametrize("fixations", [3, 400])  # fewer and more than pixels
def test_scores_of_many_threads_are_those_of_one_and_of_the_definition(fixations):
    rng = np.random.default_rng(fixations)
    size, names = (8, 9), [str(number) for number in range(30)]
    xy = {name: rng.integers(0, 8, (fixations, 2)) for name in names}
    gaze = Gaze(Recording(name, size, xy[name]) for name in names)
    cases = [Case(name, rng.integers(0, 9, size).astype(np.uint8), rng.random(size)) for name in xy]
    wanted = ("shuffled_auc", "nss", "cc", "auc_judd", "auc")
    one, many = (evaluate(cases, gaze, wanted, workers=count) for count in (1, 6))
    for name in wanted:
        np.testing.assert_array_equal(one.values[name], many.values[name])
    for case, found in zip(cases, one.values["shuffled_auc"], strict=True):
        others = np.concatenate([points for name, points in xy.items() if name != case.name])
        negatives, positives = (case.saliency[y, x] for x, y in (others.T, xy[case.name].T))
        pairs = positives[:, np.newaxis].astype(int) - negatives
        assert found == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=1e-12)


def test_prior_is_a_density_where_others_looked():
    gaze, _ = data()
    prior = gaze.prior("tall", 1.5)
    counts = np.full((18, 10), 1 / 180)
    for x, y in moved(gaze, "tall"):
        impulse = np.zeros((18, 10))
        impulse[y, x] = 1
        counts += scipy.ndimage.gaussian_filter(impulse, 1.5)
    np.testing.assert_allclose(prior, counts / 8, rtol=1e-9)  # 7 others and the even one
    scores = evaluate(
        [Case("tall", prior)],
        Gaze([gaze["tall"], gaze["wide"], gaze["small"]]),
        ["information_gain"],
        prior_sigma_px=1.5,
        skipped={"wide": "not drawn", "small": "not drawn"},
    )
    assert scores.per_image("information_gain")["tall"] == pytest.approx(0, abs=1e-9)


def test_images_that_a_metric_does_not_apply_to_are_named_with_the_reason():
    gaze, cases = data()
    cases[1] = Case("tall", cases[1].saliency)
    cases[2] = Case("small", cases[2].saliency, np.ones(SIZES["small"]))
    scores = evaluate(cases, gaze, ("nss", "cc"))
    assert scores.missing("nss") == {"no fixation points": ["nobody"]}
    assert scores.missing("cc") == {"no heat map": ["tall"], "constant heat map": ["small"]}
    assert np.isnan(scores.per_image("nss")["nobody"])
    assert scores.estimate("nss").images == 3
    assert scores.estimate("nss").mean == pytest.approx(np.nanmean(scores.values["nss"]))


@pytest.mark.parametrize(
    ("target", "xy", "reason"),
    [
        (np.ones((2, 2)), [(0, 0)], "constant heat map"),
        (np.eye(2), [(0, 0), (1, 0), (0, 1), (1, 1), (1, 1)], "every pixel is fixated"),
        (np.eye(2), [(0, 0), (1, 0), (0, 1), (0, 1)], "numbers too large or too small"),
    ],
)
def test_the_reason_of_a_score_that_is_undefined_is_looked_for(target, xy, reason, monkeypatch):
    undefined = dataclasses.replace(
        MEASURES["cc"], score=lambda _: np.nan, needs=("fixations", "target")
    )
    monkeypatch.setitem(MEASURES, "cc", undefined)
    scores = evaluate([Case("a", np.eye(2), target)], Gaze([Recording("a", (2, 2), xy)]), ["cc"])
    assert scores.missing("cc") == {reason: ["a"]}


def test_an_image_with_several_maps_has_their_mean_score():
    gaze, cases = data()
    twice = [
        Case("wide", cases[0].saliency, cases[0].target, gaze["wide"].xy[:1], viewer=0),
        Case("wide", cases[0].target, None, gaze["wide"].xy[1:], viewer=1),
    ]
    scores = evaluate(twice, Gaze([gaze["wide"], gaze["tall"]]), skipped={"tall": "torn"})
    singly = [metrics.nss(case.saliency, case.xy) for case in twice]
    assert scores.per_image("nss") == {"wide": pytest.approx(np.mean(singly))}
    assert scores.estimate("nss", "fixations").mean == pytest.approx(
        (singly[0] + 3 * singly[1]) / 4
    )
    assert scores.per_image("cc")["wide"] == scores.values["cc"][0]
    assert scores.missing("cc") == {"torn": ["tall"]}


def test_a_set_without_fixations_is_scored_as_far_as_possible():
    rng = np.random.default_rng(0)
    gaze = Gaze(Recording(name, (5, 6), []) for name in "ab")
    cases = [Case(name, rng.random((5, 6)), rng.random((5, 6))) for name in "ab"]
    scores = evaluate(cases, gaze, labels={"method": "m"})
    row = of_maps.markdown([scores]).splitlines()[-1].split(" | ")
    assert row[3:5] == ["no fixation points"] * 2
    assert row[5].startswith(f"{np.mean(scores.values['cc']):.3f} [")
    assert of_maps.summaries([scores])[0]["metrics"]["nss"]["mean"] is None


def test_one_image_has_no_negatives():
    gaze, cases = data()
    scores = evaluate(cases[:1], Gaze([gaze["wide"]]))
    assert scores.missing("shuffled_auc") == {"no fixation points on other images": ["wide"]}
    assert scores.estimate("nss").mean == scores.values["nss"][0]
    assert np.isnan(scores.estimate("nss").low)


def test_means_over_images_and_over_fixations():
    gaze, cases = data()
    scores = evaluate(cases, gaze, ("nss", "shuffled_auc", "cc", "auc_judd"))
    z_scores, above = [], []
    for case in cases[:3]:
        z = scipy.stats.zscore(case.saliency, axis=None)
        height, width = SIZES[case.name]
        nearest = np.rint(gaze[case.name].xy).astype(int)
        columns, rows = np.minimum(nearest, [width - 1, height - 1]).T
        z_scores += z[rows, columns].tolist()
        x, y = moved(gaze, case.name).T
        for value in case.saliency[rows, columns]:
            negatives = case.saliency[y, x]
            above.append(np.mean((value > negatives) + 0.5 * (value == negatives)))
    assert scores.estimate("nss", "fixations").mean == pytest.approx(np.mean(z_scores))
    assert scores.estimate("shuffled_auc", "fixations").mean == pytest.approx(np.mean(above))
    assert scores.estimate("nss").mean != pytest.approx(np.mean(z_scores))
    for name in ("cc", "auc_judd"):
        with pytest.raises(ValueError, match="no mean over fixations"):
            scores.estimate(name, "fixations")


def many(values, name="nss", fixations=None):
    """Scores of as many images as there are values."""
    values = np.asarray(values, float)
    return Scores(
        labels={"method": name},
        images=tuple(f"{number:03}" for number in range(len(values))),
        fixations=np.ones(len(values), int) if fixations is None else fixations,
        values={"nss": values, "cc": values},
        reasons={"nss": {}, "cc": {}},
        skipped={},
        outside=0,
    )


def test_interval_covers_the_mean_as_theory_says():
    values = np.random.default_rng(1).normal(2, 3, 400)
    estimate = many(values).estimate("nss")
    half = 1.96 * 3 / np.sqrt(400)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.05)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.05)
    narrow = many(values).estimate("nss", confidence=0.5)
    assert narrow.high - narrow.low == pytest.approx(2 * 0.674 * 3 / np.sqrt(400), abs=0.05)
    assert many(values).estimate("nss") == estimate
    alike = many(np.ones(9)).estimate("nss")
    assert (alike.low, alike.mean, alike.high) == (1, 1, 1)


def test_interval_over_fixations_draws_whole_images():
    rng = np.random.default_rng(2)
    fixations = rng.integers(1, 40, 300)
    values = rng.normal(fixations / 10, 0.2)
    estimate = many(values, fixations=fixations).estimate("nss", "fixations")
    mean = np.average(values, weights=fixations)
    # Error of a ratio of sums, to first order.
    spread = np.sqrt(np.sum((fixations * (values - mean)) ** 2)) / fixations.sum()
    assert estimate.mean == pytest.approx(mean)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.96 * spread, rel=0.1)


def test_paired_test_agrees_with_the_t_test_on_normal_differences():
    rng = np.random.default_rng(3)
    base = rng.normal(0, 5, 200)
    first, second = base + rng.normal(0.08, 1, 200), base
    found = compare(many(first), many(second), "nss")
    expected = scipy.stats.ttest_rel(first, second)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.02)
    assert found.difference == pytest.approx(np.mean(first - second))
    low, high = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert compare(many(second), many(first), "nss").difference == -found.difference
    assert compare(many(first), many(first), "nss").p_value == 1


def test_comparison_leaves_out_what_either_lacks():
    first, second = np.arange(6.0), np.zeros(6)
    first[1], second[4] = np.nan, np.nan
    found = compare(many(first), many(second), "nss")
    assert (found.images, found.left_out) == (4, 2)
    assert found.difference == np.mean([0, 2, 3, 5])
    with pytest.raises(ValueError, match="same images; only one was scored on '005'"):
        compare(many(first), many(second[:5]), "nss")
    with pytest.raises(ValueError, match="at least two scored images; got 1"):
        compare(many(first[:2]), many(second[:2]), "nss")


def test_tables_name_everything(tmp_path):
    gaze, cases = data()
    rows = [
        evaluate(cases, gaze, ("nss", "cc"), labels={"method": "ours", "data set": "tiny"}),
        evaluate(cases[1:], gaze, ("nss",), labels={"method": "a|b"}, skipped={"wide": "torn"}),
    ]
    lines = of_maps.markdown(rows).splitlines()
    heads = "| method | data set | images | fixations | NSS | CC | without score |"
    assert lines[0] == heads
    assert all(line.replace("\\|", "").count("|") == heads.count("|") for line in lines)
    estimate = rows[0].estimate("nss")
    nss = f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
    assert lines[2].startswith(f"| ours | tiny | 4 | 16 | {nss} | ")
    assert lines[2].endswith("| 1 no fixation points (NSS) |")
    assert lines[3].endswith("|  | 1 torn; 1 no fixation points |")
    over = of_maps.markdown(rows, "fixations").splitlines()
    assert "| NSS, over fixations | CC |" in over[0]
    assert f"{rows[0].estimate('nss', 'fixations').mean:.3f} [" in over[2]

    ours, other = csv.DictReader(io.StringIO(of_maps.csv_text(rows)))
    assert float(ours["nss_mean"]) == estimate.mean and float(ours["nss_low"]) == estimate.low
    assert (ours["nss_images"], ours["without_score"]) == ("3", "1 nss: no fixation points")
    assert (other["method"], other["cc_mean"], other["images"]) == ("a|b", "", "4")

    content = of_maps.summaries(rows)
    assert content[1]["metrics"]["nss"]["without_score"]["torn"] == ["wide"]
    assert content[0]["labels"] == {"method": "ours", "data set": "tiny"}

    found = Comparison("nss", 0.25, 0.1, 0.4, 0.0123, 3, 1)
    table = of_maps.comparisons([("ours", "theirs", found)])
    line = "| ours | theirs | NSS | 0.250 [0.100, 0.400] | 0.0123 | 3 | 1 |"
    assert table.splitlines()[-1] == line


def test_scores_are_saved_and_read_back(tmp_path):
    gaze, cases = data()
    scores = evaluate(cases[1:], gaze, labels={"method": "m"}, skipped={"wide": "torn"})
    scores.save(tmp_path / "scores.json")
    read = Scores.load(tmp_path / "scores.json")
    assert (read.labels, read.images, read.skipped) == (
        {"method": "m"},
        scores.images,
        {"wide": "torn"},
    )
    assert read.reasons == scores.reasons
    for name, values in scores.values.items():
        np.testing.assert_array_equal(read.values[name], values)
    assert of_maps.markdown([read]) == of_maps.markdown([scores])
    assert [path.name for path in tmp_path.iterdir()] == ["scores.json"]
    (tmp_path / "torn.json").write_text('{"labels": {}')
    with pytest.raises(ValueError, match=r"torn.json must hold saved scores"):
        Scores.load(tmp_path / "torn.json")


def test_few_maps_wait_in_memory():
    taken, release, peak = 0, threading.Event(), 0

    def items():
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    done = []
    results = _parallel(lambda number: release.wait(5) and number, items(), 2)
    threading.Timer(0.2, lambda: (done.append(taken), release.set())).start()
    assert list(results) == list(range(50))
    peak = done[0]
    assert peak <= 5


@pytest.mark.parametrize("several", [False, True])
def test_threads_are_several_where_an_image_takes_long(several, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    used = set()

    def work(number):
        if several:
            time.sleep(0.01)
        used.add(threading.get_ident())
        return number

    assert list(_parallel(work, range(12), None)) == list(range(12))
    assert len(used - {threading.get_ident()}) == (3 if several else 0)


def replaced(cases, index, **changes):
    case = cases[index]
    fields = {"name": case.name, "saliency": case.saliency, "target": case.target} | changes
    return [*cases[:index], Case(**fields), *cases[index + 1 :]]


def test_broken_input_is_refused_by_name():
    gaze, cases = data()
    holed = cases[1].saliency.copy()
    holed[3, 4] = np.nan
    refusals = [
        ("image 'tall': a map must hold finite numbers", replaced(cases, 1, saliency=holed)),
        ("image 'tall': a map must hold finite numbers", replaced(cases, 1, target=holed)),
        ("image 'wide': the map must have the size of the image, 12 x 20 .* got 20 x 12",
         replaced(cases, 0, saliency=cases[0].saliency.T)),
        ("image 'small': the heat map must have the size", replaced(cases, 2, target=np.eye(3))),
        ("image 'small': fixations must lie on the map",
         [*cases[:2], Case("small", cases[2].saliency, cases[2].target, xy=[(9, 0)]), cases[3]]),
        ("recording of its name; there is none for 'cat'", replaced(cases, 0, name="cat")),
        ("scored once; got 'wide' again", [*cases, cases[0]]),
        ("1 of 4 have none, the first is 'tall'", [cases[0], *cases[2:]]),
    ]  # fmt: skip
    for message, broken in refusals:
        with pytest.raises(ValueError, match=message):
            evaluate(broken, gaze)
    with pytest.raises(ValueError, match="scored once; got 'wide' again"):
        evaluate(cases, gaze, skipped={"wide": "torn"})
    with pytest.raises(ValueError, match="there is no 'cat'"):
        evaluate(cases, gaze, skipped={"cat": "torn"})


def test_bad_choices_are_refused():
    gaze, cases = data()
    with pytest.raises(ValueError, match="shuffled_auc, nss, .*; got 'nse'"):
        evaluate(cases, gaze, ("nse",))
    with pytest.raises(ValueError, match="some of .*; got none"):
        evaluate(cases, gaze, ())
    with pytest.raises(ValueError, match="prior_sigma_px must be above 0 pixels; got None"):
        evaluate(cases, gaze, ("information_gain",))
    with pytest.raises(ValueError, match="scored were nss; got 'cc'"):
        evaluate(cases, gaze, ("nss",)).estimate("cc")


def test_bad_recordings_are_refused_by_name():
    with pytest.raises(ValueError, match="image 'a': fixations must lie on the map"):
        Recording("a", (4, 5), [(5, 1)])
    with pytest.raises(ValueError, match="image 'a': viewer must have a number for each of the 1"):
        Recording("a", (4, 5), [(1, 1)], viewer=[1, 2])
    with pytest.raises(ValueError, match="got 'a' twice"):
        Gaze([Recording("a", (4, 5), []), Recording("a", (4, 5), [])])
    with pytest.raises(ValueError, match="at least one image"):
        Gaze([])
