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
from tensorflow_datasets.datasets.stanford_dogs import stanford_dogs_dataset_builder as stanford

from tfds_builders.common import own_layout
from tfds_builders.saldogs import saldogs_dataset_builder

BREEDS = ["n02085620-Chihuahua", "n02086240-Shih-Tzu", "n02113978-Mexican_hairless"]
# Gaze on four photographs of each of the first two breeds; the third breed was not shown.
PHOTOGRAPHS = {f"{b.split('-')[0]}_{n}": b for b in BREEDS for n in range(10, 15)}
SEEN = [stem for stem, breed in PHOTOGRAPHS.items() if breed != BREEDS[2] and stem[-1] != "4"]
SIZE = (20, 24)


def jpeg(stem):
    rng = np.random.default_rng(int(stem[1:].replace("_", "")))
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def manual(tmp_path):
    """Gaze in the documented layout."""
    root = tmp_path / "manual"
    (root / "saldogs").mkdir(parents=True)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number, stem in enumerate(SEEN):
        lines += [f"{stem},{number},0,{number}.5,3,100", f"{stem},{number},1,24,3,100"]
    (root / "saldogs/fixations.csv").write_text("\n".join(lines))
    return root


@pytest.fixture
def unpacked(manual):
    """The photographs as `images.tar` unpacks."""
    for stem, breed in PHOTOGRAPHS.items():
        (manual / "Images" / breed).mkdir(parents=True, exist_ok=True)
        (manual / "Images" / breed / f"{stem}.jpg").write_bytes(jpeg(stem))
    return manual


