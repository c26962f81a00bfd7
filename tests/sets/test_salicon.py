import collections
import hashlib
import json
import pickle
import shutil
import tracemalloc

import builder_case
import h5py
import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import originals
from tfds_builders.salicon import salicon_dataset_builder
from tfds_builders.salicon.annotations import find_annotations, read_annotations
from tfds_builders.salicon.pieces import Pieces

WIDTH, HEIGHT = 40, 30
STEMS = {
    part: [f"COCO_{part}2014_{number:012}" for number in range(3)]
    for part in ("train", "val", "test")
}
# x, y as the files have them, from 1; the last point of the second person is beside the image.
PEOPLE = [[[1, 1], [40, 30]], [[20, 10], [41, 3]], []]
EXPECTED = {"x": [0, 39, 19], "y": [0, 29, 9], "duration_ms": [-1, -1, -1]}


def structs(people):
    """A 1xn MATLAB struct array with the fields of the original."""
    array = np.empty(
        (1, len(people)), [(n, object) for n in ("location", "timestamp", "fixations")]
    )
    for index, points in enumerate(people):
        array[0, index] = (np.ones((5, 2)), np.arange(5.0)[:, None], np.array(points, np.float64))
    return array


def annotation_file(stems, people=PEOPLE):
    """SALICON's JSON; the annotations of one image do not stand together."""
    images = [
        {"id": 100 + n, "file_name": f"{stem}.jpg", "height": HEIGHT, "width": WIDTH}
        for n, stem in enumerate(stems)
    ]
    annotations = [
        {"image_id": image["id"], "worker_id": 7 + person, "id": person, "fixations": yx}
        for person, points in enumerate(people)
        for image in images
        for yx in [[[y, x] for x, y in points]]
    ]
    licences = [{"name": 'é "]}{[ \\', "id": 1}]
    return {"info": {}, "images": images, "licenses": licences, "annotations": annotations}


@pytest.fixture
def original(tmp_path):
    """Three images for each split, with their gaze in all three forms."""
    root = tmp_path / "original"
    rng = np.random.default_rng(0)
    (root / "annotations").mkdir(parents=True)
    for part, stems in STEMS.items():
        (root / "images" / part).mkdir(parents=True)
        for stem in stems:
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            Image.fromarray(pixels).save(root / "images" / part / f"{stem}.jpg")
        if part == "test":
            continue
        for release in ("2015", "2017"):
            (root / f"fixations_{release}" / part).mkdir(parents=True)
            for stem in stems:
                content = {"image": stem, "gaze": structs(PEOPLE)}
                scipy.io.savemat(root / f"fixations_{release}/{part}/{stem}.mat", content)
        text = json.dumps(annotation_file(stems), ensure_ascii=False, indent=1)
        (root / f"annotations/fixations_{part}2014.json").write_text(text, encoding="utf-8")
    return root


