"""Runs of several seeds as one method: what is grouped, and the two-way bootstrap."""

import dataclasses

import numpy as np
import pytest

from salclass_tf import config
from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.methods import families, find, lineup
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables import of_families, report
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.runs import seeds


def test_two_way_interval_has_the_variance_of_seeds_and_of_images():
    """Of additive effects the variance of the mean is known: var(seed) / S + var(image) / N."""
    rng = np.random.default_rng(0)
    of_seed, of_image = rng.normal(0, 0.3, 12), rng.normal(0, 2.0, 150)
    low, high = resampling.two_way(of_seed[:, None] + of_image, 0.95, 4000, 1)
    expected = np.sqrt(of_seed.var() / 12 + of_image.var() / 150)
    assert (high - low) / 2 / 1.96 == pytest.approx(expected, rel=0.06)
    assert (low + high) / 2 == pytest.approx(of_seed.mean() + of_image.mean(), abs=expected / 5)


def test_one_seed_leaves_the_interval_over_images():
    values = np.random.default_rng(2).normal(size=(1, 90))
    both = resampling.two_way(values, 0.95, 5000, 0)
    over_images = resampling.interval(values[0], np.ones(90), 0.95, 5000, 0)
    np.testing.assert_allclose(both, over_images, atol=0.02)


def guesses(right, name):
    """Answers of which some are right."""
    right = np.asarray(right)
    half = np.full(len(right), 0.5)
    labels = {"data set": "noise test", "method": name}
    images = tuple(f"{number}" for number in range(len(right)))
    return Guesses(labels, images, np.ones(len(right), int), right.astype(int), half, half, ("a",))


def test_families_are_means_over_seeds_and_differ_pair_by_pair():
    rng = np.random.default_rng(3)
    answers = {name: rng.random((3, 40)) < share for name, share in (("ours", 0.8), ("rgb", 0.6))}
    scored = [
        (Method(f"{name}, seed {n}", "x", "x", family=name), guesses(right, name))
        for name, rows in answers.items()
        for n, right in enumerate(rows)
    ]
    scored.append(scored[0])  # as a network that reads a map, which stands in two tables
    alone = Method("alone", "x", "x")
    scored.append((alone, guesses(answers["rgb"][0], "alone")))
    scored.append((dataclasses.replace(alone, family="one seed"), scored[-1][1]))
    found = of_families.rows(scored, resamples=500)
    ours, rgb = (row for row in found if row.measure == "accuracy")
    assert (ours.name, rgb.name, ours.seeds, ours.difference) == ("ours", "rgb", 3, None)
    assert ours.mean.mean == pytest.approx(answers["ours"].mean())
    difference = answers["ours"].astype(float) - answers["rgb"]
    assert rgb.difference.mean == pytest.approx(difference.mean())
    expected = resampling.two_way(difference, 0.95, 500, 0)
    assert (rgb.difference.low, rgb.difference.high) == pytest.approx(expected)
    (one, two) = of_families.summaries(found)
    assert one["labels"] == {"data set": "noise test", "method": "ours"} and two["seeds"] == 3
    assert two["metrics"]["accuracy"]["mean"] == rgb.mean.mean
    text = of_families.markdown([ours, rgb])
    assert f"| rgb | accuracy | 3 | 40 | {answers['rgb'].mean():.3f} [" in text
    assert of_families.csv_text([ours, rgb]).count("\n") == 3


def test_mean_over_classes_of_several_seeds_is_that_of_each():
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 3, 4], [4, 9, 27])  # class 1 has no image
    rows = []
    for seed in range(3):
        guess = np.where(rng.random(40) < np.array([0.9, 0, 0, 0.6, 0.2])[truth], truth, 1)
        labels = {"data set": "noise test", "method": "net"}
        images, half = tuple(map(str, range(40))), np.full(40, 0.5)
        one = Guesses(labels, images, truth, guess, half, half, tuple("abcde"))
        rows.append((Method(f"net, seed {seed}", "x", "x", family="net"), one))
    (found,) = (r for r in of_families.rows(rows, resamples=50) if r.measure != "accuracy")
    each = [one.estimates(resamples=9)["mean_class_accuracy"].mean for _, one in rows]
    assert found.measure == "mean_class_accuracy"
    assert found.mean.mean == pytest.approx(np.mean(each))
    plain = np.mean([one.truth == one.guess for _, one in rows])
    assert abs(found.mean.mean - plain) > 0.05


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_interval_of_a_mean_over_classes_is_over_those_that_are_drawn(share):
    rng = np.random.default_rng(6)
    truth = np.repeat([0, 3, 4], [6, 18, 36])
    right = rng.random(60) < share
    low, high = resampling.two_way(right[None] * 1.0, 0.95, 9999, 0, truth)
    images, half = tuple(map(str, range(60))), np.full(60, 0.5)
    one = Guesses({}, images, truth, np.where(right, truth, 1), half, half, tuple("abcde"))
    found = one.estimates()["mean_class_accuracy"]
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.01)
    assert high <= 1 and (low == 1) == (share == 1)


