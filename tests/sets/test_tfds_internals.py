"""What TFDS does not promise: that it is there, and does what is made of it."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import example_serializer, shuffle
from tensorflow_datasets.core.download import checksums

from tfds_builders.common import tfds_internals


def test_memory_of_a_shuffle_is_bounded_and_restored():
    before = shuffle.MAX_MEM_BUFFER_SIZE
    with tfds_internals.shuffle_memory(1000):
        assert shuffle.MAX_MEM_BUFFER_SIZE == 1000
        with tfds_internals.shuffle_memory(2000):
            assert shuffle.MAX_MEM_BUFFER_SIZE == 1000
    assert shuffle.MAX_MEM_BUFFER_SIZE == before


@pytest.mark.parametrize(("limit", "in_files"), [(100, True), (10_000, False)])
def test_records_beyond_the_bound_wait_in_files(limit, in_files, tmp_path):
    with tfds_internals.shuffle_memory(limit):
        shuffler = shuffle.Shuffler(tmp_path, "salt", disable_shuffling=False)
        for key in range(9):
            shuffler.add(str(key), bytes([key]) * 40)
        assert bool(list(tmp_path.iterdir())) == in_files
        assert sorted(record[0] for _, record in shuffler) == list(range(9))


def test_features_can_be_given_after_a_set_was_described(tmp_path):
    class Late(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(builder=self)

        def _split_generators(self, dl_manager):
            return {}

        def _generate_examples(self):
            yield from ()

    late = Late(data_dir=tmp_path)
    features = tfds.features.FeaturesDict({"label": tfds.features.ClassLabel(num_classes=2)})
    tfds_internals.set_features(late.info, features)
    assert late.info.features is features


def test_altered_download_raises_the_checksum_error(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("altered")
    published = checksums.UrlInfo(tfds.core.utils.Size(7), "0" * 64, path.name)
    manager = tfds.download.DownloadManager(
        download_dir=tmp_path / "downloads", url_infos={str(path): published}
    )
    with pytest.raises(tfds_internals.ChecksumError):
        manager.download(str(path))


def test_broken_archive_raises_the_extract_error(tmp_path):
    manager = tfds.download.DownloadManager(download_dir=tmp_path)
    broken = tmp_path / "broken.zip"
    broken.write_text("no archive")
    with pytest.raises(tfds_internals.ExtractError):
        manager.extract(broken)


def test_folder_of_a_package_has_its_description():
    builder = tfds.builder_cls("imagenet2012")
    assert (tfds_internals.package_folder(builder) / "README.md").exists()


TYPES = {"x": np.float32, "y": np.float32, "viewer": np.int32}


def rows(count):
    rng = np.random.default_rng(count)
    return {
        "x": rng.normal(size=count).astype(np.float32),
        "y": rng.normal(size=count).astype(np.float32),
        "viewer": rng.integers(-1, 2**31 - 1, count, dtype=np.int32),
    }


def records(sequence):
    """What TFDS writes of a sequence, by number of rows, and what its reader needs to know."""
    features = tfds.features.FeaturesDict({"fixations": sequence})
    serializer = example_serializer.ExampleSerializer(features.get_serialized_info())
    encoded = {n: features.encode_example({"fixations": rows(n)}) for n in (0, 1, 7, 500)}
    return {n: serializer.get_tf_example(one) for n, one in encoded.items()}


def test_columns_are_written_as_rows_of_a_sequence_are(caplog):
    assert records(tfds_internals.columns(TYPES)) == records(tfds.features.Sequence(TYPES))
    assert not caplog.records  # TFDS warns of what it will drop


@pytest.mark.parametrize("count", [0, 7])
def test_columns_are_read_as_any_sequence(count, tmp_path):
    columns, plain = tfds_internals.columns(TYPES), tfds.features.Sequence(TYPES)
    assert json.dumps(columns.to_json()) == json.dumps(plain.to_json())
    assert type(tfds.features.FeatureConnector.from_json(columns.to_json())) is type(plain)
    example = records(columns)[count].SerializeToString()
    for sequence in (columns, plain):
        features = tfds.features.FeaturesDict({"fixations": sequence})
        found = features.deserialize_example(example)["fixations"]
        for name, column in rows(count).items():
            np.testing.assert_array_equal(found[name], column)
            assert found[name].dtype == column.dtype


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"viewer": np.full(7, 0.5)}, "viewer.*int32"),
        ({"viewer": np.full(7, 2**31)}, "viewer.*int32"),
        ({"x": rows(6)["x"]}, "one length"),
        ({"x": np.zeros((7, 1), np.float32)}, "one axis"),
        ({"z": rows(7)["x"]}, "columns must be"),
    ],
)
def test_columns_that_are_none_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        tfds_internals.columns(TYPES).encode_example(rows(7) | wrong)


def test_columns_are_decoded_in_part_and_copied():
    features = tfds.features.FeaturesDict({"fixations": tfds_internals.columns(TYPES)})
    part = tfds.decode.PartialDecoding({"fixations": {"x", "y"}}).extract_features(features)
    example = records(tfds_internals.columns(TYPES))[7].SerializeToString()
    found = part.deserialize_example(example)["fixations"]
    assert set(found) == {"x", "y"}
    np.testing.assert_array_equal(found["y"], rows(7)["y"])
    copied = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(
        copied.encode_example({"fixations": rows(7)})["fixations"]["x"], rows(7)["x"]
    )


def test_columns_take_numbers_of_other_types():
    given = rows(7)
    wide = {"x": np.float64, "y": list, "viewer": np.int64}
    found = tfds_internals.columns(TYPES).encode_example(
        {k: v.tolist() if wide[k] is list else v.astype(wide[k]) for k, v in given.items()}
    )
    for name, column in given.items():
        np.testing.assert_array_equal(found[name], column)
        assert found[name].dtype == column.dtype


def test_encoding_columns_takes_less_than_rows_do():
    features = tfds.features.FeaturesDict({"fixations": tfds_internals.columns(TYPES)})
    serializer = example_serializer.ExampleSerializer(features.get_serialized_info())
    given = {"fixations": rows(20_000)}
    tracemalloc.start()
    try:
        serializer.serialize_example(features.encode_example(given))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most / 20_000 < 300  # a `Sequence` takes 760
