import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.eyecrowd import eyecrowd_dataset_builder

NAMES = [f"{number:03}.jpg" for number in range(1, 11)]
GAZE = "data/eye/fixations.mat"


def scanpath(x, y, duration):
    """One viewer's struct as the file has it; where there is no fixation, 0x0 bytes."""
    rows = [np.array([row]) if row else np.empty((0, 0), np.uint8) for row in (x, y, duration)]
    return dict(zip(("fix_x", "fix_y", "fix_duration"), rows, strict=True))


def column(items):
    """A MATLAB cell column."""
    cells = np.empty((len(items), 1), object)
    cells[:, 0] = items
    return cells


def viewers_of(index):
    return column(
        [
            scanpath([1.0, 40.0, 2.5], [1.0, 30.0, 9.0], [100 + index, 3833, 21]),
            scanpath([], [], []),
            scanpath([41.6], [3.0], [50]),
        ]
    )  # beside the image


@pytest.fixture
def original(tmp_path):
    """Ten images and their gaze in the authors' layout."""
    root = tmp_path / "original"
    (root / "data/stimuli").mkdir(parents=True)
    (root / "data/eye").mkdir()
    rng = np.random.default_rng(0)
    for name in NAMES:
        pixels = rng.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(root / "data/stimuli" / name)
    cells = [{"img": name, "subjects": viewers_of(index)} for index, name in enumerate(NAMES)]
    scipy.io.savemat(root / GAZE, {"fixations": column(cells)})
    return root


class TestEyeCrowd(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = eyecrowd_dataset_builder.Builder
    SPLITS = {"train": 9, "test": 1}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        eyecrowd_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def check(builder, original):
    """Compares a build of `original` with what its files say."""
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    assert sizes == {"train": 9, "test": 1}
    found = {e["image/id"].decode(): e for part in splits.values() for e in tfds.as_numpy(part)}
    assert sorted(found) == [name.removesuffix(".jpg") for name in NAMES]
    for index, name in enumerate(NAMES):
        example = found[name.removesuffix(".jpg")]
        assert example["image"] == (original / "data/stimuli" / name).read_bytes()
        gaze = example["fixations"]
        np.testing.assert_array_equal(gaze["x"], [0, 39, 1.5])
        np.testing.assert_array_equal(gaze["y"], [0, 29, 8])
        np.testing.assert_array_equal(gaze["duration_ms"], [100 + index, 3833, 21])
        np.testing.assert_array_equal(gaze["viewer"], [0, 0, 0])


def test_every_image_comes_with_its_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    check(builder, original)
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 26.0,
        "task": "free viewing",
        "viewers": 16,
        "viewing_time_s": 5.0,
        "tracker": "EyeLink 1000",
        "fixations": 30,
        "dropped_off_image": 10,
        "images_without_fixations": 0,
    }
    assert "500 pictures of crowds" in restored.description
    assert "Saliency in Crowd" in restored.citation


def test_without_a_copy_it_downloads(tmp_path, original, monkeypatch):
    inside = eyecrowd_dataset_builder._ARCHIVE.inside
    shutil.copytree(original / "data/stimuli", tmp_path / "archive" / inside)
    archive = shutil.make_archive(str(tmp_path / "master"), "zip", tmp_path / "archive")
    published = originals.Published(archive, inside=inside)
    monkeypatch.setattr(eyecrowd_dataset_builder, "_ARCHIVE", published)
    monkeypatch.setattr(
        eyecrowd_dataset_builder, "_GAZE", originals.Published(str(original / GAZE))
    )
    check(build(tmp_path, None), original)


def test_a_missing_image_is_named_and_nothing_is_left(tmp_path, original):
    (original / "data/stimuli/004.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"004\.jpg is missing"):
        build(tmp_path, original)
    assert not [path for path in (tmp_path / "sets/eyecrowd").rglob("*") if path.is_file()]


def test_the_public_gaze_file_has_a_checksum():
    listed = eyecrowd_dataset_builder.Builder.url_infos[eyecrowd_dataset_builder._GAZE.url]
    assert (int(listed.size), listed.checksum[:16]) == (1_279_634, "ecf99dcbb4d44c3c")
