import hashlib
import pickle
import shutil

import builder_case
import h5py
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.cat2000 import cat2000_dataset_builder
from tfds_builders.cat2000.location_map import read_locations
from tfds_builders.common import originals

SIZE = (27, 48)  # height, width
CATEGORIES = ("Action", "Pattern")
KEYS = [f"{category}/{number}" for category in CATEGORIES for number in ("001", "134")]


def locations_of(key):
    """A map as the authors ship it: 1 where one or more people looked."""
    found = np.zeros(SIZE, np.uint8)
    found[0, 0] = found[26, 47] = 1
    found[KEYS.index(key) + 1, 9] = 1
    return found


def write_image(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def original(tmp_path):
    """Two images of two categories for each half, with the folders that are to be left out."""
    root = tmp_path / "original"
    for seed, key in enumerate(KEYS):
        write_image(root / f"trainSet/Stimuli/{key}.jpg", seed)
        write_image(root / f"testSet/Stimuli/{key}.jpg", 10 + seed)
        category, number = key.split("/")
        write_image(root / f"trainSet/Stimuli/{category}/Output/{number}_SaliencyMap.jpg", seed)
        path = root / f"trainSet/FIXATIONLOCS/{key}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, {"fixLocs": locations_of(key)}, do_compression=True)
    return root


class TestCat2000(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = cat2000_dataset_builder.Builder
    SPLITS = {"train": 4, "test": 4}


def build(tmp_path, manual_dir, **options):
    return builder_case.prepare(
        cat2000_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir, **options
    )


def check(builder, original):
    """Compares a build of `original` with what its files say."""
    assert builder.info.features["label"].names == list(CATEGORIES)
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    for split, examples in splits.items():
        found = {example["image/id"].decode(): example for example in tfds.as_numpy(examples)}
        assert sorted(found) == KEYS
        for key, example in found.items():
            path = original / f"{split}Set/Stimuli/{key}.jpg"
            assert example["image"] == path.read_bytes()
            assert CATEGORIES[example["label"]] == key.split("/")[0]
            gaze = example["fixations"]
            points = sorted(zip(gaze["x"], gaze["y"], strict=True))
            assert points == (
                [(0, 0), (9, KEYS.index(key) + 1), (47, 26)] if split == "train" else []
            )
            assert set(gaze["viewer"]) | set(gaze["duration_ms"]) <= {-1}


def test_images_come_with_category_and_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    check(builder, original)
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 40.0,
        "task": "free viewing",
        "viewers": 18,
        "viewing_time_s": 5.0,
        "tracker": "EyeLink 1000",
        "splits_without_gaze": ["test"],
        "fixations": 12,
        "dropped_off_image": 0,
        "images_without_fixations": 0,
    }
    assert "20 kinds of pictures" in restored.description
    assert "1505.03581" in restored.citation


def test_beam_makes_the_same_examples(tmp_path, original):
    pytest.importorskip("apache_beam")
    builder = build(tmp_path, original, beam_runner="DirectRunner")
    check(builder, original)
    assert builder.info.metadata["fixations"] == 12


def test_a_record_survives_the_way_to_a_beam_worker(original):
    record = cat2000_dataset_builder._train_records(original / "trainSet")[1]
    work = pickle.dumps((cat2000_dataset_builder.make_example, record))
    make, copy = pickle.loads(work)
    key, example, counts = make(copy)
    assert (key, example["label"], counts["fixations"]) == ("Action/134", "Action", 3)


def test_downloaded_archives_serve(tmp_path, original, monkeypatch):
    for name, folder in (("_TRAIN", "trainSet"), ("_TEST", "testSet")):
        archive = shutil.make_archive(str(tmp_path / folder), "zip", original, folder)
        with open(archive, "rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        published = originals.Published(archive, digest, folder)
        monkeypatch.setattr(cat2000_dataset_builder, name, published)
    check(build(tmp_path, None), original)


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/cat2000").rglob("*") if path.is_file()]


def test_an_image_without_gaze_is_named(tmp_path, original):
    (original / "trainSet/FIXATIONLOCS/Pattern/001.mat").unlink()
    pattern = "1 names have no partner: without gaze: Pattern/001"
    assert_refused(tmp_path, original, ValueError, pattern)


def test_a_corrupt_test_image_is_named(tmp_path, original):
    path = original / "testSet/Stimuli/Action/134.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(tmp_path, original, ValueError, r"134\.jpg does not decode")


def test_a_folder_without_categories_is_named(tmp_path, original):
    shutil.rmtree(original / "testSet/Stimuli")
    assert_refused(tmp_path, original, FileNotFoundError, "must hold a folder for each category")


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ({"fixLocs": np.ones((48, 27))}, r"must be a map of.*\(27, 48\).*got float64 \(48, 27\)"),
        ({"fixLocs": np.full(SIZE, np.nan)}, "`fixLocs` must be finite"),
        ({"other": np.ones(SIZE)}, "must be a MATLAB 5 file with the variable `fixLocs`"),
        ({"fixLocs": "text"}, "must be a map of"),
    ],
    ids=["turned", "nan", "variable", "text"],
)
def test_another_structure_is_refused(tmp_path, content, pattern):
    scipy.io.savemat(tmp_path / "001.mat", content)
    with pytest.raises(ValueError, match=rf"001\.mat.*{pattern}"):
        read_locations(tmp_path / "001.mat", SIZE)


def test_matlab_7_3_is_refused(tmp_path):
    with h5py.File(tmp_path / "001.mat", "w", userblock_size=512) as file:
        file["fixLocs"] = np.ones(SIZE[::-1])
    with pytest.raises(ValueError, match=r"001\.mat must be a MATLAB 5 file"):
        read_locations(tmp_path / "001.mat", SIZE)
