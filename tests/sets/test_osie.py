import hashlib
import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import scipy.ndimage
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.osie import osie_dataset_builder

NAMES = [f"{1001 + index}.jpg" for index in range(7)]
SIZE = {name: (40 + index, 30) for index, name in enumerate(NAMES)}  # width, height


def scanpath(x, y, duration):
    """One viewer's struct with the mixed types of the original file."""
    return {
        "fix_x": np.array([x], np.float64),
        "fix_y": np.array([y]),
        "fix_duration": np.array([duration], np.uint16),
    }


def column(items):
    """A MATLAB cell column."""
    cells = np.empty((len(items), 1), object)
    cells[:, 0] = items
    return cells


def viewers_of(index):
    """Three viewers; the second one has whole numbers, the third one fixation only."""
    return [
        scanpath([1.2, 2.5 + index, 39.9], [1.0, 29.4, 15.5], [100 + index, 300, 1975]),
        scanpath([7, 8], np.array([3, 255], np.uint8) % 29 + 1, [20, 21]),
        scanpath([30.5], [2.5], [190]),
    ]


def write_gaze(root, cells):
    (root / "data/eye").mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "data/eye/fixations.mat", {"fixations": cells})


@pytest.fixture
def original(tmp_path):
    """Seven images and their gaze in the authors' layout."""
    root = tmp_path / "original"
    (root / "data/stimuli").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, (width, height) in SIZE.items():
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(root / "data/stimuli" / name)
    cells = [{"img": name, "subjects": column(viewers_of(i))} for i, name in enumerate(NAMES)]
    write_gaze(root, column(cells))
    return root


class TestOsie(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = osie_dataset_builder.Builder
    SPLITS = {"train": 5, "test": 2}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        osie_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def examples_of(builder, **options):
    splits = builder.as_dataset(**options)
    return {
        example["image/id"].decode(): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def test_every_image_comes_with_its_bytes_and_its_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    found = examples_of(builder, decoders={"image": tfds.decode.SkipDecoding()})
    assert sorted(found) == [name.removesuffix(".jpg") for name in NAMES]
    for index, name in enumerate(NAMES):
        _, example = found[name.removesuffix(".jpg")]
        assert example["image"] == (original / "data/stimuli" / name).read_bytes()
        gaze = example["fixations"]
        expected_x = [0.2, 1.5 + index, 38.9, 6, 7, 29.5]
        np.testing.assert_array_equal(gaze["x"], np.float32(expected_x))
        np.testing.assert_array_equal(gaze["y"], np.float32([0, 28.4, 14.5, 3, 23, 1.5]))
        np.testing.assert_array_equal(gaze["duration_ms"], [100 + index, 300, 1975, 20, 21, 190])
        np.testing.assert_array_equal(gaze["viewer"], [0, 0, 0, 1, 1, 2])
        assert gaze["duration_ms"].dtype == np.float32


def test_images_decode_to_their_size(tmp_path, original):
    found = examples_of(build(tmp_path, original))
    for name, (width, height) in SIZE.items():
        _, example = found[name.removesuffix(".jpg")]
        assert example["image"].shape == (height, width, 3)
        assert example["image"].dtype == np.uint8


def test_facts_and_counts_are_stored_with_the_set(tmp_path, original):
    directory = build(tmp_path, original).data_dir
    info = tfds.builder_from_directory(directory).info
    assert dict(info.metadata) == {
        "sigma_px": 24.0,
        "task": "free viewing",
        "viewers": 15,
        "viewing_time_s": 3.0,
        "tracker": "EyeLink 1000",
        "fixations": 42,
        "dropped_off_image": 0,
        "images_without_fixations": 0,
    }
    assert "free" in info.description
    assert "Journal of Vision" in info.citation


def test_points_beside_the_image_are_dropped_and_counted(tmp_path, original):
    x, y = [0.4, 0.5, 0.9, 5, 41.1], [9, 9, 9, 31.1, 9]  # the image is 40 wide, 30 high
    cells = [{"img": name, "subjects": column(viewers_of(0))} for name in NAMES]
    cells[0]["subjects"] = column([scanpath(x, y, [1, 2, 3, 4, 5])])
    write_gaze(original, column(cells))
    builder = build(tmp_path, original)
    gaze = examples_of(builder)["1001"][1]["fixations"]
    # Pixel 1 of MATLAB begins at 0.5.
    np.testing.assert_array_equal(gaze["duration_ms"], [2, 3])
    np.testing.assert_array_equal(gaze["x"], [0, 0])
    assert builder.info.metadata["fixations"] == 6 * 6 + 2
    assert builder.info.metadata["dropped_off_image"] == 3


def test_split_is_by_the_digest_of_the_name_and_stays():
    names = [f"{number}.jpg" for number in range(1001, 1701)]
    module = osie_dataset_builder
    chosen = module.held_out.held_out(names, module._TEST_SHARE)
    assert len(chosen) == 200
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    assert max(digests[name] for name in chosen) < min(
        digests[name] for name in names if name not in chosen
    )
    joined = ",".join(sorted(chosen)).encode()
    # Published results depend on it: if this value changes, so must the version of the set.
    assert hashlib.sha256(joined).hexdigest()[:16] == "a30c5c5dba474bd4"


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/osie").rglob("*") if path.is_file()]


def test_a_missing_image_is_named_and_nothing_is_left(tmp_path, original):
    (original / "data/stimuli/1003.jpg").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"1003\.jpg is missing")


def test_a_corrupt_image_is_named_and_nothing_is_left(tmp_path, original):
    path = original / "data/stimuli/1006.jpg"
    path.write_bytes(path.read_bytes()[:400])
    assert_refused(tmp_path, original, ValueError, r"1006\.jpg does not decode")


def test_missing_gaze_is_named(tmp_path, original):
    (original / "data/eye/fixations.mat").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"missing: data/eye/fixations\.mat")