class TestSalicon(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = salicon_dataset_builder.Builder
    SPLITS = {"train": 3, "validation": 3, "test": 3}


def build(tmp_path, manual_dir, config, **options):
    return builder_case.prepare(
        salicon_dataset_builder.Builder(config=config, data_dir=tmp_path / "sets"),
        manual_dir,
        **options,
    )


def examples_of(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    return {
        (split, example["image/id"].decode()): example
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def check(builder, original, viewer):
    """Compares a build of `original` with what its files say."""
    found = examples_of(builder)
    parts = {"train": "train", "validation": "val", "test": "test"}
    assert set(found) == {(split, stem) for split, part in parts.items() for stem in STEMS[part]}
    for (split, stem), example in found.items():
        path = original / "images" / parts[split] / f"{stem}.jpg"
        assert example["image"] == path.read_bytes()
        expected = dict.fromkeys([*EXPECTED, "viewer"], [])
        if split != "test":
            expected = EXPECTED | {"viewer": viewer}
        for name, values in expected.items():
            np.testing.assert_array_equal(example["fixations"][name], values)
    counts = {"fixations": 18, "dropped_off_image": 6, "images_without_fixations": 0}
    assert counts.items() <= builder.info.metadata.items()


@pytest.mark.parametrize(("config", "viewer"), [("2017", [0, 0, 1]), ("2014", [7, 7, 8])])
def test_images_come_with_their_gaze(tmp_path, original, config, viewer):
    builder = build(tmp_path, original, config)
    check(builder, original, viewer)
    info = tfds.builder_from_directory(builder.data_dir).info
    assert info.metadata["sigma_px"] == 19
    assert (info.metadata["task"], info.metadata["viewers"]) == ("free viewing", "crowd")
    assert info.metadata["splits_without_gaze"] == ["test"]
    assert "with the mouse" in info.description
    assert "Saliency in Context" in info.citation


@pytest.mark.parametrize("config", ["2015", "2014"])
def test_beam_makes_the_same_examples(tmp_path, original, config):
    pytest.importorskip("apache_beam")
    plain = examples_of(build(tmp_path / "plain", original, config))
    builder = build(tmp_path / "beam", original, config, beam_runner="DirectRunner")
    check(builder, original, [0, 0, 1] if config == "2015" else [7, 7, 8])
    for key, example in examples_of(builder).items():
        assert example["image"] == plain[key]["image"]
        for name, column in example["fixations"].items():
            np.testing.assert_array_equal(column, plain[key]["fixations"][name])


@pytest.mark.parametrize("config", ["2015", "2014"])
def test_records_survive_the_way_to_a_beam_worker(original, config):
    if config == "2015":
        folders = original / "images/train", original / "fixations_2015/train"
        record = salicon_dataset_builder._mat_records(*folders)[1]
    else:
        files = original / "images/train", original / "annotations/fixations_train2014.json"
        record = salicon_dataset_builder._json_records(*files)[1]
    work = pickle.dumps((salicon_dataset_builder.make_example, record))
    assert len(work) < 2000
    make, copy = pickle.loads(work)
    key, example, counts = make(copy)
    assert key == STEMS["train"][1]
    np.testing.assert_array_equal(example["fixations"]["x"], EXPECTED["x"])
    assert counts == {"fixations": 3, "dropped_off_image": 1, "images_without_fixations": 0}


@pytest.fixture
def public(tmp_path, original, monkeypatch):
    """Makes local archives take the place of the addresses; returns their folder."""
    folders = {"images": "", "fixations_2015": "fixations_2015", "json": "annotations"}
    found = {}
    for name, root in folders.items():
        base = "images" if name == "images" else None
        archive = shutil.make_archive(str(tmp_path / name), "zip", original / root, base)
        with open(archive, "rb") as file:
            found[name] = archive, hashlib.file_digest(file, "md5").hexdigest()
    module = salicon_dataset_builder
    monkeypatch.setattr(module, "_IMAGES", originals.Published(*found["images"], "images"))
    fixations = originals.Published(*found["fixations_2015"], "")
    monkeypatch.setattr(module, "_FIXATIONS", {"2015": fixations})
    mouse = originals.Published(found["json"][0], inside="")
    monkeypatch.setattr(module, "_MOUSE", dict.fromkeys(("train", "val"), mouse))
    return tmp_path


def test_without_a_copy_it_downloads(tmp_path, original, public):
    check(build(tmp_path, None, "2015"), original, [0, 0, 1])


def test_an_archive_with_two_json_files_is_refused(tmp_path, public):
    with pytest.raises(ValueError, match="must hold one JSON file.*train2014.*val2014"):
        build(tmp_path, None, "2014")


def test_a_truncated_archive_is_refused(tmp_path, public):
    archive = public / "json.zip"
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"json\.zip must be a whole archive.*Delete it"):
        build(tmp_path, None, "2014")


def assert_refused(tmp_path, manual_dir, config, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir, config)
    folder = tmp_path / "sets/salicon" / config
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_an_image_without_gaze_is_named(tmp_path, original):
    (original / f"fixations_2017/val/{STEMS['val'][1]}.mat").unlink()
    pattern = f"1 names have no partner: without gaze: {STEMS['val'][1]}"
    assert_refused(tmp_path, original, "2017", ValueError, pattern)


@pytest.mark.parametrize(
    ("gaze", "pattern"),
    [
        (np.ones((3, 2)), r"`gaze` must be a struct with `fixations`"),
        (structs([[[1, 2, 3]]]), r"fixations of person 0 must be numbers in rows of x and y"),
        (structs([[[1, 2]], [[3, np.inf]]]), r"image COCO.*`y` must be finite; fixation 1 has inf"),
    ],
    ids=["numbers", "columns", "infinite"],
)
def test_another_structure_is_refused(tmp_path, original, gaze, pattern):
    scipy.io.savemat(original / f"fixations_2017/train/{STEMS['train'][2]}.mat", {"gaze": gaze})
    assert_refused(tmp_path, original, "2017", ValueError, rf"2\.mat.*{pattern}")


def test_matlab_7_3_is_refused(tmp_path, original):
    with h5py.File(original / f"fixations_2017/train/{STEMS['train'][0]}.mat", "w") as file:
        file["gaze/fixations"] = np.ones((2, 4))
    pattern = r"0\.mat must be a MATLAB 5 file with the variable `gaze`"
    assert_refused(tmp_path, original, "2017", ValueError, pattern)


@pytest.mark.parametrize(
    ("damage", "pattern"),
    [
        (lambda text: text[:-40], "must be SALICON's JSON"),
        (lambda text: text.replace('"worker_id"', '"person"'), "annotation at byte .* worker_id"),
        (lambda text: text.replace('"annotations": [', '"annotations": {'), "must be '\\['"),
        (lambda text: text.replace("[30, 40]", "[30, 40, 1]"), "annotation at byte"),
        (lambda text: text.replace("[30, 40]", "[30, NaN]"), "`x` must be finite"),
        (lambda text: text.replace('"id": 102', '"id": 101'), "two images share an id"),
        (lambda text: text.replace('"image_id": 102', '"image_id": 3'), "must name all images"),
    ],
    ids=["cut", "field", "object", "columns", "nan", "twice", "unlisted"],
)
def test_broken_json_is_refused(tmp_path, original, damage, pattern):
    path = original / "annotations/fixations_train2014.json"
    path.write_text(damage(json.dumps(annotation_file(STEMS["train"]))))
    pattern = rf"(?s)fixations_train2014\.json.*{pattern}"
    assert_refused(tmp_path, original, "2014", ValueError, pattern)


def test_two_images_with_one_stem_are_refused(original):
    images = original / "images/train"
    shutil.copy(images / f"{STEMS['train'][0]}.jpg", original / f"{STEMS['train'][0]}.jpg")
    with pytest.raises(ValueError, match=f"two files share the name {STEMS['train'][0]}"):
        originals.by_stem([*images.glob("*.jpg"), *original.glob("*.jpg")], original)


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_values_are_found_where_they_stand(tmp_path, monkeypatch, piece):
    """Whatever the pieces are that the file is read in."""
    monkeypatch.setattr("tfds_builders.salicon.pieces._PIECE", piece)
    content = annotation_file(STEMS["train"])
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    with open(path, "rb") as file:
        pieces = Pieces(file)
        for key in pieces.items():
            if key == "annotations":
                spans = [(first, end) for _, first, end in pieces.elements()]
            else:
                pieces.value()
    whole = path.read_bytes()
    assert [json.loads(whole[first:end]) for first, end in spans] == content["annotations"]


def test_memory_stays_far_below_the_size_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tfds_builders.salicon.pieces._PIECE", 1 << 12)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(annotation_file(STEMS["train"], [[[1, 2]] * 100] * 400)))
    tracemalloc.start()
    places = find_annotations(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(image.first) for image in places.values()) == 1200
    # 16 bytes of each annotation and one annotation as objects; all would take ten megabytes.
    assert peak < 200_000 < path.stat().st_size / 4


@pytest.mark.real_data
def test_real_sample(tmp_path, shared_data):
    """Ten images of the authors' software, with all mouse samples."""
    root = shared_data / "salicon_sample"
    builder = build(tmp_path, root, "2014")
    assert list(builder.info.splits) == ["train"]
    found = {stem: example for (_, stem), example in examples_of(builder).items()}
    with open(root / "annotations/fixations_train2014examples.json") as file:
        content = json.load(file)
    stems = {image["id"]: image["file_name"].removesuffix(".jpg") for image in content["images"]}
    assert set(found) == set(stems.values())
    expected = collections.defaultdict(list)
    for annotation in content["annotations"]:
        expected[stems[annotation["image_id"]]] += [
            (x - 1, y - 1, annotation["worker_id"]) for y, x in annotation["fixations"]
        ]
    for stem, example in found.items():
        gaze = example["fixations"]
        columns = np.stack([gaze["x"], gaze["y"], gaze["viewer"]], axis=1)
        np.testing.assert_array_equal(columns, expected[stem])
    gaze = [example["fixations"] for example in found.values()]
    people = [len(np.unique(image["viewer"])) for image in gaze]
    assert (min(people), max(people)) == (55, 67)
    assert builder.info.metadata["fixations"] == sum(len(image["x"]) for image in gaze) == 73_630
    assert np.mean([len(image["x"]) for image in gaze]) == pytest.approx(7363)
    assert builder.info.metadata["dropped_off_image"] == 0
    for axis, side in (("x", 640), ("y", 480)):
        everything = np.concatenate([image[axis] for image in gaze])
        assert (everything.min(), everything.max()) == (0, side - 1)


@pytest.mark.real_data
def test_real_annotations_are_read_in_any_order(shared_data):
    path = shared_data / "salicon_sample/annotations/fixations_train2014examples.json"
    places = find_annotations(path)
    assert sum(len(image.first) for image in places.values()) == 610
    xy, viewer = read_annotations(path, places["COCO_train2014_000000123855"])
    assert len(xy) == len(viewer) == 7570
    np.testing.assert_array_equal(xy[:3], [[313, 241], [314, 241], [317, 241]])
