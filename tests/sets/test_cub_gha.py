import collections
import io
import shutil
import sys
import tarfile
import types

import builder_case
import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.image_classification import caltech_birds

from tfds_builders.cub_gha import cub_gha_dataset_builder
from tfds_builders.cub_gha.recordings import read_run

# id: (class folder, file, width, height, in train); ids and classes have gaps as in a cut copy.
IMAGES = {
    7: ("009.Brewer_Blackbird", "Brewer_Blackbird_0001_1.jpg", 50, 30, 1),
    8: ("009.Brewer_Blackbird", "Brewer_Blackbird_0002_2.jpg", 31, 44, 0),
    31: ("012.Yellow_headed_Blackbird", "Yellow_0001_3.jpg", 40, 40, 1),
    40: ("035.Purple_Finch", "Purple_Finch_0001_4.jpg", 33, 21, 0),
    41: ("035.Purple_Finch", "Purple_Finch_0002_5.jpg", 20, 25, 1),
}
RUNS = {
    1: ["7,50,30,1,2,100,49,29,200", "31,40,40,5,6,200", "40,33,21,3,4,150"],
    2: [
        "7,50,30,10,11,300",
        "999,60,60,1,1,170,2,2,180",  # an image that the copy does not have
        "8,31,44,7,7,180,8,9,190",  # its first fixation is carried over from that one
        "40,33,21,1,1,191,30,20,77",
        "40,33,21,2,2,78",  # shown again
    ],
    3: ["31,40,40,1,1,60", "41,20,25,19,24,60", "7,50,30,4,4,60,5,5,60"],
    4: ["8,31,44,30,43,500"],
    5: ["8,31,44,31,43,501,3,44,502,1,1,503"],  # two points beside the image
}
# image id: x, y, duration, viewer of what is to be kept; worked out by hand.
EXPECTED = {
    7: [(1, 2, 100, 0), (49, 29, 200, 0), (10, 11, 300, 1), (5, 5, 60, 2)],
    8: [(8, 9, 190, 1), (30, 43, 500, 3), (1, 1, 503, 4)],
    31: [(1, 1, 60, 2)],
    40: [(3, 4, 150, 0), (1, 1, 191, 1), (30, 20, 77, 1), (2, 2, 78, 1)],
    41: [],
}
CARRIED_OVER, OFF_IMAGE = 4, 2


def write_list(path, values):
    path.write_text("".join(f"{key} {value}\n" for key, value in values.items()))


def write_run(root, number, lines):
    (root / "data_5runs").mkdir(exist_ok=True)
    content = "".join(f"{line}\r\n" for line in lines)
    (root / f"data_5runs/Fixation_run{number}.txt").write_bytes(content.encode())


@pytest.fixture
def original(tmp_path):
    """A copy of CUB-200-2011 cut to three classes, and five recordings."""
    root = tmp_path / "original"
    cub = root / "CUB_200_2011"
    rng = np.random.default_rng(0)
    for folder, file, width, height, _ in IMAGES.values():
        (cub / "images" / folder).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(cub / "images" / folder / file)
    write_list(cub / "images.txt", {key: f"{v[0]}/{v[1]}" for key, v in IMAGES.items()})
    write_list(cub / "image_class_labels.txt", {key: int(v[0][:3]) for key, v in IMAGES.items()})
    write_list(cub / "train_test_split.txt", {key: v[4] for key, v in IMAGES.items()})
    folders = sorted({v[0] for v in IMAGES.values()} | {"013.Bobolink"})  # no image of the last
    write_list(cub / "classes.txt", {int(folder[:3]): folder for folder in folders})
    for number, lines in RUNS.items():
        write_run(root, number, lines)
    return root