def test_maps_and_classes_of_one_network_are_both_told():
    rows = []
    for seed in range(2):
        method = Method(f"net, seed {seed}", "x", "x", family="net")
        one = guesses([1, 0, 1], method.name)
        maps = dataclasses.replace(one.scores(), values={"cc": np.ones(3)}, reasons={"cc": {}})
        rows += [(method, maps), (method, one)]
    found = of_families.rows(rows, resamples=9)
    assert [row.measure for row in found] == ["cc", "mean_class_accuracy", "accuracy"]
    assert set(of_families.summaries(found)[0]["metrics"]) == {row.measure for row in found}


def scores_of(table, name):
    """A family that names images right."""
    return of_families.Family(
        {f", seed {n}": guesses(row, name).scores() for n, row in enumerate(table)}
    )


def test_single_network_is_no_seed_of_a_family_that_is_called_like_it():
    rows = [
        (Method(f"net, seed {n}", "x", "x", family="net"), guesses([1, 1, 0], f"net, seed {n}"))
        for n in range(2)
    ]
    rows.append((Method("net", "x", "x"), guesses([0, 0, 0], "net")))
    found = of_families.rows(rows, resamples=9)
    assert {(row.seeds, round(row.mean.mean, 3)) for row in found} == {(2, 0.667)}


def test_maps_are_compared_in_one_view_and_over_images_that_all_have_a_score_of():
    one, two = scores_of(np.ones((2, 5)), "one"), scores_of(np.zeros((2, 5)), "two")
    one.scores[", seed 1"].values["accuracy"][3] = np.nan
    found = of_families.difference(one, two, "accuracy", resamples=9)
    assert (found.mean, found.images) == (1, 4)
    other = dataclasses.replace(two, view="crop 64 of 72")
    with pytest.raises(ValueError, match="in one view; got '' and 'crop 64 of 72'"):
        of_families.difference(one, other, "accuracy")
    rows = []
    for name, view, value in (("a", "crop 1", 1.0), ("b", "crop 2", 0.5), ("c", "crop 1", 0.0)):
        for seed in range(2):
            method = Method(f"{name}, seed {seed}", "x", "x", family=name)
            scores = guesses([1, 0, 1], method.name).scores()
            values = {"cc": np.array([value, value, np.nan if name == "a" else value])}
            labels = scores.labels | {"view": view}
            rows.append(
                (method, dataclasses.replace(scores, values=values, reasons={}, labels=labels))
            )
    a, b, c = of_families.rows(rows, resamples=9)
    assert (a.difference, b.difference, c.difference.mean) == (None, None, 1.0)


def test_difference_of_two_families_is_paired_by_seed_and_by_image():
    rng = np.random.default_rng(4)
    one, two = (rng.random((3, 50)) < share for share in (0.9, 0.5))
    first, second = scores_of(one, "one"), scores_of(two, "two")
    found = of_families.difference(first, second, "accuracy", resamples=500)
    apart = one.astype(float) - two
    assert found.mean == pytest.approx(apart.mean()) and found.images == 50
    assert (found.low, found.high) == resampling.two_way(apart, 0.95, 500, 0)
    single = of_families.Family({"": guesses(two[0], "two").scores()})
    alone = of_families.difference(first, single, "accuracy", resamples=500)
    apart = one.astype(float) - two[:1]
    assert (alone.low, alone.high) == resampling.two_way(apart, 0.95, 500, 0)
    for count in (1, 2):  # the only seed that is there does not stand for the others
        with pytest.raises(ValueError, match="seed 0, seed 1, seed 2 and seed 0(, seed 1)?: train"):
            of_families.difference(first, scores_of(two[:count], "two"), "accuracy")
    with pytest.raises(ValueError, match="on the same images; '10' is scored of one alone"):
        of_families.difference(first, scores_of(two[:, :9], "two"), "accuracy")
    few = [scores_of(table[:, :1], "few") for table in (one, two)]
    assert of_families.difference(*few, "accuracy") is None


