"""What TFDS does not promise: that it is there, and does what is made of it."""

import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle
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
