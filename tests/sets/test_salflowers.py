import io
import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.datasets.oxford_flowers102 import (
    oxford_flowers102_dataset_builder as oxford,
)

from tfds_builders.salflowers import salflowers_dataset_builder

LABELS = [77, 1, 102, 1, 5, 6]  # of image_00001 and so on, counted from 1
SEEN = {2: [(5.5, 6, 300, 4)], 3: [(0, 0, 10, 1), (23, 19, 20, 1)], 5: [(1, 2, 3, 0)]}
SIZE = (20, 24)


def jpeg(number):
    rng = np.random.default_rng(number)
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def manual(tmp_path):
    root = tmp_path / "manual"
    (root / "salflowers").mkdir(parents=True)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number, rows in SEEN.items():
        for index, (x, y, duration, viewer) in enumerate(rows):
            lines.append(f"image_{number:05},{viewer},{index},{x},{y},{duration}")
    (root / "salflowers/fixations.csv").write_text("\n".join(lines))
    return root


@pytest.fixture
def flowers(tmp_path):
    """Oxford Flowers 102 as its authors offer it."""
    folder = tmp_path / "flowers"
    (folder / "jpg").mkdir(parents=True)
    for number in range(1, len(LABELS) + 1):
        (folder / f"jpg/image_{number:05}.jpg").write_bytes(jpeg(number))
    scipy.io.savemat(folder / "imagelabels.mat", {"labels": np.array([LABELS], np.uint8)})
    ids = {"trnid": [[1, 2]], "valid": [[3]], "tstid": [[4, 5, 6]]}
    scipy.io.savemat(folder / "setid.mat", {name: np.uint16(array) for name, array in ids.items()})
    return folder


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        salflowers_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


class TestSalFlowers(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = salflowers_dataset_builder.Builder
    SPLITS = {"test": 3}
    BUILDER_CONFIG_NAMES_TO_TEST = ["points"]

    @pytest.fixture
    def original(self, manual, flowers):
        unpack(flowers, manual)
        return manual


def check_examples(builder):
    examples = tfds.as_numpy(
        builder.as_dataset(split="test", decoders={"image": tfds.decode.SkipDecoding()})
    )
    found = {int(example["image/id"][-5:]): example for example in examples}
    assert sorted(found) == sorted(SEEN)
    for number, example in found.items():
        assert example["image"] == jpeg(number)
        assert example["label"] == LABELS[number - 1] - 1
        columns = [example["fixations"][name] for name in ("x", "y", "duration_ms", "viewer")]
        np.testing.assert_array_equal(np.stack(columns, axis=1), np.float32(SEEN[number]))
    names = builder.info.features["label"].names
    assert (names[0], names[76], len(names)) == ("pink primrose", "passion flower", 102)
    assert builder.info.metadata["fixations"] == 4
    assert builder.info.metadata["tracker"] == "Tobii T60"
    assert "not found" in builder.info.description and "Nilsback" in builder.info.citation


def unpack(flowers, manual):
    shutil.copytree(flowers / "jpg", manual / "jpg")
    shutil.copy(flowers / "imagelabels.mat", manual)


def test_gaze_is_joined_to_unpacked_photographs(tmp_path, manual, flowers):
    unpack(flowers, manual)
    check_examples(build(tmp_path, manual))


def test_gaze_is_joined_to_the_tfds_set(tmp_path, manual, flowers, monkeypatch):
    shutil.make_archive(str(tmp_path / "102flowers"), "gztar", flowers, "jpg")
    (tmp_path / "102flowers.tar.gz").rename(flowers / "102flowers.tgz")
    monkeypatch.setattr(oxford, "_BASE_URL", str(flowers))
    check_examples(build(tmp_path, manual))


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    left = [path for path in (tmp_path / "sets/salflowers").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {".config"}


def test_missing_labels_are_named(tmp_path, manual, flowers):
    unpack(flowers, manual)
    (manual / "imagelabels.mat").unlink()
    assert_refused(tmp_path, manual, FileNotFoundError, r"imagelabels\.mat")


def test_labels_of_fewer_images_are_refused(tmp_path, manual, flowers):
    unpack(flowers, manual)
    scipy.io.savemat(manual / "imagelabels.mat", {"labels": np.uint8([LABELS[:4]])})
    pattern = r"imagelabels\.mat must have a label for .*image_00005\.jpg; it has 4"
    assert_refused(tmp_path, manual, ValueError, pattern)


def test_labels_of_another_kind_are_refused(tmp_path, manual, flowers):
    unpack(flowers, manual)
    scipy.io.savemat(manual / "imagelabels.mat", {"other": np.uint8([LABELS])})
    pattern = r"imagelabels\.mat must be a MATLAB 5 file with the variable `labels`"
    assert_refused(tmp_path, manual, ValueError, pattern)
