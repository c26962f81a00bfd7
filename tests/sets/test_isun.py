import hashlib
import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.isun import isun_dataset_builder

PARTS = {"train": "training", "validation": "validation", "test": "testing"}
STEMS = {part: [f"sun_{part}{index}" for index in range(2)] for part in PARTS}
PEOPLE = [[[0, 0], [3.5, 2]], [], [[39, 29], [40, 5], [7, 8]]]  # one point is beside the image


def struct_column(items):
    """An nx1 MATLAB struct array."""
    array = np.empty((len(items), 1), [(name, object) for name in items[0]])
    for index, item in enumerate(items):
        array[index, 0] = tuple(item.values())
    return array


def entry(stem, people=PEOPLE):
    gaze = struct_column([{"fixation": np.array(p, np.float64), "width": 1} for p in people]).T
    return {"image": stem, "resolution": np.array([[30, 40]]), "gaze": gaze}


def write_list(root, part, entries):
    scipy.io.savemat(root / f"{PARTS[part]}.mat", {PARTS[part]: struct_column(entries)})


@pytest.fixture
def original(tmp_path):
    """Two images for each split, one of them grey, and the three lists."""
    root = tmp_path / "original"
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, stems in STEMS.items():
        for index, stem in enumerate(stems):
            pixels = rng.integers(0, 256, (30, 40, 3), np.uint8)
            Image.fromarray(pixels[..., 0] if index else pixels).save(root / f"images/{stem}.jpg")
        entries = [entry(stem) if part != "test" else {"image": stem} for stem in stems]
        write_list(root, part, entries)
    (root / "images/.DS_Store").write_bytes(b"litter")
    return root


class TestIsun(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = isun_dataset_builder.Builder
    SPLITS = {"train": 2, "validation": 2, "test": 2}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        isun_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def check(builder, original):
    """Compares a build of `original` with what its files say."""
    splits = builder.as_dataset()
    assert set(splits) == set(PARTS)
    for part, examples in splits.items():
        found = {example["image/id"].decode(): example for example in tfds.as_numpy(examples)}
        assert sorted(found) == STEMS[part]
        for example in found.values():
            assert example["image"].shape == (30, 40, 3)
            gaze = example["fixations"]
            known = part != "test"
            np.testing.assert_array_equal(gaze["x"], [0, 3.5, 39, 7] if known else [])
            np.testing.assert_array_equal(gaze["y"], [0, 2, 29, 8] if known else [])
            np.testing.assert_array_equal(gaze["viewer"], [0, 0, 2, 2] if known else [])
            np.testing.assert_array_equal(gaze["duration_ms"], [-1] * 4 if known else [])


def test_images_come_with_their_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    check(builder, original)
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 24.0,
        "task": "free viewing",
        "viewers": "crowd",
        "viewing_time_s": None,
        "tracker": "webcam",
        "splits_without_gaze": ["test"],
        "fixations": 16,
        "dropped_off_image": 4,
        "images_without_fixations": 0,
    }
    assert "recorded by webcam" in restored.description
    assert "TurkerGaze" in restored.citation


def test_downloads_serve_whatever_their_names(tmp_path, original, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "image"), "zip", original, "images")
    files = {"images": archive}
    for name in PARTS.values():
        files[name] = str(shutil.copy(original / f"{name}.mat", tmp_path / f"copy_{name}.mat"))
    published = {}
    for name, path in files.items():
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        inside = "images" if name == "images" else None
        published[name] = originals.Published(path, digest, inside)
    monkeypatch.setattr(isun_dataset_builder, "_IMAGES", published.pop("images"))
    monkeypatch.setattr(isun_dataset_builder, "_LISTS", published)
    check(build(tmp_path, None), original)


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/isun").rglob("*") if path.is_file()]


def test_a_listed_image_that_is_missing_is_named(tmp_path, original):
    (original / "images/sun_test1.jpg").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"sun_test1\.jpg is missing")


@pytest.mark.parametrize(
    ("entries", "pattern"),
    [
        ([{"image": "sun_train0"}], "entry 0 must be a struct of `image`.*gaze"),
        ([entry("a"), entry("a")], "image a must occur once; entry 1 repeats it"),
        ([entry("a", [[[1, 2, 3]]])], "entry 0.*fixation of person 0 must be numbers in rows"),
        (
            [entry("sun_train0", [[[1, 2], [3, np.nan]]])],
            "image sun_train0: `y` must be finite; fixation 1 has nan",
        ),
    ],
    ids=["no gaze", "twice", "columns", "nan"],
)
def test_another_structure_is_refused(tmp_path, original, entries, pattern):
    write_list(original, "train", entries)
    assert_refused(tmp_path, original, ValueError, rf"training\.mat.*{pattern}")


def test_a_truncated_list_is_refused(tmp_path, original):
    path = original / "validation.mat"
    path.write_bytes(path.read_bytes()[:700])
    pattern = r"validation\.mat must be a MATLAB 5 file with the variable `validation`"
    assert_refused(tmp_path, original, ValueError, pattern)