class TestCubGha(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = cub_gha_dataset_builder.Builder
    SPLITS = {"train": 3, "test": 2}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        cub_gha_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def examples_of(builder, **options):
    splits = builder.as_dataset(**options)
    return {
        int(example["image/id"]): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def rows_of(example):
    gaze = example["fixations"]
    columns = [gaze[name] for name in ("x", "y", "duration_ms", "viewer")]
    return list(zip(*columns, strict=True))


def test_every_image_comes_with_its_bytes_class_and_split(tmp_path, original):
    builder = build(tmp_path, original)
    found = examples_of(builder, decoders={"image": tfds.decode.SkipDecoding()})
    assert sorted(found) == sorted(IMAGES)
    names = ["009.Brewer_Blackbird", "012.Yellow_headed_Blackbird", "035.Purple_Finch"]
    for key, (folder, file, _, _, in_train) in IMAGES.items():
        split, example = found[key]
        path = original / "CUB_200_2011/images" / folder / file
        assert example["image"] == path.read_bytes()
        assert split == ("train" if in_train else "test")
        assert example["label"] == names.index(folder)


def test_recordings_are_joined_without_carried_over_fixations(tmp_path, original):
    found = examples_of(build(tmp_path, original))
    assert {key: rows_of(example) for key, (_, example) in found.items()} == EXPECTED


def test_classes_and_counts_are_stored_with_the_set(tmp_path, original):
    builder = build(tmp_path, original)
    names = ["009.Brewer_Blackbird", "012.Yellow_headed_Blackbird", "035.Purple_Finch"]
    again = cub_gha_dataset_builder.Builder(data_dir=tmp_path / "sets")
    for info in (again.info, tfds.builder_from_directory(builder.data_dir).info):
        assert info.features["label"].names == names
        assert info.features["label"].num_classes == 3
        assert dict(info.metadata) == {
            "sigma_px": 20.0,
            "task": "classification",
            "viewers": 5,
            "viewing_time_s": None,
            "tracker": None,
            "fixations": sum(len(rows) for rows in EXPECTED.values()),
            "dropped_carried_over": CARRIED_OVER,
            "dropped_off_image": OFF_IMAGE,
            "images_without_fixations": 1,
        }
        assert "bounding box" in info.description
        assert "Caltech-UCSD" in info.citation


def test_supervised_pairs_are_image_and_label(tmp_path, original):
    pairs = list(build(tmp_path, original).as_dataset(split="test", as_supervised=True))
    assert sorted(int(label) for _, label in pairs) == [0, 2]
    assert {tuple(image.shape) for image, _ in pairs} == {(44, 31, 3), (21, 33, 3)}


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    assert not [path for path in (tmp_path / "sets/cub_gha").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("7,50,30,1,2,nan", "must hold integers between commas .*nan"),
        ("7,50,30,1,2,3.5", "must hold integers between commas .*3.5"),
        ("", "must hold integers"),
        ("7,50,30,1,\xe9,3", "must hold integers"),
        ("7,50,30,1,2", "must be id,width,height and then.*; got 5 numbers"),
        ("7,50,30", "must be id,width,height and then.*; got 3 numbers"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, original, line, pattern):
    write_run(original, 3, [RUNS[3][0], line, RUNS[3][1]])
    assert_refused(tmp_path, original, ValueError, rf"Fixation_run3\.txt, line 2 {pattern}")


def test_gaze_on_an_image_of_another_size_is_refused(tmp_path, original):
    write_run(original, 4, ["31,40,40,1,1,90", "8,44,31,30,30,500"])
    pattern = r"run4\.txt, line 2 gives \(height, width\) \(31, 44\), the image has \(44, 31\)"
    assert_refused(tmp_path, original, ValueError, pattern)


def test_a_missing_recording_is_named(tmp_path, original):
    (original / "data_5runs/Fixation_run5.txt").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"missing: data_5runs/Fixation_run5\.txt")


def test_a_missing_list_is_named(tmp_path, original):
    (original / "CUB_200_2011/classes.txt").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"missing: CUB_200_2011/classes\.txt")


def test_a_missing_image_is_named(tmp_path, original):
    (original / "CUB_200_2011/images/035.Purple_Finch/Purple_Finch_0001_4.jpg").unlink()
    assert_refused(tmp_path, original, FileNotFoundError, r"Purple_Finch_0001_4\.jpg is missing")


def test_a_corrupt_image_is_named(tmp_path, original):
    path = original / "CUB_200_2011/images/035.Purple_Finch/Purple_Finch_0002_5.jpg"
    path.write_bytes(path.read_bytes()[:400])
    assert_refused(tmp_path, original, ValueError, r"Purple_Finch_0002_5\.jpg does not decode")


@pytest.mark.parametrize("name", ["image_class_labels", "train_test_split"])
def test_an_image_that_a_list_lacks_is_named(tmp_path, original, name):
    path = original / f"CUB_200_2011/{name}.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert_refused(tmp_path, original, ValueError, r"image 7 of images\.txt must have a class")


def test_a_malformed_list_names_the_line(tmp_path, original):
    path = original / "CUB_200_2011/image_class_labels.txt"
    path.write_text(path.read_text().replace("31 12\n", "31\n"))
    assert_refused(tmp_path, original, ValueError, r"image_class_labels\.txt, line 3 must be a")


def test_a_half_that_is_not_there_is_downloaded(tmp_path, original, monkeypatch):
    """Local files take the place of the public addresses: CUB's archive and the recordings."""
    archive = shutil.make_archive(str(tmp_path / "cub"), "gztar", original, "CUB_200_2011")
    monkeypatch.setattr(cub_gha_dataset_builder, "_CUB_URL", archive)
    monkeypatch.setattr(cub_gha_dataset_builder, "_RUN_URL", str(original))
    for half in ("CUB_200_2011", "data_5runs"):
        manual = tmp_path / f"with_{half}"
        shutil.copytree(original / half, manual / half)
        builder = build(tmp_path / half, manual)
        found = examples_of(builder)
        assert {key: rows_of(example) for key, (_, example) in found.items()} == EXPECTED


@pytest.fixture
def caltech(tmp_path, original, monkeypatch):
    """`caltech_birds2011` of the same images, which TFDS prepares; of CUB a list remains."""
    cub = original / "CUB_200_2011"
    archive = shutil.make_archive(str(tmp_path / "cub"), "gztar", original, "CUB_200_2011")
    boxes = "".join(f"{key} 1 1 9 9\n" for key in IMAGES)
    with tarfile.open(tmp_path / "whole.tgz", "w:gz") as whole, tarfile.open(archive) as packed:
        for member in packed:
            whole.addfile(member, packed.extractfile(member) if member.isfile() else None)
        member = tarfile.TarInfo("CUB_200_2011/bounding_boxes.txt")
        member.size = len(boxes)
        whole.addfile(member, io.BytesIO(boxes.encode()))
    masks = tmp_path / "masks"
    for folder, file, width, height, _ in IMAGES.values():
        (masks / folder).mkdir(parents=True, exist_ok=True)
        Image.new("L", (width, height)).save(masks / folder / f"{file[:-4]}.png")
    packed_masks = shutil.make_archive(str(tmp_path / "segmentations"), "gztar", masks)
    # Pillow takes the place of OpenCV, which decodes the masks.
    opened = types.SimpleNamespace(
        imdecode=lambda content, flags: np.array(Image.open(io.BytesIO(content.tobytes())))
    )
    monkeypatch.setitem(sys.modules, "cv2", opened)
    urls = types.SimpleNamespace(
        images_url=str(tmp_path / "whole.tgz"), segmentations_url=packed_masks
    )
    monkeypatch.setattr(caltech_birds.CaltechBirds2011, "_caltech_birds_info", urls)
    lone = tmp_path / "lone"
    (lone / "CUB_200_2011").mkdir(parents=True)
    shutil.copy(cub / "images.txt", lone / "CUB_200_2011")
    shutil.copytree(original / "data_5runs", lone / "data_5runs")
    return lone


def test_images_may_be_those_of_the_tfds_set(tmp_path, original, caltech):
    direct = examples_of(build(tmp_path / "direct", original))
    builder = build(tmp_path, caltech)
    found = examples_of(builder, decoders={"image": tfds.decode.SkipDecoding()})
    assert {key: rows_of(example) for key, (_, example) in found.items()} == EXPECTED
    for key, (folder, file, *_) in IMAGES.items():
        split, example = found[key]
        path = original / "CUB_200_2011/images" / folder / file
        assert example["image"] == path.read_bytes()
        assert (split, example["label"]) == (direct[key][0], direct[key][1]["label"])
    assert builder.info.features["label"].names[1] == "012.Yellow_headed_Blackbird"
    assert builder.info.metadata["dropped_carried_over"] == CARRIED_OVER


def test_a_list_that_lacks_an_image_of_the_tfds_set_is_refused(tmp_path, caltech):
    path = caltech / "CUB_200_2011/images.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    pattern = r"images\.txt must name every image of caltech_birds2011; it lacks 009\.Brewer"
    assert_refused(tmp_path, caltech, ValueError, pattern)
    path.write_text("7 nowhere.jpg\n")
    assert_refused(tmp_path, caltech, ValueError, r"images\.txt: image 7 must be <class>/<file>")


def test_without_network_the_tfds_set_tells_what_to_do(tmp_path, caltech, monkeypatch):
    def fail(manager, urls):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    pattern = r"cannot prepare caltech_birds2011 \(no route\).*CUB_200_2011/ \(unpacked from"
    assert_refused(tmp_path, caltech, ConnectionError, pattern)


def test_every_public_file_has_a_checksum():
    module = cub_gha_dataset_builder
    listed = module.Builder.url_infos
    urls = [module._CUB_URL, *(f"{module._RUN_URL}/{run}" for run in module._RUNS)]
    assert set(listed) == set(urls)
    assert [listed[url].checksum[:8] for url in urls] == [
        "0c685df5",
        "9386b8cf",
        "dadfcc9e",
        "ba9e9585",
        "144ddc6b",
        "04a6c8e8",
    ]


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    return build(tmp_path_factory.mktemp("cub_gha"), shared_data / "cub_gha")


def recount(folder):
    """Kept and carried-over fixations of the images in `folder`, counted another way."""
    ids = {line.split()[0] for line in (folder / "CUB_200_2011/images.txt").open()}
    kept, carried = collections.Counter(), 0
    for path in (folder / "data_5runs").glob("*.txt"):
        fields = [line.split(",") for line in path.read_text().split()]
        for before, line in zip([None, *fields], fields, strict=False):
            if line[0] in ids:
                first = before is not None and before[-1] == line[5]
                carried += first
                kept[int(line[0])] += len(line) // 3 - 1 - first
    return kept, carried


@pytest.mark.real_data
def test_real_counts(real, shared_data):
    found = examples_of(real, decoders={"image": tfds.decode.SkipDecoding()})
    splits = [split for split, _ in found.values()]
    assert (splits.count("train"), splits.count("test")) == (420, 394)
    labels = [int(example["label"]) for _, example in found.values()]
    assert sorted(set(labels)) == list(range(14))
    classes = (shared_data / "cub_gha/CUB_200_2011/classes.txt").read_text().split()[1::2]
    assert real.info.features["label"].names == classes
    kept, carried = recount(shared_data / "cub_gha")
    assert {key: len(rows_of(example)) for key, (_, example) in found.items()} == kept
    assert real.info.metadata["fixations"] == sum(kept.values())
    assert real.info.metadata["dropped_carried_over"] == carried
    assert real.info.metadata["dropped_off_image"] == 0


@pytest.mark.real_data
def test_run_files_have_the_known_lines_and_fixations(shared_data):
    """Facts of the five files as a whole, on all 11,788 images."""
    ids = range(1, 11789)
    paths = sorted((shared_data / "cub_gha/data_5runs").glob("Fixation_run?.txt"))
    runs = [read_run(path, ids) for path in paths]
    lines = [sum(map(len, run.values())) for run in runs]
    assert lines == [11_634, 11_721, 11_747, 11_601, 11_786]
    assert len(runs[0]) == 10_556
    assert collections.Counter(len(shown) > 1 for shown in runs[0].values())[True] == 699
    recordings = [[r for shown in run.values() for r in shown] for run in runs]
    counts = [sum(len(r.triples) + r.carried_over for r in part) for part in recordings]
    assert counts == [83_671, 80_805, 76_936, 98_750, 102_467] and sum(counts) == 442_629
    seen = collections.Counter(key for run in runs for key in run)
    assert collections.Counter(seen.values()) == {5: 10_293, 4: 1_461, 3: 34}
    shares = [sum(r.carried_over for r in part) / len(part) for part in recordings]
    assert shares[0] < 0.003 and all(0.655 < share < 0.715 for share in shares[1:])
    heights, widths = np.array([r.size for part in recordings for r in part]).T
    assert (widths.min(), widths.max(), heights.min(), heights.max()) == (121, 500, 120, 500)
    text = [path.read_text().split() for path in paths]
    triples = [line.split(",")[3:] for part in text for line in part]
    x, y, duration = np.array([int(n) for line in triples for n in line]).reshape(-1, 3).T
    assert (x.min(), x.max(), y.min(), y.max()) == (0, 499, 16, 475)
    assert (duration.min(), duration.max()) == (60, 9363)
    assert np.count_nonzero(duration >= 100) == 429_887
    lengths = [len(line) // 3 for line in triples]
    assert (min(lengths), max(lengths)) == (1, 23)


@pytest.mark.real_data
def test_real_gaze_lies_inside_the_birds_box(real, shared_data):
    """The known filter of the release: a wrong join or swapped axes would break it."""
    boxes = {}
    for line in (shared_data / "cub_gha/CUB_200_2011/bounding_boxes.txt").open():
        key, *box = line.split()
        boxes[int(key)] = [float(value) for value in box]
    for key, (_, example) in examples_of(
        real, decoders={"image": tfds.decode.SkipDecoding()}
    ).items():
        left, top, width, height = boxes[key]
        gaze = example["fixations"]
        assert (gaze["x"] >= left - 1).all() and (gaze["x"] <= left + width + 1).all()
        assert (gaze["y"] >= top - 1).all() and (gaze["y"] <= top + height + 1).all()
