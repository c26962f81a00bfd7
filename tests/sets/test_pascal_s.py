import hashlib
import shutil

import builder_case
import h5py
import numpy as np
import pytest
import requests
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.pascal_s import pascal_s_dataset_builder
from tfds_builders.pascal_s.cells import read_cells

SIZE = (20, 30)
# y, x and person as the file has them, from 1; the third point is beside the image.
ROWS = {
    1: [[1, 1, 1], [20, 30, 1], [21.1, 5, 2], [0.5, 7.25, 8]],
    2: [[3, 4, 2]],
    3: [],
    4: [[10, 20, 5], [10, 20, 5]],
}


def write_gaze(root, cells):
    """A MATLAB 7.3 file: HDF5 behind 512 bytes of header, a cell array as references."""
    path = root / "datasets/fixations/pascalFix.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        references = np.empty((1, len(cells)), h5py.ref_dtype)
        for index, rows in enumerate(cells):
            if len(rows):
                stored = file.create_dataset(f"#refs#/{index}", data=np.transpose(rows))
            else:
                stored = file.create_dataset(f"#refs#/{index}", data=np.zeros(2, np.uint64))
                stored.attrs["MATLAB_empty"] = np.uint8(1)
            references[0, index] = stored.ref
        file.create_dataset("fixCell", data=references, dtype=h5py.ref_dtype)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


@pytest.fixture
def original(tmp_path):
    root = tmp_path / "original"
    folder = root / "datasets/imgs/pascal"
    folder.mkdir(parents=True)
    for number in ROWS:
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    write_gaze(root, list(ROWS.values()))
    return root


class TestPascalS(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = pascal_s_dataset_builder.Builder
    SPLITS = {"train": 3, "test": 1}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        pascal_s_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def examples_of(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    return {
        int(example["image/id"]): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def check_examples(builder, root):
    found = examples_of(builder)
    assert sorted(found) == sorted(ROWS)
    for number, (_, example) in found.items():
        path = root / f"datasets/imgs/pascal/{number}.jpg"
        assert example["image"] == path.read_bytes()
        gaze = example["fixations"]
        np.testing.assert_array_equal(gaze["duration_ms"], np.full(len(gaze["x"]), -1))
    rows = {
        number: np.stack([example["fixations"][key] for key in ("x", "y", "viewer")], axis=1)
        for number, (_, example) in found.items()
    }
    rows = {number: [tuple(row) for row in array] for number, array in rows.items()}
    assert rows == {
        1: [(0, 0, 0), (29, 19, 0), (6.25, 0, 7)],
        2: [(3, 2, 1)],
        3: [],
        4: [(19, 9, 4)] * 2,
    }


def test_every_image_comes_with_its_bytes_and_its_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    check_examples(builder, original)
    info = tfds.builder_from_directory(builder.data_dir).info
    assert dict(info.metadata) == {
        "sigma_px": 15.0,
        "task": "free viewing",
        "viewers": 8,
        "viewing_time_s": 2.0,
        "tracker": "EyeLink 1000",
        "fixations": 6,
        "dropped_off_image": 1,
        "images_without_fixations": 1,
    }
    assert info.splits["test"].num_examples == 1
    assert "850" in info.description and "Salient Object" in info.citation


def test_the_full_set_has_650_and_200_images():
    numbers = [str(number) for number in range(1, 851)]
    module = pascal_s_dataset_builder
    assert len(module.held_out.held_out(numbers, module._TEST_SHARE)) == 200


@pytest.fixture
def public(tmp_path, original, monkeypatch):
    """A local archive takes the place of the public one."""
    archive = shutil.make_archive(str(tmp_path / "salObj"), "zip", original, "datasets")
    monkeypatch.setattr(pascal_s_dataset_builder, "_URL", archive)
    with open(archive, "rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    monkeypatch.setattr(pascal_s_dataset_builder, "_MD5", digest)
    return tmp_path / "salObj.zip"


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/pascal_s").rglob("*") if path.is_file()]


def test_without_a_copy_it_downloads(tmp_path, original, public):
    check_examples(build(tmp_path, None), original)


def test_an_archive_of_another_content_is_refused(tmp_path, public, monkeypatch):
    monkeypatch.setattr(pascal_s_dataset_builder, "_MD5", "0" * 32)
    assert_refused(tmp_path, None, ValueError, "must have the MD5 000.*; got [0-9a-f]{32}")


def test_an_archive_cut_short_is_refused(tmp_path, public, monkeypatch):
    content = public.read_bytes()[:-500]
    public.write_bytes(content)
    monkeypatch.setattr(pascal_s_dataset_builder, "_MD5", hashlib.md5(content).hexdigest())
    assert_refused(tmp_path, None, ValueError, "must be a whole archive")


def test_no_network_tells_what_to_do(tmp_path, monkeypatch):
    def fail(manager, url):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    pattern = r"cannot download .*salObj\.zip \(no route\).*imgs/pascal.*verify_ssl=False"
    assert_refused(tmp_path, None, ConnectionError, pattern)


def test_images_and_gaze_must_be_partners(tmp_path, original):
    (original / "datasets/imgs/pascal/2.jpg").unlink()
    assert_refused(tmp_path, original, ValueError, "without an image: 2")


def test_two_images_of_one_number_are_refused(tmp_path, original):
    folder = original / "datasets/imgs/pascal"
    shutil.copy(folder / "2.jpg", folder / "2.png")
    assert_refused(tmp_path, original, ValueError, "two files share the name 2")


def test_a_corrupt_image_is_named(tmp_path, original):
    path = original / "datasets/imgs/pascal/2.jpg"
    path.write_bytes(path.read_bytes()[:300])
    assert_refused(tmp_path, original, ValueError, r"pascal/2\.jpg does not decode")


def test_a_coordinate_that_is_no_number_names_the_image(tmp_path, original):
    write_gaze(original, [ROWS[1], [[3, np.nan, 1]], ROWS[3], ROWS[4]])
    pattern = r"pascalFix\.mat, image 2: `x` must be finite; fixation 0 has nan"
    assert_refused(tmp_path, original, ValueError, pattern)


@pytest.mark.parametrize(
    ("rows", "pattern"),
    [
        ([[1, 2], [3, 4]], r"must have three numbers a fixation .*; got int64 \(2, 2\)"),
        ([[1, 2, 0]], r"persons must be numbered from 1; got \[0\.0\]"),
        ([[1, 2, np.nan]], "persons must be numbered from 1"),
    ],
)
def test_another_structure_is_refused(tmp_path, rows, pattern):
    with pytest.raises(ValueError, match=rf"pascalFix\.mat, image 2:? {pattern}"):
        read_cells(write_gaze(tmp_path, [ROWS[1], rows]))


@pytest.mark.parametrize("kind", ["matlab 5", "cut", "other variable", "no cell"])
def test_a_file_that_is_not_the_gaze_file_is_refused(tmp_path, kind):
    path = write_gaze(tmp_path, ROWS.values())
    if kind == "matlab 5":
        scipy.io.savemat(path, {"fixCell": np.ones(3)})
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:1200])
    else:
        with h5py.File(path, "w") as file:
            file["fixCell" if kind == "no cell" else "sizeData"] = np.ones(3)
    with pytest.raises(
        ValueError, match=r"pascalFix\.mat must be a MATLAB 7\.3 file with the cell"
    ):
        read_cells(path)


def test_a_missing_gaze_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.mat"):
        read_cells(tmp_path / "absent.mat")