def test_a_coordinate_that_is_no_number_names_the_image(tmp_path, original):
    cell = {"img": NAMES[0], "subjects": column([scanpath([1, np.nan], [1, 2], [1, 2])])}
    write_gaze(original, column([cell]))
    pattern = r"fixations\.mat, image 1001\.jpg: `x` must be finite; fixation 1 has nan"
    assert_refused(tmp_path, original, ValueError, pattern)


@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        (np.ones((3, 2)), "cell 0 must be a struct"),
        (column([{"img": "1001.jpg"}]), "cell 0 must be a struct.*subjects"),
        (column([{"img": "1001.jpg", "subjects": column([{"fix_x": [[1]]}])}]), "cell 0.*fix_y"),
        (
            column([{"img": "1001.jpg", "subjects": column([scanpath([1, 2], [3], [4])])}]),
            "cell 0 must be.*of one length",
        ),
        (
            column([{"img": "1001.jpg", "subjects": column(viewers_of(0))}] * 2),
            r"image 1001\.jpg must occur once; cell 1 repeats it",
        ),
    ],
    ids=["numbers", "no subjects", "no rows", "lengths", "twice"],
)
def test_another_structure_is_refused(tmp_path, original, cells, pattern):
    write_gaze(original, cells)
    assert_refused(tmp_path, original, ValueError, rf"fixations\.mat: {pattern}")


@pytest.mark.parametrize("damage", ["text", "cut", "other variable"])
def test_a_file_that_is_not_the_gaze_file_is_refused(tmp_path, original, damage):
    path = original / "data/eye/fixations.mat"
    if damage == "text":
        path.write_text("not a MATLAB file " * 20)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    else:
        scipy.io.savemat(path, {"something": 1})
    pattern = r"fixations\.mat must be a MATLAB 5 file with the variable `fixations`"
    assert_refused(tmp_path, original, ValueError, pattern)


@pytest.fixture
def public(tmp_path, original, monkeypatch):
    """Makes local files take the place of the public repository."""
    commit = osie_dataset_builder._COMMIT
    repository = tmp_path / "archive" / f"predicting-human-gaze-beyond-pixels-{commit}"
    shutil.copytree(original / "data/stimuli", repository / "data/stimuli")
    archive = shutil.make_archive(str(tmp_path / commit), "zip", tmp_path / "archive")
    digest = hashlib.sha256()
    for name in NAMES:
        digest.update((original / "data/stimuli" / name).read_bytes())
    gaze = str(original / "data/eye/fixations.mat")
    monkeypatch.setattr(osie_dataset_builder, "_ARCHIVE_URL", archive)
    monkeypatch.setattr(osie_dataset_builder, "_GAZE_URL", gaze)
    monkeypatch.setattr(osie_dataset_builder, "_STIMULI_SHA256", digest.hexdigest())


def test_without_a_copy_it_downloads(tmp_path, public):
    builder = build(tmp_path, None)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {
        "train": 5,
        "test": 2,
    }
    assert builder.info.metadata["fixations"] == 42


