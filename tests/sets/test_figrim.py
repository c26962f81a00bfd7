import hashlib
import os
import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.figrim import figrim_dataset_builder
from tfds_builders.figrim.viewings import read_viewings

CATEGORIES = ("airport_terminal", "bathroom")
NAMES = {f"sun_{index}": CATEGORIES[index % 2] for index in range(10)}
GAZE = "targetData/allImages_release.mat"
NOTHING = np.empty((0, 0))


def cell_row(items):
    """A 1xn array of objects, which SciPy writes as a struct array if they are dictionaries."""
    cells = np.empty((1, len(items)), object)
    cells[0] = items
    return cells


def struct_row(items):
    """A 1xn MATLAB struct array."""
    array = np.empty((1, len(items)), [(name, object) for name in items[0]])
    for index, item in enumerate(items):
        array[0, index] = tuple(item.values())
    return array


def person(enc=NOTHING, rec=NOTHING, rec2=NOTHING, trial=7.0):
    fixations = {"enc": enc, "rec": rec, "rec2": rec2}
    return {"trial": trial, "SDT": np.array([[4, 1, 1]]), "fixations": fixations}


def people_of(index):
    """Four people: whole numbers, one who never saw the image, one who looked beside it."""
    return [
        person(np.array([[3, 4], [30, 20]], np.uint16), np.array([[1.5, 2.5]])),
        {"trial": NOTHING, "SDT": NOTHING, "fixations": NOTHING},
        person(np.array([[index + 1.25, 9.5], [0.4, 9.5], [0.5, 9.5]]), rec2=np.ones((3, 2))),
        person(rec=np.array([[8.0, 8.0]])),
    ]


def image_struct(name, people):
    return {
        "filename": f"{name}.jpg",
        "category": NAMES[name],
        "impath": f"Targets/{NAMES[name]}/{name}.jpg",
        "userdata": struct_row(people),
    }


def write_gaze(root, structs):
    (root / GAZE).parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / GAZE, {"allImages": structs}, do_compression=True)


@pytest.fixture
def original(tmp_path):
    """Ten images of two categories and their gaze in the authors' layout."""
    root = tmp_path / "original"
    rng = np.random.default_rng(0)
    for name, category in NAMES.items():
        (root / "Targets" / category).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(root / "Targets" / category / f"{name}.jpg")
    structs = [image_struct(name, people_of(index)) for index, name in enumerate(NAMES)]
    write_gaze(root, struct_row(structs))
    return root


class TestFigrim(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = figrim_dataset_builder.Builder
    SPLITS = {"train": 8, "test": 2}
    BUILDER_CONFIG_NAMES_TO_TEST = ["targets"]


def build(tmp_path, manual_dir, config="targets"):
    return builder_case.prepare(
        figrim_dataset_builder.Builder(config=config, data_dir=tmp_path / "sets"), manual_dir
    )


def test_images_gaze_categories_and_counts(tmp_path, original):
    builder = build(tmp_path, original)
    assert builder.info.features["label"].names == list(CATEGORIES)
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    found = {}
    for split in splits:
        labels = []
        for example in tfds.as_numpy(splits[split]):
            name = example["image/id"].decode()
            path = original / "Targets" / NAMES[name] / f"{name}.jpg"
            assert example["image"] == path.read_bytes()
            assert CATEGORIES[example["label"]] == NAMES[name]
            labels.append(example["label"])
            found[name] = example["fixations"]
        # Four and one of each category.
        assert np.bincount(labels).tolist() == {"train": [4, 4], "test": [1, 1]}[split]
    assert set(found) == set(NAMES)
    for index, name in enumerate(NAMES):
        np.testing.assert_array_equal(found[name]["x"], np.float32([2, 29, index + 0.25, 0]))
        np.testing.assert_array_equal(found[name]["y"], np.float32([3, 19, 8.5, 8.5]))
        np.testing.assert_array_equal(found[name]["viewer"], [0, 0, 2, 2])
        np.testing.assert_array_equal(found[name]["duration_ms"], [-1] * 4)
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 33.79,
        "task": "memory",
        "viewers": 16,
        "viewing_time_s": None,
        "tracker": "EyeLink 1000",
        "fixations": 40,
        "dropped_off_image": 10,
        "images_without_fixations": 0,
        "dropped_repeated_viewings": 50,
    }
    assert "try to remember" in restored.description
    assert "Vision Research" in restored.citation


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/figrim/targets").rglob("*") if path.is_file()]


def test_a_corrupt_image_is_named_and_nothing_is_left(tmp_path, original):
    path = original / "Targets/bathroom/sun_3.jpg"
    path.write_bytes(path.read_bytes()[:300])
    assert_refused(tmp_path, original, ValueError, r"sun_3\.jpg does not decode")


