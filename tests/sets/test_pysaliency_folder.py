import json
import pathlib

import builder_case
import h5py
import numpy as np
import pysaliency_files as files
import pytest
import tensorflow_datasets as tfds

from tfds_builders.pysaliency_folder import (
    fixations,
    layout,
    pysaliency_folder_dataset_builder,
    stimuli,
    writing,
)

NAMES = ["stimuli/Action/001.jpg", "stimuli/Art/001.jpg"]
XS = [[0.25, 7.9], [3.0, 4.5, -1.0], [7.99999999]]
YS = [[0.75, 5.9], [0.5, 1.5, 2.0], [2.0]]
DURATIONS = [[0.2, 0.1], [0.3, 0.25, 0.1], [0.15]]


@pytest.fixture
def original(tmp_path):
    """A set of two images and three scanpaths, as `to_hdf5` writes it."""
    folder = tmp_path / "original"
    files.write_images(folder, NAMES)
    files.write_file_stimuli(folder / "stimuli.hdf5", NAMES)
    files.write_trains(folder / "fixations.hdf5", XS, YS, [0, 1, 0], [4, 5, 6], DURATIONS)
    return folder


class TestPysaliencyFolder(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = pysaliency_folder_dataset_builder.Builder
    SPLITS = {"test": 2}
    COUNTS = builder_case.COUNTS | {"folder", "folder_sha256"}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        pysaliency_folder_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def examples(builder, split="test"):
    found = tfds.as_numpy(builder.as_dataset(split=split))
    return {example["image/id"].decode(): example for example in found}


def nearest(values):
    """The pixels that our metrics take."""
    return np.floor(values.astype(np.float64) + 0.5).astype(int)


def test_each_fixation_stays_in_the_pixel_that_pysaliency_takes(tmp_path, original):
    builder = build(tmp_path, original)
    found = examples(builder)
    assert sorted(found) == ["Action/001", "Art/001"]
    action, art = found["Action/001"]["fixations"], found["Art/001"]["fixations"]
    np.testing.assert_array_equal(nearest(action["x"]), [0, 7, 7])  # int(x) of scanpaths 0 and 2
    np.testing.assert_array_equal(nearest(action["y"]), [0, 5, 2])
    np.testing.assert_array_equal(nearest(art["x"]), [3, 4])  # the third lies beside the image
    np.testing.assert_array_equal(action["viewer"], [4, 4, 6])
    np.testing.assert_allclose(art["duration_ms"], [300, 250])
    metadata = dict(tfds.builder_from_directory(builder.data_dir).info.metadata)
    assert metadata["dropped_off_image"] == 1 and metadata["fixations"] == 5
    assert metadata["sigma_px"] == 24.0 and metadata["viewers"] is None


def test_whole_numbers_are_pixels_already():
    np.testing.assert_array_equal(layout.from_pixel_edges([0, 3, 7]), [0, 3, 7])
    np.testing.assert_array_equal(layout.from_pixel_edges([0, 3, 7.5]), [0, 2.5, 7])
    np.testing.assert_array_equal(layout.from_pixel_edges([-0.3, 0.5]), np.float32([-0.8, 0]))


def test_there_and_back_no_pixel_changes():
    """A million places that float32 rounds, and the edges of pixels."""
    rng = np.random.default_rng(0)
    ours = np.r_[rng.random(100_000) * 800, np.arange(800), np.arange(800) + 0.5, 799.9999]
    ours = ours.astype(np.float32)
    theirs = layout.to_pixel_edges(ours, 800)
    assert theirs.min() >= 0 and theirs.max() < 800
    pixel = np.minimum(nearest(ours), 799)
    np.testing.assert_array_equal(theirs.astype(int), pixel)
    np.testing.assert_array_equal(np.minimum(nearest(layout.from_pixel_edges(theirs)), 799), pixel)


@pytest.mark.parametrize("form", ["1.0", "1.2", "1.3", "lengths", "length"])
def test_scanpaths_of_every_edition_are_the_same(tmp_path, original, form):
    path = original / "fixations.hdf5"
    if form.startswith("l"):
        files.write_scanpath_fixations(path, XS, YS, [0, 1, 0], [4, 5, 6], DURATIONS, form)
    else:
        files.write_trains(path, XS, YS, [0, 1, 0], [4, 5, 6], DURATIONS, form)
    read = fixations.read(path, 2)
    np.testing.assert_array_equal(read.stimulus, [0, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(read.viewer, [4, 4, 5, 5, 5, 6])
    expected = [-1] * 6 if form == "1.0" else [200, 100, 300, 250, 100, 150]
    np.testing.assert_allclose(read.duration_ms, expected)
    np.testing.assert_array_equal(np.trunc(np.concatenate(XS))[:5], nearest(read.x)[:5].clip(-1))


@pytest.mark.parametrize(("subject", "version"), [(None, "1.0"), ([7, 8], "1.0"), ([7, 8], "1.2")])
def test_single_fixations_serve_too(tmp_path, subject, version):
    files.write_fixations(tmp_path / "f.hdf5", [1, 2], [3, 4], [1, 0], subject, version)
    read = fixations.read(tmp_path / "f.hdf5", 2)
    np.testing.assert_array_equal(read.x, [1, 2])
    np.testing.assert_array_equal(read.viewer, subject or [-1, -1])
    np.testing.assert_array_equal(read.on(0).y, [4])


def test_pixels_in_the_file_become_png_and_a_split_of_its_own(tmp_path):
    folder = tmp_path / "folder"
    rng = np.random.default_rng(0)
    grey, colour = (rng.integers(0, 256, size, np.uint8) for size in ((5, 7), (6, 8, 3)))
    folder.mkdir()
    files.write_stimuli(folder / "stimuli_train.hdf5", [grey, colour])
    files.write_fixations(folder / "fixations_train.hdf5", [1.5], [2.5], [1])
    files.write_stimuli(folder / "stimuli_test.hdf5", [colour], ["a/b/picture.png"])
    (folder / "facts.json").write_text('{"sigma_px": 35, "task": "free viewing"}')
    builder = build(tmp_path, folder)
    train = examples(builder, "train")
    np.testing.assert_array_equal(train["0"]["image"], np.repeat(grey[..., None], 3, axis=-1))
    np.testing.assert_array_equal(train["1"]["image"], colour)
    np.testing.assert_array_equal(train["1"]["fixations"]["x"], [1])
    assert list(examples(builder)) == ["picture"]
    assert builder.info.metadata["splits_without_gaze"] == ["test"]
    assert builder.info.metadata["sigma_px"] == 35.0


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a/b/1.jpg", "a/b/2.jpg"], ["1", "2"]),
        (["a/b/1.jpg", "a/c/1.jpg"], ["b/1", "c/1"]),
        (["1.jpg", "1.png"], ["1.jpg", "1.png"]),
        (["only/one.jpg"], ["one"]),
        (["a\\1.jpg", "a\\2.jpg"], ["1", "2"]),
    ],
)
def test_names_are_as_short_as_they_can_be(names, short):
    assert stimuli.short_names(names) == short


def refused(tmp_path, folder, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, folder)
    assert not list((tmp_path / "sets").rglob("*tfrecord*"))


def test_fixations_on_unknown_stimuli_are_refused(tmp_path, original):
    files.write_trains(original / "fixations.hdf5", XS, YS, [0, 2, 0], [4, 5, 6])
    refused(
        tmp_path,
        original,
        ValueError,
        "fixations must be on one of the 2 stimuli, numbered from 0; 3 are not, the first on 2",
    )


def test_files_of_another_layout_are_refused(tmp_path, original):
    stimuli_file, gaze = original / "stimuli.hdf5", original / "fixations.hdf5"
    good = gaze.read_bytes()
    gaze.write_bytes(stimuli_file.read_bytes())
    refused(tmp_path, original, ValueError, "must hold pysaliency's Fixations.*holds FileStimuli")
    gaze.write_bytes(b"no HDF5")
    refused(tmp_path, original, ValueError, r"fixations\.hdf5 must be an HDF5 file")
    gaze.write_bytes(good)
    with h5py.File(gaze, "a") as file:
        del file["train_ns"]
    refused(
        tmp_path, original, ValueError, r"fixations\.hdf5 is not in pysaliency's layout.*train_ns"
    )
    files.write_maps(stimuli_file, {"1.jpg": np.zeros((2, 2))})
    refused(tmp_path, original, ValueError, r"stimuli\.hdf5 must hold.*something without a type")
    stimuli_file.unlink()
    refused(tmp_path, original, FileNotFoundError, r"holds no stimuli\.hdf5.*manual_dir must hold")


def test_missing_images_and_unfit_facts_are_named(tmp_path, original):
    (original / NAMES[1]).unlink()
    refused(tmp_path, original, FileNotFoundError, r"Art/001\.jpg is missing")
    (original / "facts.json").write_text('{"sigma_px": 0}')
    refused(tmp_path, original, ValueError, "sigma_px must be above 0 pixels; got 0")
    (original / "facts.json").write_text('{"sigma": 3}')
    refused(tmp_path, original, ValueError, "facts.json may tell sigma_px.*got 'sigma'")


def test_another_folder_is_not_taken_for_the_built_one(tmp_path, original):
    builder = build(tmp_path, original)
    assert builder_case.prepare(builder, original).is_prepared()
    files.write_fixations(original / "fixations.hdf5", [1], [1], [0])
    with pytest.raises(ValueError, match="or before its files changed"):
        build(tmp_path, original)


def test_a_written_set_is_read_as_it_was(tmp_path, original):
    """Images, gaze, blur: through our own files and back."""
    (original / "facts.json").write_text('{"sigma_px": 35, "viewers": 3}')
    builder = build(tmp_path, original)
    keys = writing.write(builder, "test", tmp_path / "written")
    assert keys == {name: f"{name}.jpg" for name in keys}
    again = builder_case.prepare(
        pysaliency_folder_dataset_builder.Builder(data_dir=tmp_path / "again"), tmp_path / "written"
    )
    first, second = examples(builder), examples(again)
    assert sorted(first) == sorted(second) == ["Action/001", "Art/001"]
    for name, example in first.items():
        np.testing.assert_array_equal(example["image"], second[name]["image"])
        for key, column in example["fixations"].items():
            np.testing.assert_allclose(second[name]["fixations"][key], column, atol=1e-6)
    assert again.info.metadata["sigma_px"] == 35.0
    assert json.loads((tmp_path / "written/facts.json").read_text())["viewers"] == 3
    assert not list((tmp_path / "written").glob(".*"))


def test_no_image_file_is_left_half_written(tmp_path, original, monkeypatch):
    builder, write_bytes = build(tmp_path, original), pathlib.Path.write_bytes

    def full(path, content):
        write_bytes(path, content[: len(content) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        writing.write(builder, "test", tmp_path / "written")
    assert not [path for path in (tmp_path / "written").rglob("*") if path.is_file()]


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, original, monkeypatch):
    monkeypatch.setattr(stimuli, "short_names", lambda names: ["../x", "y"])
    builder = build(tmp_path, original)
    with pytest.raises(ValueError, match=r"inside .*written; got '\.\./x'"):
        writing.write(builder, "test", tmp_path / "written")
    assert not (tmp_path / "x.jpg").exists()
