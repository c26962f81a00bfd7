import hashlib
import shutil

import builder_case
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.mit1003 import mit1003_dataset_builder
from tfds_builders.mit1003.point_map import read_points

SIZES = {f"i{index}": (40 + index, 32) for index in range(10)}  # width, height
POINTS = {stem: [(0, 0), (5, 2), (width - 1, 31)] for stem, (width, _) in SIZES.items()}
MAPS = "ALLFIXATIONMAPS"


def write_map(path, size, points):
    """A map as MATLAB's `imwrite` makes it: white pixels, in a grey JPEG."""
    pixels = np.zeros(size[::-1], np.uint8)
    for x, y in points:
        pixels[y, x] = 255
    Image.fromarray(pixels).save(path, quality=75)


@pytest.fixture
def original(tmp_path):
    """Ten photographs, their two kinds of map, and the stray file of the archive."""
    root = tmp_path / "original"
    for folder in ("ALLSTIMULI", MAPS):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem, (width, height) in SIZES.items():
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(root / "ALLSTIMULI" / f"{stem}.jpeg")
        write_map(root / MAPS / f"{stem}_fixPts.jpg", (width, height), POINTS[stem])
        Image.fromarray(pixels).save(root / MAPS / f"{stem}_fixMap.jpg")
    shutil.copy(root / MAPS / "i1_fixPts.jpg", root / MAPS / "i1fixPts.jpg")
    (root / MAPS / "._i1_fixPts.jpg").write_bytes(b"litter")
    return root


class TestMit1003(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = mit1003_dataset_builder.Builder
    SPLITS = {"train": 8, "test": 2}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        mit1003_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def examples_of(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    return {split: [*tfds.as_numpy(examples)] for split, examples in splits.items()}


def test_every_photograph_comes_with_the_points_of_its_map(tmp_path, original):
    builder = build(tmp_path, original)
    found = examples_of(builder)
    assert {split: len(examples) for split, examples in found.items()} == {"train": 8, "test": 2}
    examples = {e["image/id"].decode(): e for split in found.values() for e in split}
    assert set(examples) == set(SIZES)
    for stem, example in examples.items():
        assert example["image"] == (original / "ALLSTIMULI" / f"{stem}.jpeg").read_bytes()
        gaze = example["fixations"]
        assert sorted(zip(gaze["x"], gaze["y"], strict=True)) == sorted(POINTS[stem])
        assert set(gaze["viewer"]) == set(gaze["duration_ms"]) == {-1}
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 24.0,
        "task": "free viewing",
        "viewers": 15,
        "viewing_time_s": 3.0,
        "tracker": "ISCAN video-based eye tracker, 240 Hz",
        "fixations": 30,
        "dropped_off_image": 0,
        "images_without_fixations": 0,
    }
    assert "15 people" in restored.description
    assert "predict where humans look" in restored.citation


def test_the_test_split_of_1003_names_has_200(tmp_path):
    names = [f"i{number}" for number in range(1003)]
    share = mit1003_dataset_builder._TEST_SHARE
    chosen = mit1003_dataset_builder.held_out.held_out(names, share)
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    assert chosen == set(sorted(names, key=digests.get)[:200])


def test_downloaded_archives_serve(tmp_path, original, monkeypatch):
    stimuli = shutil.make_archive(str(tmp_path / "stimuli"), "zip", original, "ALLSTIMULI")
    # The folders inside this archive are not known: none here, one in the other test.
    maps = shutil.make_archive(str(tmp_path / "maps"), "zip", original / MAPS)
    with open(stimuli, "rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    published = originals.Published(stimuli, digest, "ALLSTIMULI")
    monkeypatch.setattr(mit1003_dataset_builder, "_STIMULI_ARCHIVE", published)
    monkeypatch.setattr(
        mit1003_dataset_builder, "_MAPS_ARCHIVE", originals.Published(maps, None, "")
    )
    assert build(tmp_path, None).info.metadata["fixations"] == 30


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/mit1003").rglob("*") if path.is_file()]


def test_a_photograph_without_map_is_named(tmp_path, original):
    (original / MAPS / "i3_fixPts.jpg").unlink()
    assert_refused(tmp_path, original, ValueError, "1 names have no partner: without gaze: i3")


def test_a_map_without_photograph_is_named(tmp_path, original):
    (original / "ALLSTIMULI/i3.jpeg").unlink()
    assert_refused(tmp_path, original, ValueError, "without an image: i3")


def test_two_maps_with_one_stem_are_refused(tmp_path, original):
    (original / MAPS / "again").mkdir()
    shutil.copy(original / MAPS / "i3_fixPts.jpg", original / MAPS / "again")
    assert_refused(tmp_path, original, ValueError, "two files share the name i3_fixPts")


def test_an_empty_folder_is_named(tmp_path, original):
    shutil.rmtree(original / "ALLSTIMULI")
    (original / "ALLSTIMULI").mkdir()
    assert_refused(tmp_path, original, FileNotFoundError, "ALLSTIMULI holds no file of the set")


def test_a_map_of_another_size_is_refused(original):
    path = original / MAPS / "i3_fixPts.jpg"
    pattern = r"i3_fixPts\.jpg must have the \(height, width\) \(32, 99\).*got \(32, 43\)"
    with pytest.raises(ValueError, match=pattern):
        read_points(path, (32, 99))


def test_a_map_that_does_not_decode_is_named(tmp_path, original):
    path = original / MAPS / "i3_fixPts.jpg"
    path.write_bytes(path.read_bytes()[:-60])
    assert_refused(tmp_path, original, ValueError, r"i3_fixPts\.jpg does not decode")
