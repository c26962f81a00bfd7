"""HDF5 files of maps, as pysaliency writes them: found by names, read, scored, refused."""

import json

import h5py
import numpy as np
import pysaliency_files
import pytest
import scipy.special
from map_files import write_maps

from salclass_tf import hdf5_maps, metrics
from salclass_tf.evaluation.methods import find, map_names
from salclass_tf.evaluation.tables import paper


def written(path, *keys, values=None):
    values = np.ones((2, 3)) if values is None else values
    pysaliency_files.write_maps(path, dict.fromkeys(keys, values))
    return hdf5_maps.MapFile(path)


def found_in(file, names):
    return map_names.find({key: key for key in file.keys}, names, str(file.path), "x")


@pytest.mark.parametrize(
    ("keys", "name", "key"),
    [
        (["1001.jpg", "1002.jpg"], "1001", "1001.jpg"),
        (["1001.jpg", "1002.jpg"], "1001.jpeg", "1001.jpg"),
        (["stimuli/1001.jpg"], "1001", "stimuli/1001.jpg"),
        (["Action/001.jpg", "Art/001.jpg"], "Action/001", "Action/001.jpg"),
        (["001.jpg", "002.jpg"], "Action/001", "001.jpg"),
        (["a.2"], "a.2", "a.2"),
        (["1", "x/1"], "1", "1"),
        (["1.jpg", "1.png", "1"], "1.png", "1.png"),
    ],
)
def test_maps_are_found_by_the_end_of_their_names(tmp_path, keys, name, key):
    assert found_in(written(tmp_path / "m.hdf5", *keys), [name]) == {name: key}


@pytest.mark.parametrize(
    ("keys", "names", "pattern"),
    [
        (["1.jpg"], ["1", "2"], r"lacks the maps of 1 of 2 images of x, .* is '2'.*'1\.jpg'"),
        (["a/1.jpg", "b/1.jpg"], ["1"], r"several maps for 1 of 1 .* a/1\.jpg and b/1\.jpg: keep"),
        (["1.jpg"], ["a/1", "b/1"], r"1\.jpg could be the map of 'a/1' and of 'b/1'"),
        (["11.jpg"], ["1"], "lacks the maps of 1 of 1"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, keys, names, pattern):
    with pytest.raises(ValueError, match=rf"m\.hdf5.*{pattern}"):
        found_in(written(tmp_path / "m.hdf5", *keys), names)


def test_files_of_another_layout_are_named(tmp_path):
    path = tmp_path / "m.hdf5"
    with pytest.raises(FileNotFoundError, match=r"m\.hdf5 is not there"):
        hdf5_maps.MapFile(path)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"m\.hdf5 must be an HDF5 file of maps"):
        hdf5_maps.MapFile(path)
    pysaliency_files.write_file_stimuli(path, ["1.jpg"])
    with pytest.raises(ValueError, match="holds pysaliency's FileStimuli"):
        hdf5_maps.MapFile(path)
    with pytest.raises(ValueError, match=r"maps \[h, w\].*'all' of shape \[3, 2, 3\]"):
        written(path, "all", values=np.ones((3, 2, 3)))
    with h5py.File(path, "w"):
        pass
    with pytest.raises(ValueError, match="got no array"):
        hdf5_maps.MapFile(path)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (np.full((2, 3), np.nan), r"m\.hdf5, 1\.jpg: .*finite"),
        (np.array([[np.inf, 1]]), r"m\.hdf5, 1\.jpg: .*finite"),
        (np.zeros((2, 3)), r"m\.hdf5, 1\.jpg: the map is 0 everywhere"),
        (np.array([["a"]], dtype="S1"), r"m\.hdf5"),
    ],
)
def test_numbers_that_are_no_map_are_named(tmp_path, values, pattern):
    maps = written(tmp_path / "m.hdf5", "1.jpg", values=values)
    with pytest.raises(ValueError, match=pattern):
        maps.read("1.jpg")


def test_a_density_of_0_has_a_logarithm_of_minus_infinity(tmp_path):
    values = np.array([[-np.inf, np.log(0.25)], [np.log(0.75), -np.inf]])
    read = written(tmp_path / "m.hdf5", "1", values=values).read("1")
    np.testing.assert_array_equal(np.exp(read), np.exp(values))


def test_log_density_is_that_of_our_metrics():
    rng = np.random.default_rng(0)
    saliency = rng.normal(size=(7, 5))
    expected = (saliency - saliency.min()) / (saliency - saliency.min()).sum()
    found = hdf5_maps.log_density(saliency)
    np.testing.assert_allclose(np.exp(found), np.maximum(expected, 2.2204e-16), rtol=1e-12)
    assert abs(scipy.special.logsumexp(found)) < 1e-12