class TestSalDogs(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = saldogs_dataset_builder.Builder
    SPLITS = {"train": 6, "validation": 1, "test": 1}
    BUILDER_CONFIG_NAMES_TO_TEST = ["points"]

    @pytest.fixture
    def original(self, unpacked):
        return unpacked


def build(tmp_path, manual_dir, config=None):
    return builder_case.prepare(
        saldogs_dataset_builder.Builder(data_dir=tmp_path / "sets", config=config), manual_dir
    )


def check_examples(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    found = {e["image/id"].decode(): e for s in splits.values() for e in tfds.as_numpy(s)}
    assert sorted(found) == SEEN
    for number, (stem, example) in enumerate(sorted(found.items())):
        assert example["image"] == jpeg(stem)
        name = builder.info.features["label"].int2str(int(example["label"]))
        assert name == PHOTOGRAPHS[stem].lower()
        assert example["fixations"]["x"].tolist() == [number + 0.5]
        assert example["fixations"]["viewer"].tolist() == [number]
    assert builder.info.features["label"].names == [breed.lower() for breed in BREEDS]
    assert builder.info.metadata["fixations"] == len(SEEN)
    assert builder.info.metadata["dropped_off_image"] == len(SEEN)


def test_gaze_is_joined_to_unpacked_photographs(tmp_path, unpacked):
    builder = build(tmp_path, unpacked)
    check_examples(builder)
    info = tfds.builder_from_directory(builder.data_dir).info
    facts = dict(info.metadata)
    assert facts["task"] == "classification"
    assert (facts["viewers"], facts["tracker"]) == (12, "Tobii T60")
    assert (facts["sigma_px"], facts["own_split"]) == (9.0, True)
    counts = {name: split.num_examples for name, split in info.splits.items()}
    assert counts == {"train": 6, "validation": 1, "test": 1}
    assert "not found" in info.description and "Khosla" in info.citation


@pytest.fixture
def stanford_dogs(tmp_path, monkeypatch):
    """Stanford Dogs in its own three archives, which TFDS reads."""
    xml = "<a><size><width>24</width><height>20</height></size></a>"
    with (
        tarfile.open(tmp_path / "images.tar", "w") as images,
        tarfile.open(tmp_path / "annotation.tar", "w") as annotations,
        tarfile.open(tmp_path / "lists.tar", "w") as lists,
    ):
        for stem, breed in PHOTOGRAPHS.items():
            add(images, f"Images/{breed}/{stem}.jpg", jpeg(stem))
            add(annotations, f"Annotation/{breed}/{stem}", xml.encode())
        for split, last in {"train": "012", "test": "34"}.items():
            files = [f"{b}/{s}.jpg" for s, b in PHOTOGRAPHS.items() if s[-1] in last]
            files += [f"n{n:08}-Other/n{n:08}_1.jpg" for n in range(117)]  # TFDS wants 120 breeds
            stream = io.BytesIO()
            scipy.io.savemat(stream, {"file_list": np.array(files, object)[:, None]})
            add(lists, f"{split}_list.mat", stream.getvalue())
    for name, file in {"IMAGES": "images", "ANNOTATIONS": "annotation", "SPLIT": "lists"}.items():
        monkeypatch.setattr(stanford, f"_{name}_URL", str(tmp_path / f"{file}.tar"))


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def test_gaze_is_joined_to_the_tfds_set(tmp_path, manual, stanford_dogs):
    check_examples(build(tmp_path, manual))


def test_without_photographs_and_network_it_tells_what_to_do(tmp_path, manual, monkeypatch):
    def fail(manager, url):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    pattern = r"cannot prepare stanford_dogs \(no route\).*Images/<wnid>-<breed>/<stem>\.jpg in"
    assert_refused(tmp_path, manual, ConnectionError, pattern)


def test_heat_maps_in_folders_of_classes(tmp_path, unpacked):
    for index, stem in enumerate(SEEN):
        folder = unpacked / "saldogs/heatmaps" / PHOTOGRAPHS[stem]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (12, 10), index).save(folder / f"{stem}.png")
    builder = build(tmp_path, unpacked, "maps")
    for split in builder.as_dataset().values():
        for example in tfds.as_numpy(split):
            number = SEEN.index(example["image/id"].decode())
            np.testing.assert_array_equal(example["heatmap"], np.full((10, 12, 1), number))


def write_lists(root, **stems):
    (root / "saldogs/splits").mkdir()
    for name, listed in stems.items():
        (root / f"saldogs/splits/{name}.txt").write_text("\n".join(listed))


def test_lists_decide_the_split(tmp_path, unpacked):
    write_lists(unpacked, train=SEEN[3:], val=SEEN[1:3], test=SEEN[:1])
    builder = build(tmp_path, unpacked)
    found = {
        name: sorted(e["image/id"].decode() for e in tfds.as_numpy(split))
        for name, split in builder.as_dataset().items()
    }
    assert found == {"train": SEEN[3:], "validation": SEEN[1:3], "test": SEEN[:1]}
    assert builder.info.metadata["own_split"] is False


def assert_refused(tmp_path, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir)
    left = [path for path in (tmp_path / "sets/saldogs").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {".config"}


@pytest.mark.parametrize(
    ("train", "named"),
    [(SEEN[3:], SEEN[2]), ([*SEEN[2:], "n1_1"], "n1_1"), (SEEN[1:], SEEN[1])],
    ids=["one in no list", "one without gaze", "one in two lists"],
)
def test_lists_that_do_not_divide_the_images_are_refused(tmp_path, unpacked, train, named):
    write_lists(unpacked, train=train, val=SEEN[1:2], test=SEEN[:1])
    pattern = rf"splits: every image with gaze must stand in one list, once.*see {named}"
    assert_refused(tmp_path, unpacked, ValueError, pattern)


def test_a_missing_list_is_named(tmp_path, unpacked):
    write_lists(unpacked, train=SEEN[1:], test=SEEN[:1])
    assert_refused(tmp_path, unpacked, FileNotFoundError, r"val\.txt")


def test_two_photographs_of_one_name_are_refused(tmp_path, unpacked):
    path = unpacked / "Images" / BREEDS[2] / f"{SEEN[0]}.jpg"
    path.write_bytes(jpeg(SEEN[0]))
    pattern = rf"{BREEDS[2]}/{SEEN[0]}\.jpg is another one of the name {SEEN[0]}\. Remove one"
    assert_refused(tmp_path, unpacked, ValueError, pattern)


def test_gaze_on_no_photograph_is_refused(tmp_path, unpacked):
    with open(unpacked / "saldogs/fixations.csv", "a") as file:
        file.write("\nn02085620-10010,1,1,1,1,1")
    pattern = "1 names belong to no image, first n02085620-10010"
    assert_refused(tmp_path, unpacked, ValueError, pattern)


def test_too_few_images_for_three_splits_are_refused(tmp_path, unpacked):
    path = unpacked / "saldogs/fixations.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:5]))
    pattern = r"2 images with gaze leave `validation` without one; add images, or lists in .*splits"
    assert_refused(tmp_path, unpacked, ValueError, pattern)


def test_division_has_the_papers_sizes_and_is_even_in_every_class():
    rng = np.random.default_rng(0)
    sizes = rng.multinomial(9861 - 120 * 60, np.full(120, 1 / 120)) + 60
    classes = {f"{c}_{i}": str(c) for c, size in enumerate(sizes) for i in range(size)}
    wanted = saldogs_dataset_builder.Builder.SPLIT_SIZES
    parts = own_layout.divide(classes, wanted)
    assert {split: len(stems) for split, stems in parts.items()} == wanted
    assert set.union(*parts.values()) == set(classes)
    for split, stems in parts.items():
        counts = collections.Counter(int(classes[stem]) for stem in stems)
        share = sizes * wanted[split] / 9861
        assert np.abs([counts[c] for c in range(120)] - share).max() < 1.5
    assert parts == own_layout.divide(dict(reversed(classes.items())), wanted)
