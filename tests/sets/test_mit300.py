import hashlib
import shutil

import builder_case
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.mit300 import mit300_dataset_builder


@pytest.fixture
def original(tmp_path):
    """Three photographs in the archive's folder."""
    folder = tmp_path / "original/BenchmarkIMAGES"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(3):
        pixels = rng.integers(0, 256, (30 + index, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"i{index}.jpg")
    return folder.parent


class TestMit300(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = mit300_dataset_builder.Builder
    SPLITS = {"test": 3}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        mit300_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def test_photographs_come_without_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    assert list(builder.info.splits) == ["test"]
    skip = {"image": tfds.decode.SkipDecoding()}
    found = {
        example["image/id"].decode(): example
        for example in tfds.as_numpy(builder.as_dataset("test", decoders=skip))
    }
    assert sorted(found) == ["i0", "i1", "i2"]
    for stem, example in found.items():
        assert example["image"] == (original / f"BenchmarkIMAGES/{stem}.jpg").read_bytes()
        assert {len(column) for column in example["fixations"].values()} == {0}
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 24.0,
        "task": "free viewing",
        "viewers": 39,
        "viewing_time_s": 3.0,
        "tracker": "ISCAN video-based eye tracker",
        "splits_without_gaze": ["test"],
        "fixations": 0,
        "dropped_off_image": 0,
        "images_without_fixations": 0,
    }
    assert "300 photographs" in restored.description
    assert "Benchmark of Computational Models" in restored.citation


@pytest.fixture
def archive(tmp_path, original, monkeypatch):
    """Makes a local archive take the place of the public one."""
    path = shutil.make_archive(str(tmp_path / "images"), "zip", original, "BenchmarkIMAGES")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    published = originals.Published(path, digest, "BenchmarkIMAGES")
    monkeypatch.setattr(mit300_dataset_builder, "_ARCHIVE", published)
    return path


def test_without_a_copy_it_downloads(tmp_path, archive):
    assert build(tmp_path, None).info.splits["test"].num_examples == 3


def test_an_altered_archive_is_refused(tmp_path, archive):
    with open(archive, "ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match=r"images\.zip\) must have the MD5 .*Delete it"):
        build(tmp_path, None)


def test_a_photograph_that_does_not_decode_is_named_and_nothing_is_left(tmp_path, original):
    path = original / "BenchmarkIMAGES/i1.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"i1\.jpg does not decode"):
        build(tmp_path, original)
    assert not [found for found in (tmp_path / "sets/mit300").rglob("*") if found.is_file()]
