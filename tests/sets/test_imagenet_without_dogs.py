import collections
import hashlib
import io
import pathlib
import pickle
import re
import tarfile

import builder_case
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from salclass_tf.data import damage, pipeline, sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.training import feeding
from tfds_builders.imagenet_without_dogs import archives, records
from tfds_builders.imagenet_without_dogs import imagenet_without_dogs_dataset_builder as module

DOGS = {"n02085620", "n02113978", "n02115641"}  # Chihuahua, Mexican hairless, dingo
OTHERS = ["n01440764", "n02110341", "n02114367", "n15075141"]
TRAIN = {wnid: 4 for wnid in sorted(DOGS)} | {wnid: 6 for wnid in OTHERS}
# The first seven validation images of ImageNet; the third is a dog.
VALIDATION = 7


def tfds_list(name):
    return tfds.core.tfds_path(f"datasets/imagenet2012/{name}.txt").read_text().split()


def jpeg(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """ILSVRC's two archives with a few images; returns the folder and what is in them."""
    folder = tmp_path_factory.mktemp("archives")
    content = {"train": {}, "validation": {}}
    with tarfile.open(folder / "ILSVRC2012_img_train.tar", "w") as outer:
        for number, (wnid, count) in enumerate(TRAIN.items()):
            stream = io.BytesIO()
            with tarfile.open(fileobj=stream, mode="w") as inner:
                for index in range(count):
                    name, image = f"{wnid}_{index + 10}", jpeg([number, index])
                    add(inner, f"{name}.JPEG", image)
                    content["train"][name] = (wnid, image)
            add(outer, f"{wnid}.tar", stream.getvalue())
    with tarfile.open(folder / "ILSVRC2012_img_val.tar", "w") as archive:
        for index, wnid in enumerate(tfds_list("validation_labels")[:VALIDATION]):
            name, image = f"ILSVRC2012_val_{index + 1:08}", jpeg([99, index])
            add(archive, f"{name}.JPEG", image)
            content["validation"][name] = (wnid, image)
    return folder, content


def build(data_dir, manual_dir=None):
    return builder_case.prepare(module.Builder(data_dir=data_dir), manual_dir)


@pytest.fixture(scope="module")
def view(originals, tmp_path_factory):
    """The set on top of an `imagenet2012` of five files a split, prepared after it."""
    folder = tmp_path_factory.mktemp("sets")
    builder = module.Builder(data_dir=folder)  # made before there is anything to look at
    config = tfds.download.DownloadConfig(manual_dir=originals[0], num_shards=5)
    tfds.builder("imagenet2012", data_dir=folder).download_and_prepare(download_config=config)
    builder.download_and_prepare()
    return builder


def without_dogs(content):
    dogs = set(tfds_list("labels")[151:269]) - {"n02110341"} | set(tfds_list("labels")[273:276])
    return {name: pair for name, pair in content.items() if pair[0] not in dogs}


def names_of(dataset):
    return [example["image/id"].decode() for example in tfds.as_numpy(dataset)]


def test_list_of_dogs_has_the_published_digest():
    text = (pathlib.Path(module.__file__).parent / "dogs.txt").read_bytes()
    expected = "de0735a92ae4ca6844c4c6b80b3bee1ca6aff6bddefe50b904d485329eb92ea7"
    assert hashlib.sha256(text).hexdigest() == expected
    assert len(set(text.split())) == 120


def test_classes_are_imagenets_in_order_without_the_dogs(view):
    names = tfds_list("labels")
    kept = names[:151] + ["n02110341"] + names[269:273] + names[276:]
    assert view.info.features["label"].names == kept
    assert len(kept) == 880


def test_forty_four_thousand_validation_images_stay():
    truth = tfds_list("validation_labels")
    assert len(without_dogs({str(i): (wnid, None) for i, wnid in enumerate(truth)})) == 44_000


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_other_image_comes_with_its_bytes_and_its_new_label(view, originals, split):
    expected = without_dogs(originals[1][split])
    assert 0 < len(expected) < len(originals[1][split])
    assert view.info.splits[split].num_examples == len(expected)
    assert view.info.splits[split].num_bytes == sum(len(image) for _, image in expected.values())
    found = {}
    for example in tfds.as_numpy(pipeline.open_split(view, split)):
        wnid = view.info.features["label"].int2str(int(example["label"]))
        found[example["image/id"].decode()] = (wnid, example["image"])
        assert {name: column.shape for name, column in example["fixations"].items()} == {
            name: (0,) for name in ("x", "y", "duration_ms", "viewer")
        }
    assert found == expected


def test_images_decode_unless_that_is_skipped(view, originals):
    assert view.as_dataset(split="train").element_spec == view.info.features.get_tensor_spec()
    for example in tfds.as_numpy(view.as_dataset(split="train[:3]")):
        _, encoded = originals[1]["train"][example["image/id"].decode()]
        np.testing.assert_array_equal(example["image"], tf.io.decode_jpeg(encoded))


def test_supervised_pairs_and_a_part_of_the_features(view):
    image, label = next(iter(view.as_dataset(split="validation", as_supervised=True)))
    assert image.shape == (9, 12, 3) and label.dtype == tf.int64
    only = tfds.decode.PartialDecoding({"label": True, "fixations": {"x": True}})
    example = next(iter(view.as_dataset(split="train", decoders=only)))
    assert set(example) == {"label", "fixations"} and set(example["fixations"]) == {"x"}


@pytest.mark.parametrize("shuffle_files", [False, True])
def test_slices_hold_the_same_images_however_files_are_read(view, shuffle_files):
    everything = names_of(pipeline.open_split(view, "train"))
    options = {"shuffle_files": shuffle_files, "read_config": tfds.ReadConfig(shuffle_seed=3)}
    for cut in (1, 13, len(everything) - 1):
        head = names_of(view.as_dataset(split=f"train[:{cut}]", **options))
        assert collections.Counter(head) == collections.Counter(everything[:cut])
    both = view.as_dataset(split="train[-2:]+validation[50%:]", **options)
    tail = names_of(pipeline.open_split(view, "validation"))
    assert sorted(names_of(both)) == sorted(everything[-2:] + tail[(len(tail) + 1) // 2 :])
    assert both.cardinality() == 2 + len(tail) // 2


def test_files_are_divided_among_workers(view):
    parts = []
    for worker in range(2):
        context = tf.distribute.InputContext(2, worker, 2)
        config = tfds.ReadConfig(input_context=context, add_tfds_id=True)
        dataset = view.as_dataset(split="train", read_config=config)
        assert all("imagenet2012-train" in str(e["tfds_id"]) for e in tfds.as_numpy(dataset))
        parts.append(names_of(dataset))
    assert all(parts)
    assert sorted(sum(parts, [])) == sorted(names_of(pipeline.open_split(view, "train")))


def test_an_empty_slice_is_refused(view):
    with pytest.raises(ValueError, match=r"at least one record; got 'train\[3:3\]'"):
        view.as_dataset(split="train[3:3]")


def test_the_training_code_opens_it_by_name(view):
    opened = sets.open_set("imagenet_without_dogs", str(view.data_dir_root))
    assert len(opened.class_names) == 880
    assert opened.sigma_px == 0.0
    # What networks are tested on does not choose among them; without a share all images train.
    assert (opened.split("train"), opened.split("test")) == ("train[:24]", "validation")
    assert opened.size("train[:24]") == opened.size("train")
    batches = pipeline.training_batches(
        pipeline.open_split(opened.builder, "train"),
        geometry=Geometry(6, 8),
        sigma_px=0.0,
        batch_size=6,
        seed=0,
        epoch=0,
        crops=1,
        mirror="none",
        with_maps=False,
    )
    assert sum(int(batch["label"].shape[0]) for batch in batches) == 24


def test_a_lost_file_is_named_where_it_lies(originals, tmp_path):
    """The images are `imagenet2012`'s: the view has no file of them."""
    config = tfds.download.DownloadConfig(manual_dir=originals[0], num_shards=2)
    tfds.builder("imagenet2012", data_dir=tmp_path).download_and_prepare(download_config=config)
    gaze_set = sets.open_set("imagenet_without_dogs", str(tmp_path))
    assert damage.broken_files(gaze_set) == ()
    [first, _] = sorted(tmp_path.glob("imagenet2012/*/*-train.tfrecord-*"))
    first.write_bytes(first.read_bytes()[:-9])
    assert damage.broken_files(gaze_set) == (str(first),)
    message = f"{re.escape(str(first))} .*Prepare .*imagenet2012.*imagenet_without_dogs.* again"
    with pytest.raises(ValueError, match=message), feeding.readable(gaze_set):
        list(pipeline.open_split(gaze_set.builder, "train"))


def test_no_image_is_stored_a_second_time(view):
    stored = {path.name for path in view.data_path.iterdir()}
    described = {"dataset_info.json", "features.json", "label.labels.txt", "metadata.json"}
    assert stored == described | {"LICENSE", "kept_records.npz"}
    again = module.Builder(data_dir=view.data_dir_root)
    assert dict(again.info.metadata)["task"] == "none"
    assert "Stanford" in again.info.description and "Russakovsky" in again.info.citation


@pytest.fixture
def small(originals, monkeypatch):
    sizes = {name: (originals[0] / name).stat().st_size for name in archives.FILES}
    monkeypatch.setattr(archives, "FILES", sizes)


class TestImagenetWithoutDogs(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = module.Builder
    SPLITS = {"train": 24, "validation": 6}
    COUNTS = frozenset()  # there is no gaze to be counted

    @pytest.fixture
    def original(self, originals, small):
        return originals[0]


def test_it_prepares_imagenet_from_the_archives(tmp_path, originals, small):
    builder = build(tmp_path, originals[0])
    assert sorted(names_of(pipeline.open_split(builder, "train"))) == sorted(
        without_dogs(originals[1]["train"])
    )
    for path in (tmp_path / "imagenet2012/5.1.0").glob("*"):
        path.unlink()
    (tmp_path / "imagenet2012/5.1.0").rmdir()
    with pytest.raises(FileNotFoundError, match="no longer in .*imagenet2012.*Prepare it there"):
        module.Builder(data_dir=tmp_path).as_dataset(split="train")


def prepare_on_beam(data_dir, originals):
    builder = module.Builder(data_dir=data_dir)
    config = tfds.download.DownloadConfig(manual_dir=originals[0], beam_runner="DirectRunner")
    builder.download_and_prepare(download_config=config)
    return builder


def test_beam_makes_the_same_set_from_the_archives(tmp_path, originals, small, monkeypatch):
    pytest.importorskip("apache_beam")
    plain = build(tmp_path / "plain", originals[0])
    listed, list_members = [], archives.list_members

    def noted(path, labels):
        listed.append(path.name)
        return list_members(path, labels)

    monkeypatch.setattr(archives, "list_members", noted)
    on_beam = prepare_on_beam(tmp_path / "beam", originals)
    assert listed == list(archives.FILES)  # TFDS's own builder reads them from end to end
    for split in ("train", "validation"):
        examples = [tfds.as_numpy(pipeline.open_split(b, split)) for b in (plain, on_beam)]
        found = [{e["image/id"]: (e["label"], e["image"]) for e in part} for part in examples]
        assert found[0] == found[1] and len(found[0]) == len(without_dogs(originals[1][split]))
        assert on_beam.info.splits[split].num_bytes == plain.info.splits[split].num_bytes
    source = tfds.builder("imagenet2012", data_dir=tmp_path / "beam")
    assert source.is_prepared() and "ILSVRC 2012" in source.info.description
    assert not list(on_beam.data_path.glob("found*"))


def test_beam_finds_the_records_of_a_prepared_imagenet(tmp_path, originals, view):
    pytest.importorskip("apache_beam")
    config = tfds.download.DownloadConfig(manual_dir=originals[0], num_shards=5)
    tfds.builder("imagenet2012", data_dir=tmp_path).download_and_prepare(download_config=config)
    on_beam = prepare_on_beam(tmp_path, originals)
    for split, positions in view._positions.items():
        np.testing.assert_array_equal(on_beam._positions[split], positions)
        assert on_beam.info.splits[split].shard_lengths == view.info.splits[split].shard_lengths
        assert on_beam.info.splits[split].num_bytes == view.info.splits[split].num_bytes


def test_members_of_an_archive_make_what_tfds_makes(tmp_path, originals):
    """Without Beam: what a worker does for each member, sent to it as Beam sends it."""
    builder = pickle.loads(pickle.dumps(archives.OnBeam(data_dir=tmp_path)))
    labels = {f"{name}.JPEG": wnid for name, (wnid, _) in originals[1]["validation"].items()}
    for file, known, split in zip(archives.FILES, ({}, labels), originals[1], strict=True):
        members = archives.list_members(originals[0] / file, known)
        made = [example for member in members for example in archives._unpack(builder, member)]
        assert {key.removesuffix(".JPEG"): (e["label"], e["image"]) for key, e in made} == (
            originals[1][split]
        )
        assert all(key == example["file_name"] for key, example in made)


def test_a_damaged_class_names_archive_and_member(tmp_path, originals):
    path = tmp_path / "train.tar"
    with tarfile.open(path, "w") as archive:
        add(archive, "n01440764.tar", b"x" * 1024)
    (member,) = archives.list_members(path, {})
    with pytest.raises(ValueError, match=r"n01440764\.tar in .*train\.tar is damaged.*fetch"):
        list(archives._unpack(archives.OnBeam(data_dir=tmp_path), member))


def test_another_copy_of_imagenet_is_noticed(tmp_path, originals, view):
    config = tfds.download.DownloadConfig(manual_dir=originals[0], num_shards=2)
    tfds.builder("imagenet2012", data_dir=tmp_path).download_and_prepare(download_config=config)
    copy = tmp_path / "imagenet_without_dogs/1.0.0"
    copy.mkdir(parents=True)
    for path in view.data_path.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="is not the copy that .* was made from: .*`train` differ"):
        module.Builder(data_dir=tmp_path).as_dataset(split="train")


def assert_refused(data_dir, manual_dir, error, pattern):
    with pytest.raises(error, match=pattern):
        build(data_dir, manual_dir)
    assert not [path for path in (data_dir / "imagenet_without_dogs").rglob("*") if path.is_file()]


def test_a_missing_archive_is_named_before_anything_is_built(tmp_path, originals, small):
    manual = tmp_path / "manual"
    manual.mkdir()
    (manual / "ILSVRC2012_img_train.tar").symlink_to(originals[0] / "ILSVRC2012_img_train.tar")
    pattern = r"lacks ILSVRC2012_img_val\.tar\. Prepare imagenet2012:5\.1\.0.*image-net\.org"
    assert_refused(tmp_path / "sets", manual, FileNotFoundError, pattern)
    assert not (tmp_path / "sets/imagenet2012").exists()


def test_nothing_at_all_tells_what_to_do(tmp_path):
    pattern = r"(?s)does not exist or is empty.*img_val\.tar from"
    assert_refused(tmp_path / "sets", tmp_path / "manual", FileNotFoundError, pattern)


def test_an_archive_cut_short_is_named(tmp_path, originals):
    pattern = r"img_train\.tar must have 147897477120 bytes; got \d+\. Fetch it again"
    assert_refused(tmp_path, originals[0], ValueError, pattern)


def test_a_damaged_archive_is_named(tmp_path, originals, small, monkeypatch):
    for name, size in archives.FILES.items():
        content = bytearray((originals[0] / name).read_bytes())
        content[:512] = b"x" * 512
        (tmp_path / name).write_bytes(content)
        assert len(content) == size
    pattern = "an archive in .* is damaged .*; fetch it again"
    assert_refused(tmp_path / "sets", tmp_path, ValueError, pattern)


def test_a_source_without_training_images_is_refused(tmp_path, originals):
    manual = tmp_path / "manual"
    manual.mkdir()
    (manual / "ILSVRC2012_img_val.tar").symlink_to(originals[0] / "ILSVRC2012_img_val.tar")
    config = tfds.download.DownloadConfig(manual_dir=manual)
    tfds.builder("imagenet2012", data_dir=tmp_path).download_and_prepare(download_config=config)
    assert_refused(tmp_path, None, ValueError, "must have the splits .*missing: train")


def test_counts_by_file_agree_with_a_histogram():
    positions = np.array([0, 1, 4, 5, 9])
    lengths = [2, 0, 3, 4, 1]
    edges = np.cumsum([0, *lengths])
    expected = [
        sum(start <= p < end for p in positions)
        for start, end in zip(edges[:-1], edges[1:], strict=True)
    ]
    np.testing.assert_array_equal(records.count_by_shard(positions, lengths), expected)