def test_downloaded_images_of_another_content_are_refused(tmp_path, public, monkeypatch):
    monkeypatch.setattr(osie_dataset_builder, "_STIMULI_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="joint SHA-256 0000.*; got [0-9a-f]{64}"):
        build(tmp_path, None)


def test_the_public_gaze_file_has_a_checksum():
    listed = osie_dataset_builder.Builder.url_infos[osie_dataset_builder._GAZE_URL]
    assert (int(listed.size), listed.filename) == (1_077_850, "fixations.mat")
    assert listed.checksum.startswith("2aab9133a407e4ef")


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    return build(tmp_path_factory.mktemp("osie"), shared_data / "osie")


@pytest.mark.real_data
def test_real_counts(real):
    assert real.info.metadata["fixations"] == 98_321
    assert real.info.metadata["dropped_off_image"] == 0
    found = examples_of(real, decoders={"image": tfds.decode.SkipDecoding()})
    assert sorted(found) == [str(number) for number in range(1001, 1701)]
    splits = [split for split, _ in found.values()]
    assert (splits.count("train"), splits.count("test")) == (500, 200)
    counts = {key: len(example["fixations"]["x"]) for key, (_, example) in found.items()}
    assert (min(counts.values()), max(counts.values()), counts["1001"]) == (111, 179, 141)
    gaze = [example["fixations"] for _, example in found.values()]
    assert {tuple(np.unique(image["viewer"])) for image in gaze} == {tuple(range(15))}
    for axis, mean in (("x", 401.466), ("y", 283.583)):
        everything = np.concatenate([image[axis] for image in gaze]).astype(np.float64)
        assert everything.mean() + 1 == pytest.approx(mean, abs=5e-4)
    durations = np.concatenate([image["duration_ms"] for image in gaze])
    assert (durations.min(), durations.max(), np.median(durations)) == (20, 1975, 190)


@pytest.mark.real_data
def test_real_scanpaths(real):
    found = examples_of(real, decoders={"image": tfds.decode.SkipDecoding()})
    gaze = {key: example["fixations"] for key, (_, example) in found.items()}
    lengths = np.array([np.bincount(image["viewer"], minlength=15) for image in gaze.values()])
    assert lengths.shape == (700, 15)
    assert (lengths.min(), lengths.max()) == (1, 22)
    assert lengths.mean() == pytest.approx(9.36, abs=5e-3)
    assert lengths.sum(axis=1).mean() == pytest.approx(140.5, abs=0.05)
    for axis, low, high, first in (("x", 1.2, 799.2, 367.5), ("y", 1.2, 599.2, 267.4)):
        everything = np.concatenate([image[axis] for image in gaze.values()]) + 1
        np.testing.assert_allclose([everything.min(), everything.max()], [low, high], rtol=1e-6)
        np.testing.assert_allclose(everything * 10, np.rint(everything * 10), atol=1e-3)
        firsts = [image[axis][np.diff(image["viewer"], prepend=-1) != 0] for image in gaze.values()]
        assert np.concatenate(firsts).astype(float).mean() + 1 == pytest.approx(first, abs=0.05)
    twice = []
    for image in gaze.values():
        # Pixels are told by the whole part of what the file has, which counts from 1.
        pixels = np.floor(np.round(np.stack([image["x"], image["y"]]) + 1, 1))
        twice.append(pixels.shape[1] - np.unique(pixels, axis=1).shape[1])
    assert (sum(twice), np.count_nonzero(twice)) == (370, 285)


@pytest.mark.real_data
@pytest.mark.parametrize(("sigma", "score"), [(16, 4.506833), (19, 4.251286), (24, 3.897079)])
def test_real_maps_score_as_the_published_points_do(real, sigma, score):
    """Known normalised scanpath saliency of maps made as the authors make them."""
    found = examples_of(real, decoders={"image": tfds.decode.SkipDecoding()})
    blur = [
        scipy.ndimage.gaussian_filter1d(np.eye(side), sigma, mode="constant", truncate=4)
        for side in (600, 800)
    ]
    scores = {}
    for number in range(1001, 1701, 7):
        gaze = found[str(number)][1]["fixations"]
        x = np.clip(np.rint(gaze["x"] + 1), 1, 800).astype(int) - 1
        y = np.clip(np.rint(gaze["y"] + 1), 1, 600).astype(int) - 1
        y, x = np.unique([y, x], axis=1)  # the authors' maps mark a pixel once
        heat = blur[0][:, y] @ blur[1][x]
        scores[number] = ((heat - heat.mean()) / heat.std())[y, x].mean()
    if sigma == 24:
        assert scores[1001] == pytest.approx(2.651977, abs=1e-6)
    assert np.mean(list(scores.values())) == pytest.approx(score, abs=1e-6)