def test_stage_of_several_seeds_is_one_method(tmp_path, monkeypatch):
    finished = []

    def stage(folder):
        finished.append(folder)
        twin = Method("other", "x", "x", reads="RGB alone")
        return [Method("net", "x", "x", variants=(twin,))]

    monkeypatch.setattr(families.runs, "from_stage", stage)
    monkeypatch.setattr(families.runs, "is_stage", lambda folder: folder.parent.name != "seed_7")
    for seed in (0, 3):
        (tmp_path / f"seed_{seed}").mkdir()
    found = find.find(f"{tmp_path}/joint")
    assert [(one.name, one.family) for one in found] == [
        ("net, seed 0", "net"),
        ("net, seed 3", "net"),
    ]
    assert finished == [tmp_path / "seed_0" / "joint", tmp_path / "seed_3" / "joint"]
    found = find.find(f"ours={tmp_path}/joint")
    assert [(one.name, one.family) for one in found] == [
        *(("ours, seed 0", "ours"), ("ours, seed 3", "ours"))
    ]
    twin = found[0].variants[0]
    assert (twin.name, twin.family) == ("ours: other, seed 0", "ours: other")
    scored = [(one.variants[0], guesses([1, 0], one.name)) for one in found]
    assert of_families.rows(scored, resamples=9)[0].name == "ours: other"
    (tmp_path / "seed_7").mkdir()
    with pytest.raises(ValueError, match="seed 7 of .* has no finished stage joint"):
        find.find(f"{tmp_path}/joint")
    with pytest.raises(ValueError, match="there is nothing at .*/jiont"):
        find.find(f"{tmp_path}/jiont")


def test_folders_of_seeds_are_found_in_their_order(tmp_path):
    for name in ("seed_10", "seed_2", "seed_x", "joint"):
        (tmp_path / name).mkdir()
    assert list(seeds.seeds_in(tmp_path)) == [2, 10]
    assert seeds.seeds_in(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ((["0", "1"], 3, None), "--seed=3 --seeds=0,1"),
        ((["0", "1"], None, ["0.2"]), "a sweep of alpha has one seed"),
        ((["0", "0"], None, None), "each once.*--seeds=0,0"),
        ((["0", "-1"], None, None), "--seeds=0,-1"),
        (([], None, None), "at least 0"),
    ],
)
def test_seeds_that_contradict_other_flags_are_refused(asked, named):
    with pytest.raises(ValueError, match=named):
        config.seed_values(*asked)


def test_seeds_are_read_as_numbers():
    assert config.seed_values(["0", "12"], None, None) == (0, 12)
    assert config.seed_values(None, 3, ["0.2"]) is None


def test_network_with_another_map_is_a_family_of_its_own(tmp_path, monkeypatch):
    other = Method("net", "x", "x", reads="no map")
    monkeypatch.setattr(
        families.runs, "from_run", lambda at: [Method("net", "x", "x", variants=(other,))]
    )
    for seed in (0, 1):
        (tmp_path / f"seed_{seed}").mkdir()
    found = find.find(f"ours={tmp_path}")
    assert [method.name for method in found] == ["ours: net, seed 0", "ours: net, seed 1"]
    every = [one for method in found for one in (method, *method.variants)]
    scored = [(method, guesses([1, 0, 1, 1], method.name)) for method in every]
    rows = of_families.rows(scored, resamples=9)
    rows = [row for row in rows if row.measure == "accuracy"]
    assert [(row.name, row.seeds) for row in rows] == [("ours: net", 2), ("ours: net, no map", 2)]


def test_seeds_of_two_folders_are_not_one_family(tmp_path, monkeypatch):
    monkeypatch.setattr(families.runs, "from_run", lambda at: [Method("net", "x", "x")])
    monkeypatch.setattr(lineup, "_open", lambda *given: given)
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, seed in ((first, 0), (second, 1)):  # disjoint, and a single one each
        (folder / f"seed_{seed}").mkdir(parents=True)
    for same in ([f"{first}", f"{second}"], [f"x={first}", f"x={second}"]):
        with pytest.raises(ValueError, match=f"both hold seeds of .*net.* --model=NAME={second}"):
            lineup.open_all(same, ["noise"])
    found = lineup.open_all([f"{first}", f"ours={second}"], ["noise"]).methods
    assert [method.family for method in found] == ["net", "ours: net"]


def test_paired_tests_are_between_networks_of_one_seed():
    rng = np.random.default_rng(7)
    rows = [
        (Method(f"{name}, seed {n}", "x", "x", family=name), guesses(rng.random(30) < 0.5, name))
        for name in ("ours", "rgb")
        for n in range(2)
    ]
    rows.append((Method("alone", "x", "x"), guesses(rng.random(30) < 0.5, "alone")))
    scored = [(method, row.scores()) for method, row in rows]
    [tests] = report.paired_tests(scored, lambda _: "set").values()
    assert [pair[:2] for pair in tests] == [
        ("ours, seed 0", "rgb, seed 0"),
        ("ours, seed 0", "alone"),
        ("ours, seed 1", "rgb, seed 1"),
        ("ours, seed 1", "alone"),
    ]
    # What has no family is compared with every seed, as a run that is alone always was.
    [tests] = report.paired_tests([scored[-1], *scored[:-1]], lambda _: "set").values()
    assert [pair[1] for pair in tests] == [method.name for method, _ in rows[:-1]]
