import collections
import io
import tarfile

import builder_case
import numpy as np
import pytest
import requests
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.object_detection import voc

from tfds_builders.poet import entries, poet_dataset_builder

CLASSES = poet_dataset_builder._CLASSES
# VOC ids by class; one image shows a cat and a dog.
SHOWN = {name: [f"2009_0000{index:02}"] for index, name in enumerate(CLASSES)}
SHOWN["cow"] += ["2010_000077", "2011_000078"]
SHOWN["cat"] += ["2010_000099"]
SHOWN["dog"] += ["2010_000099"]
ENTRIES = [(name, voc_id) for name, ids in SHOWN.items() for voc_id in ids]
SIZE = (24, 32)
SHARE = poet_dataset_builder._TRAIN_SHARE
ABSENT = 9999.0  # what must never arrive: the left eye, the screen


def jpeg(voc_id):
    pixels = np.random.default_rng(int(voc_id[5:])).integers(0, 256, (*SIZE, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def structs(rows, shape):
    """A MATLAB struct array."""
    array = np.empty(len(rows), [(name, object) for name in rows[0]])
    for index, row in enumerate(rows):
        array[index] = tuple(row.values())
    return array.reshape(shape)


def viewer_of(points, times):
    left = {"time": np.array([[0, 1]], np.uint8), "pos": np.array([[ABSENT, np.nan]])}
    eyes = structs([{"fixR": {"time": times, "pos": points}, "fixL": left}], (1, 1))
    screen = structs([{"fixR": left, "fixL": left}], (1, 1))
    return {"scrnCoord": screen, "imgCoord": eyes}


def viewers(number):
    """Five viewers: two fixations beside the image, one viewer with one fixation, one without."""
    first = np.array([[-130.6, 2.8], [3.5, 4.5 + number], [31.9, 23.9], [32, 5]])
    nobody = np.empty((0, 0), np.uint8)
    return [
        viewer_of(first, np.array([[7, 147], [188, 319], [344, 1550], [1600, 1601]], np.uint16)),
        viewer_of(np.array([[5, 6]], np.uint8), np.array([[10, 250]], np.uint8)),
        viewer_of(nobody, nobody),
        viewer_of(np.array([[0.0, 0.0]]), np.array([[0, 100]], np.uint8)),
        viewer_of(np.array([[1.5, 24.0]]), np.array([[0, 100]], np.uint8)),
    ]


def entry(voc_id, number=0, **changed):
    dimensions = [*SIZE, 3][: 2 + number % 2]  # some have a third number
    content = {
        "filename": voc_id,
        "dimensions": np.array([dimensions], np.uint16),
        "displayOffset": np.array([[967, 493, 1467, 868]]),
        "fixations": structs(viewers(number), (1, 5)),
    }
    return content | changed


def write_gaze(root, name, rows):
    folder = root / "POETdataset/etData"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"etData_{name}.mat"
    scipy.io.savemat(path, {"etData": structs(rows, (-1, 1))})
    return path


@pytest.fixture
def original(tmp_path, monkeypatch):
    """The archive's layout with a few small images, more than half of them for training."""
    monkeypatch.setattr(poet_dataset_builder, "_TRAIN_SHARE", 0.6)
    root = tmp_path / "original"
    for name, ids in SHOWN.items():
        write_gaze(root, name, [entry(voc_id, i) for i, voc_id in enumerate(ids)])
    images = root / "POETdataset/PascalImages"
    images.mkdir()
    for name, voc_id in ENTRIES:
        (images / f"{name}_{voc_id}.jpg").write_bytes(jpeg(voc_id))
    return root


class TestPoet(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = poet_dataset_builder.Builder
    SPLITS = {"train": 11, "test": 3}


def build(data_dir, manual_dir):
    return builder_case.prepare(poet_dataset_builder.Builder(data_dir=data_dir), manual_dir)


def examples_of(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    return {
        example["image/id"].decode(): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def check_examples(builder):
    found = examples_of(builder)
    assert sorted(found) == sorted(f"{name}/{voc_id}" for name, voc_id in ENTRIES)
    for name, voc_id in ENTRIES:
        _, example = found[f"{name}/{voc_id}"]
        assert example["image"] == jpeg(voc_id)
        assert CLASSES[example["label"]] == name
        number = SHOWN[name].index(voc_id)
        gaze = example["fixations"]
        np.testing.assert_array_equal(gaze["x"], np.float32([3.5, 31.9, 5, 0]))
        np.testing.assert_array_equal(gaze["y"], np.float32([4.5 + number, 23.9, 6, 0]))
        np.testing.assert_array_equal(gaze["duration_ms"], [131, 1206, 240, 100])
        np.testing.assert_array_equal(gaze["viewer"], [0, 0, 1, 3])


def test_every_entry_comes_with_its_bytes_class_and_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    check_examples(builder)
    # Of one image a class that one; of cow's three two; of cat's and dog's two not the shared one.
    assert builder.info.splits["train"].num_examples == 9 + 2
    info = tfds.builder_from_directory(builder.data_dir).info
    assert dict(info.metadata) == {
        "sigma_px": 13.0,
        "task": "classification",
        "viewers": 28,
        "viewing_time_s": None,
        "tracker": "EyeLink 2000",
        "fixations": 4 * len(ENTRIES),
        "dropped_off_image": 3 * len(ENTRIES),
        "images_without_fixations": 0,
    }
    assert "tell two classes apart" in info.description and "Papadopoulos" in info.citation


@pytest.fixture
def voc_archives(tmp_path, monkeypatch):
    """PASCAL VOC 2012 in its own layout, with our images and one without gaze."""
    ids = sorted({voc_id for _, voc_id in ENTRIES}) + ["2008_000001"]
    lists = {"train": ids[::2], "val": ids[1::2], "test": ["2008_000002"]}
    folder = tmp_path / "voc"
    folder.mkdir()
    xml = "<annotation><size><width>32</width><height>24</height></size></annotation>"
    for name, parts in {
        "VOCtrainval_11-May-2012.tar": ("train", "val"),
        "VOC2012test.tar": ("test",),
    }.items():
        with tarfile.open(folder / name, "w") as archive:
            files = {f"ImageSets/Main/{p}.txt": "\n".join(lists[p]).encode() for p in parts}
            for part in parts:
                for voc_id in lists[part]:
                    files[f"JPEGImages/{voc_id}.jpg"] = jpeg(voc_id)
                    files[f"Annotations/{voc_id}.xml"] = xml.encode()
            for path, content in files.items():
                member = tarfile.TarInfo(f"VOCdevkit/VOC2012/{path}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(voc, "_VOC_DATA_URL", str(folder))
    return folder


def test_images_may_come_from_voc(tmp_path, original, voc_archives):
    (original / "POETdataset/PascalImages").rename(tmp_path / "elsewhere")
    check_examples(build(tmp_path, original))
    write_gaze(original, "cow", [entry("2011_000001"), entry("2011_000002")])
    pattern = r"voc/2012 in .* must hold every image with gaze; it lacks 1, first 2011_00000[12]"
    poet = tmp_path / "poet"
    poet.rename(tmp_path / "poet_before")
    assert_refused(tmp_path, original, ValueError, pattern)


def test_without_images_and_network_it_tells_what_to_do(tmp_path, original, monkeypatch):
    (original / "POETdataset/PascalImages").rename(tmp_path / "elsewhere")

    def fail(manager, urls):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", fail)
    pattern = r"cannot prepare voc/2012 \(no route\).*PascalImages/<class>_<VOC id>\.jpg"
    assert_refused(tmp_path, original, ConnectionError, pattern)


def test_split_has_the_papers_sizes_and_no_image_on_both_sides():
    sizes = [666, 536, 504, 1051, 301, 498, 1257, 480, 510, 467]
    nothing = np.empty(0)
    made = {}
    for number, (name, size) in enumerate(zip(CLASSES, sizes, strict=True)):
        ids = [f"{number}_{index}" for index in range(size)]
        ids[:15] = [f"shared_{(number // 2, index)}" for index in range(15)]
        made[name] = [entries.Entry(i, SIZE, nothing, nothing, nothing, nothing) for i in ids]
    train = poet_dataset_builder._train_ids(made)
    assert not [voc_id for voc_id in train if voc_id.startswith("shared")]
    chosen = collections.Counter(int(voc_id.split("_")[0]) for voc_id in train)
    assert sum(chosen.values()) == 441
    assert [chosen[n] for n in range(10)] == [round(size * 441 / 6270) for size in sizes]
    assert train == poet_dataset_builder._train_ids({n: e[::-1] for n, e in made.items()})


def assert_refused(data_dir, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(data_dir, manual_dir)
    assert not [path for path in (data_dir / "poet").rglob("*") if path.is_file()]


def test_missing_files_are_named(tmp_path, original):
    for name in ("cow", "sofa"):
        (original / f"POETdataset/etData/etData_{name}.mat").unlink()
    pattern = r"lacks POETdataset/etData/etData_cow\.mat, POETdataset/etData/etData_sofa\.mat\. Unp"
    assert_refused(tmp_path, original, FileNotFoundError, pattern)
    assert_refused(tmp_path, None, FileNotFoundError, "(?s)does not exist or is empty.*PascalImag")


def test_a_missing_image_is_named(tmp_path, original):
    (original / "POETdataset/PascalImages/cow_2010_000077.jpg").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"cow_2010_000077\.jpg is missing")


def test_a_corrupt_image_is_named(tmp_path, original):
    path = original / "POETdataset/PascalImages/cow_2010_000077.jpg"
    path.write_bytes(path.read_bytes()[:300])
    assert_refused(tmp_path, original, ValueError, r"cow_2010_000077\.jpg does not decode")


def test_an_image_of_another_size_is_refused(tmp_path, original):
    Image.new("RGB", (24, 32)).save(original / "POETdataset/PascalImages/cow_2010_000077.jpg")
    pattern = r"cow\.mat, image 2010_000077 gives \(height, width\) \(24, 32\), .* has \(32, 24\)"
    assert_refused(tmp_path, original, ValueError, pattern)


def test_a_coordinate_that_is_no_number_names_the_image(tmp_path, original):
    broken = viewers(0)
    broken[1] = viewer_of(np.array([[5, np.inf]]), np.array([[1, 2]]))
    ids = SHOWN["cow"]
    rows = [entry(ids[0]), entry(ids[1], fixations=structs(broken, (1, 5))), entry(ids[2])]
    write_gaze(original, "cow", rows)
    pattern = r"cow\.mat, image 2010_000077: `y` must be finite; fixation 4 has inf"
    assert_refused(tmp_path, original, ValueError, pattern)


@pytest.mark.parametrize(
    ("changed", "pattern"),
    [
        ({"fixations": np.ones((1, 5))}, "entry 1 must be a struct"),
        ({"dimensions": np.array([[24]])}, "entry 1 must be a struct"),
        ({"filename": "2009_000000"}, "image 2009_000000 must occur once; entry 1 repeats"),
        (
            {"fixations": structs([viewer_of(np.ones((2, 3)), np.ones((2, 2)))], (1, 1))},
            r"entry 1 .*`pos` of viewer 0 must be numbers in rows of x and y; got float64 \(2, 3\)",
        ),
        (
            {"fixations": structs([viewer_of(np.ones((2, 2)), np.ones((1, 2)))], (1, 1))},
            "entry 1 .*viewer 0 has 2 positions, 1 times",
        ),
    ],
    ids=["numbers", "one side", "twice", "three columns", "lengths"],
)
def test_another_structure_is_refused(tmp_path, changed, pattern):
    rows = [entry("2009_000000"), entry("2009_000001", **changed)]
    with pytest.raises(ValueError, match=rf"etData_cow\.mat: {pattern}"):
        entries.read_entries(write_gaze(tmp_path, "cow", rows))


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    path = write_gaze(tmp_path, "cow", [entry("2009_000000")])
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ValueError, match=r"cow\.mat must be a MATLAB 5 file with .* `etData`"):
        entries.read_entries(path)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "count"), [("aeroplane", 666), ("cow", 301)])
def test_real_files(shared_data, name, count):
    """The reader against the same file in SciPy's other form, and against the screen."""
    path = shared_data / f"poet/etData_{name}.mat"
    found = entries.read_entries(path)
    content = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["etData"]
    assert [entry.voc_id for entry in found] == [row.filename for row in content]
    assert len(found) == count
    residuals = []
    for entry_, row in zip(found, content, strict=True):
        assert entry_.size == tuple(row.dimensions[:2])
        eyes = [viewer.imgCoord.fixR for viewer in row.fixations]
        points = np.concatenate([np.reshape(eye.pos, (-1, 2)) for eye in eyes])
        times = np.concatenate([np.reshape(eye.time, (-1, 2)).astype(int) for eye in eyes])
        np.testing.assert_array_equal(np.stack([entry_.x, entry_.y], axis=1), points)
        np.testing.assert_array_equal(entry_.duration_ms, times[:, 1] - times[:, 0])
        lengths = [np.size(eye.pos) // 2 for eye in eyes]
        np.testing.assert_array_equal(np.bincount(entry_.viewer, minlength=5), lengths)
        screen = [np.reshape(v.scrnCoord.fixR.pos, (-1, 2)) for v in row.fixations]
        on_image = (np.concatenate(screen) - row.displayOffset[:2]) / row.imScalingFactor
        residuals.append(np.abs(on_image - points).max())
    if name != "cow":  # where the place on the screen is right for one viewer only
        assert max(residuals) < 1e-9


@pytest.mark.real_data
def test_real_counts_with_stand_in_images(tmp_path, shared_data, original, monkeypatch):
    """The two public files; grey pictures of the right size stand in for the photographs."""
    monkeypatch.setattr(poet_dataset_builder, "_TRAIN_SHARE", SHARE)
    images = original / "POETdataset/PascalImages"
    kept, everything, fewest = 0, 0, []
    for name in ("aeroplane", "cow"):
        path = shared_data / f"poet/etData_{name}.mat"
        target = original / f"POETdataset/etData/etData_{name}.mat"
        target.unlink()
        target.symlink_to(path)
        for entry_ in entries.read_entries(path):
            height, width = entry_.size
            grey = tmp_path / f"{width}x{height}.jpg"
            if not grey.exists():
                Image.new("L", (width, height)).save(grey)
            (images / f"{name}_{entry_.voc_id}.jpg").hardlink_to(grey)
            inside = (entry_.x >= 0) & (entry_.x < width) & (entry_.y >= 0) & (entry_.y < height)
            kept += inside.sum()
            everything += inside.size
            fewest.append(inside.sum())
    assert min(fewest) >= 7
    others = [pair for pair in ENTRIES if pair[0] not in ("aeroplane", "cow")]
    builder = build(tmp_path, original)
    metadata = builder.info.metadata
    assert metadata["fixations"] - 4 * len(others) == kept == 16_081
    assert metadata["dropped_off_image"] - 3 * len(others) == everything - kept == 4_144
    assert builder.info.splits["train"].num_examples == 47 + 21
    assert builder.info.splits.total_num_examples == 666 + 301 + len(others)