@pytest.mark.parametrize(
    ("structs", "pattern"),
    [
        (np.ones((3, 2)), "image 0 must be a struct of `filename`"),
        (struct_row([{"filename": "a.jpg"}]), "image 0 must be.*category|userdata"),
        (
            struct_row([image_struct("sun_0", [person(np.ones((2, 3)))])]),
            "image 0 must.*enc of person 0 must be numbers in rows of x and y; got float64",
        ),
        (
            struct_row([image_struct("sun_0", people_of(0))] * 2),
            "image sun_0 must occur once; image 1 repeats it",
        ),
        (
            struct_row([image_struct("sun_0", [person(np.array([[1, 2], [np.nan, 3]]))])]),
            r"image sun_0: `x` must be finite; fixation 1 has nan",
        ),
    ],
    ids=["numbers", "fields", "columns", "twice", "nan"],
)
def test_another_structure_is_refused(tmp_path, original, structs, pattern):
    write_gaze(original, structs)
    assert_refused(tmp_path, original, ValueError, rf"allImages_release\.mat.*{pattern}")


@pytest.mark.parametrize("damage", ["cut", "other variable"])
def test_a_file_that_is_not_the_gaze_file_is_refused(original, damage):
    path = original / GAZE
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        scipy.io.savemat(path, {"something": 1})
    with pytest.raises(ValueError, match="must be a MATLAB 5 file with the variable `allImages`"):
        read_viewings(path)


@pytest.fixture
def public(tmp_path, original, monkeypatch):
    """Makes local files take the place of the two addresses; returns the archive."""
    archive = tmp_path / "Targets.zip"
    shutil.make_archive(str(archive.with_suffix("")), "zip", original, "Targets")
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    images = {"targets": originals.Published(str(archive), digest, "Targets")}
    gaze = {"targets": originals.Published(str(original / GAZE))}
    monkeypatch.setattr(figrim_dataset_builder, "_IMAGES", images)
    monkeypatch.setattr(figrim_dataset_builder, "_GAZE", gaze)
    return archive


def test_without_a_copy_it_downloads(tmp_path, public):
    builder = build(tmp_path, None)
    assert builder.info.splits["train"].num_examples == 8
    assert builder.info.metadata["fixations"] == 40


def test_an_altered_archive_is_refused(tmp_path, public):
    public.write_bytes(public.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"Targets\.zip\) must have the MD5 .*; got [0-9a-f]{32}"):
        build(tmp_path, None)


def test_gaze_files_have_checksums():
    listed = figrim_dataset_builder.Builder.url_infos
    sizes = {
        name: int(listed[published.url].size)
        for name, published in figrim_dataset_builder._GAZE.items()
    }
    assert sizes == {"fillers": 3_655_090, "targets": 3_249_502}


@pytest.fixture(scope="module")
def raw(shared_data):
    """The real gaze of the targets, as SciPy reads it."""
    path = shared_data / "figrim/allImages_release.mat"
    return scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["allImages"]


@pytest.fixture(scope="module")
def real(shared_data, raw, tmp_path_factory):
    """A build of the real gaze, with grey stand-ins of the right size for the images."""
    root = tmp_path_factory.mktemp("figrim")
    stand_in = root / "grey.jpg"
    Image.new("RGB", (1000, 1000), (128, 128, 128)).save(stand_in)
    (root / GAZE).parent.mkdir()
    os.symlink(shared_data / "figrim/allImages_release.mat", root / GAZE)
    for struct in raw:
        image = root / struct.impath
        image.parent.mkdir(parents=True, exist_ok=True)
        os.link(stand_in, image)
    return build(root, root)


@pytest.mark.real_data
def test_real_counts(real, raw):
    scanpaths = {"enc": [], "rec": [], "rec2": []}
    for image in raw:
        for seen in image.userdata:
            for name in scanpaths if np.size(seen.trial) else ():
                if np.size(points := getattr(seen.fixations, name)):
                    scanpaths[name].append(np.reshape(points, (-1, 2)))
    counts = {name: len(paths) for name, paths in scanpaths.items()}
    assert counts == {"enc": 10_086, "rec": 10_067, "rec2": 9_859}
    enc, repeated = np.concatenate(scanpaths["enc"]), [*scanpaths["rec"], *scanpaths["rec2"]]
    metadata = real.info.metadata
    assert metadata["dropped_off_image"] == np.count_nonzero((enc < 0.5).any(axis=1))
    assert metadata["dropped_repeated_viewings"] == sum(map(len, repeated))
    kept = metadata["fixations"] + metadata["dropped_off_image"]
    assert kept + metadata["dropped_repeated_viewings"] == 182_535
    assert len(real.info.features["label"].names) == 21
    skip = {"image": tfds.decode.SkipDecoding()}
    examples = [*tfds.as_numpy(real.as_dataset("train+test", decoders=skip))]
    assert len({example["image/id"] for example in examples}) == 630
    people = [len(np.unique(example["fixations"]["viewer"])) for example in examples]
    assert round(np.mean(people)) == metadata["viewers"]
    x = np.concatenate([example["fixations"]["x"] for example in examples]).astype(np.float64)
    inside = enc[(enc >= 0.5).all(axis=1)]
    assert x.mean() == pytest.approx((inside[:, 0] - 1).mean(), abs=1e-3)
