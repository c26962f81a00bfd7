"""Accuracies, their intervals and tables, against SciPy's bootstrap and counting."""

import csv
import io

import numpy as np
import pytest
import scipy.stats

from salclass_tf.evaluation import compare
from salclass_tf.evaluation.tables import of_classes, of_maps
from salclass_tf.evaluation.tables.guesses import ACCURACY, CLASS_MEAN, Guesses


def guesses(counts, right, labels=None):
    """A class for each count, so many of its images named right."""
    truth = np.repeat(np.arange(len(counts)) + 3, counts)
    place = np.concatenate([np.arange(count) for count in counts])
    hit = place < np.repeat(right, counts)
    images = tuple(f"{number:03}" for number in range(len(truth)))
    guess, names = np.where(hit, truth, truth - 1), tuple(f"class {i}" for i in range(20))
    sure = 0.5 + 0.01 * place
    columns = (truth, guess, sure, np.where(hit, sure, 1 - sure))
    return Guesses(labels or {"method": "m"}, images, *columns, names)


def test_mean_over_classes_weighs_classes_alike():
    found = guesses([8, 2, 10], [4, 2, 1]).estimates()
    assert found[ACCURACY].mean == 7 / 20
    assert found[CLASS_MEAN].mean == pytest.approx((0.5 + 1 + 0.1) / 3)
    assert found[ACCURACY].images == 20


def test_intervals_are_those_of_a_bootstrap_over_images():
    row = guesses([8, 12, 40], [4, 9, 10])
    hit = row.truth == row.guess

    def plain(index, axis=-1):
        return hit[index].mean(axis)

    def class_mean(index):
        classes = row.truth[index]
        return np.mean([hit[index][classes == name].mean() for name in np.unique(classes)])

    for name, statistic in ((CLASS_MEAN, class_mean), (ACCURACY, plain)):
        expected = scipy.stats.bootstrap(
            [np.arange(60)],
            statistic,
            n_resamples=3000,
            vectorized=name == ACCURACY,
            method="percentile",
            random_state=np.random.default_rng(1),
        ).confidence_interval
        found = row.estimates()[name]
        assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.015)
    narrow = row.estimates(confidence=0.5)[ACCURACY]
    assert narrow.high - narrow.low < (found.high - found.low) / 2
    assert np.isnan(guesses([1], [1]).estimates()[ACCURACY].low)
    alone = guesses([1, 1, 1, 1], [1, 1, 0, 0]).estimates()[CLASS_MEAN]
    assert alone.low < alone.mean < alone.high


def test_paired_test_counts_the_images_that_only_one_names_right():
    first, second = guesses([20], [15]), guesses([20], [7])
    found = compare(first.scores(), second.scores(), ACCURACY)
    assert found.difference == 8 / 20
    # All eight changes go one way: McNemar's exact test is a coin tossed eight times.
    assert found.p_value == pytest.approx(2 * 0.5**8, abs=0.004)
    table = of_maps.comparisons([("one", "two", found)])
    assert "| one | two | accuracy | 0.400 [" in table


def test_tables_hold_what_was_found():
    row = guesses([8, 2], [4, 2], {"method": "a|b", "view": "crop 40 of 46"})
    lines = of_classes.markdown([row]).splitlines()
    assert lines[0] == "| method | view | images | classes | mean class accuracy | accuracy |"
    assert lines[2].startswith("| a\\|b | crop 40 of 46 | 10 | 2 | 0.750 [")
    (line,) = csv.DictReader(io.StringIO(of_classes.csv_text([row])))
    assert (line["method"], line["classes"], line["accuracy_mean"]) == ("a|b", "2", "0.6")
    (plain,) = of_classes.summaries([guesses([1], [0])])
    assert plain["accuracies"][ACCURACY] == {"mean": 0.0, "low": None, "high": None}


def test_guesses_are_saved_and_read_back(tmp_path):
    row = guesses([3, 4], [1, 2])
    row.save(tmp_path / "part.json")
    read = Guesses.load(tmp_path / "part.json")
    assert (read.labels, read.images) == (row.labels, row.images)
    assert read.class_names == row.class_names
    for column in ("truth", "guess", "probability", "truth_probability"):
        np.testing.assert_array_equal(getattr(read, column), getattr(row, column))
    assert [path.name for path in tmp_path.iterdir()] == ["part.json"]
    (tmp_path / "torn.json").write_text('{"labels": {')
    with pytest.raises(ValueError, match=r"torn.json must hold saved guesses"):
        Guesses.load(tmp_path / "torn.json")
