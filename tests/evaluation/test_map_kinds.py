"""What the numbers in folders of maps are taken for."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.methods import map_folders, map_kinds
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables.scoring import score_method


def densities(tiny_data_dir):
    """A density for each test image, by name."""
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    rng = np.random.default_rng(0)
    for example in tfds.as_numpy(noise.builder.as_dataset(split="test")):
        values = rng.random((44, 52)) ** 8
        yield example["image/id"].decode(), values / values.sum()


def scores(folder, tiny_data_dir, kind="auto"):
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    dataset = EvaluatedSet(noise, "test", Geometry(40, 44))
    [method] = map_folders.from_folder(folder, kind)
    names = ("nss", "cc", "kl", "sim", "information_gain")
    wanted = frozenset({"saliency"})
    return score_method(method, dataset, wanted, names, prior_sigma_px=3.0).maps


def write(folder, arrays):
    folder.mkdir()
    for name, values in arrays:
        np.save(folder / f"{name}.npy", values)
    return folder


def test_density_and_its_logarithm_have_the_same_scores_and_the_row_says_so(
    tmp_path, tiny_data_dir
):
    known = list(densities(tiny_data_dir))
    plain = scores(write(tmp_path / "p", known), tiny_data_dir)
    logs = write(tmp_path / "log_p", [(name, np.log(values)) for name, values in known])
    found = scores(logs, tiny_data_dir)
    for name, values in plain.values.items():
        np.testing.assert_allclose(found.values[name], values, rtol=1e-5, err_msg=name)
    assert "exp of log densities" in found.labels["model"]
    assert plain.labels["model"].endswith("(6 maps)")
    as_it_is = scores(logs, tiny_data_dir, "map")
    assert np.abs(as_it_is.values["nss"] - plain.values["nss"]).min() > 0.05


def test_negative_maps_that_are_no_log_density_stay_as_they_are(tmp_path):
    values = -np.random.default_rng(0).random((44, 52))
    assert map_kinds.detect(values) == "map"
    assert map_kinds.detect(np.full((10, 10), -np.log(100))) == "log_density"
    assert map_kinds.as_map(values, "map") is values


@pytest.mark.parametrize(
    ("values", "kind", "rule"),
    [
        (np.ones((3, 4)), "log_density", "a log density is at most 0"),
        (-np.ones((3, 4)), "log_density", "sum to 1"),
        (-np.ones((3, 4)), "density", "a density is at least 0; got -1"),
    ],
)
def test_numbers_of_another_kind_are_refused(tmp_path, values, kind, rule):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match=f"a.npy: .*{rule}.*--map_kind"):
        map_folders.read_map(tmp_path / "a.npy", (3, 4), kind)