def test_scores_of_a_log_density_are_those_of_its_map():
    """Through the logarithm and back, where the map has zeros and negative values."""
    rng = np.random.default_rng(0)
    target = rng.random((20, 30))
    xy = np.c_[rng.uniform(0, 29, 50), rng.uniform(0, 19, 50)]
    for saliency in (rng.normal(size=(20, 30)), np.maximum(rng.normal(size=(20, 30)), 0)):
        back = np.exp(hdf5_maps.log_density(saliency))
        for score in (
            lambda m: metrics.nss(m, xy),
            lambda m: metrics.auc(m, xy),
            lambda m: metrics.cc(m, target),
            lambda m: metrics.sim(m, target),
            lambda m: metrics.information_gain(m, xy, target),
        ):
            assert score(back) == pytest.approx(score(saliency), abs=1e-9)
        # A logarithm of 0 would make it infinite: where the map is 0, q / (p + e) is halved.
        zeros = saliency == min(saliency.min(), 0)
        halved = target[zeros].sum() / target.sum() * np.log(2)
        difference = metrics.kl(saliency, target) - metrics.kl(back, target)
        assert difference == pytest.approx(halved, abs=1e-9)


def test_information_gain_is_a_difference_of_logarithms_down_to_the_floor():
    saliency, baseline = np.array([[0.75, 0.25 - 1e-12, 1e-12, 0]]), np.full((1, 4), 0.25)
    for x, p in enumerate((0.75, 0.25 - 1e-12, 1e-12, 2.2204e-16)):
        expected = np.log2(p) - np.log2(0.25)
        assert metrics.information_gain(saliency, [[x, 0]], baseline) == pytest.approx(
            expected, abs=1e-12
        )


def test_an_interrupted_file_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="NaN"), hdf5_maps.write(tmp_path / "m.hdf5") as add:
        add("1.jpg", np.ones((2, 3), np.float32))
        add("2.jpg", np.full((2, 3), np.nan))
    assert not list(tmp_path.iterdir())


def rows_of(output):
    rows = json.loads((output / "table4.json").read_text())["rows"]
    return {row["labels"]["method"]: row for row in rows}


@pytest.mark.parametrize("view", ["whole", "crop"])
def test_a_file_scores_as_the_folder_of_its_maps(tmp_path, tiny_data_dir, view):
    folder = write_maps(tmp_path / "folder", tiny_data_dir)
    maps = {f"{path.stem}.png": np.load(path) for path in folder.iterdir()}
    pysaliency_files.write_maps(tmp_path / "maps.hdf5", maps)
    logs = {name: hdf5_maps.log_density(values) for name, values in maps.items()}
    pysaliency_files.write_maps(tmp_path / "logs.hdf5", logs)
    models = [f"folder={folder}", *(f"{n}={tmp_path / n}.hdf5" for n in ("maps", "logs"))]
    paper.run(
        paper.Settings(
            tuple(models),
            ("dotted_noise",),
            (4,),
            ("nss", "kl", "information_gain"),
            data_dir=tiny_data_dir,
            output=tmp_path / "tables",
            view=view,
        )
    )
    rows = rows_of(tmp_path / "tables")
    for name in ("nss", "kl", "information_gain"):
        expected = rows["folder"]["metrics"][name]["mean"]
        assert rows["maps"]["metrics"][name]["mean"] == pytest.approx(expected, abs=1e-12)
        assert rows["logs"]["metrics"][name]["mean"] == pytest.approx(expected, abs=1e-5)
    assert "6 maps, exp of log densities" in rows["logs"]["labels"]["model"]


def test_evaluate_keeps_other_rows_and_fails(tmp_path, tiny_data_dir):
    folder = write_maps(tmp_path / "good", tiny_data_dir)
    pysaliency_files.write_maps(tmp_path / "few.hdf5", {"0.jpg": np.ones((44, 52))})
    models = (str(folder), f"{tmp_path}/few.hdf5")
    settings = paper.Settings(
        models,
        ("dotted_noise",),
        (4,),
        ("nss",),
        data_dir=tiny_data_dir,
        output=tmp_path / "tables",
    )
    with pytest.raises(ValueError, match=r"few\.hdf5 lacks the maps of 5 of 6 images"):
        paper.run(settings)
    assert "good" in rows_of(tmp_path / "tables")


def test_a_file_of_another_kind_is_refused_before_anything_is_computed(tmp_path):
    pysaliency_files.write_file_stimuli(tmp_path / "stimuli.hdf5", ["1.jpg"])
    with pytest.raises(ValueError, match="name the file that export_model_to_hdf5 has written"):
        find.find(f"x={tmp_path}/stimuli.hdf5")
    (tmp_path / "x.mat").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a network, \.keras, or maps, \.hdf5; got"):
        find.find(f"{tmp_path}/x.mat")
