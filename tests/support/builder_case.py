"""Builders on original files that a fixture generates, and TFDS's own test of them."""

import pytest
import tensorflow_datasets as tfds

from tfds_builders.common import schema

FACTS = {"sigma_px", "task", "viewers", "viewing_time_s", "tracker"}
COUNTS = {"fixations", "dropped_off_image", "images_without_fixations"}


def prepare(builder, manual_dir, **options):
    """Builds a set from the files of a folder; options are of TFDS' `DownloadConfig`."""
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, **options)
    builder.download_and_prepare(download_config=config)
    return builder


class BuilderCase(tfds.testing.DatasetBuilderTestCase):
    """To be inherited; the fixture `original` of the module or class makes the files."""

    __test__ = False
    COUNTS = COUNTS
    MORE_FEATURES = frozenset()

    @pytest.fixture(autouse=True)
    def files_are_generated(self, original):
        type(self).EXAMPLE_DIR = original

    def test_the_folder_has_what_tfds_reads(self):
        folder = self.DATASET_CLASS.code_path.parent
        for name in ("README.md", "CITATIONS.bib", "TAGS.txt"):
            assert (folder / name).read_text().strip(), name
        metadata = self.DATASET_CLASS.get_metadata()
        assert metadata.description and metadata.citation and metadata.tags

    def _download_and_prepare_as_dataset(self, builder):
        super()._download_and_prepare_as_dataset(builder)
        features = builder.info.features
        label = features["label"] if "label" in features else None
        expected = schema.gaze_features(label, heatmap="heatmap" in features)
        assert set(features) - set(expected) == self.MORE_FEATURES
        shared = {name: features[name] for name in expected}
        assert tfds.features.FeaturesDict(shared).to_json() == expected.to_json()
        assert set(builder.info.metadata) >= FACTS | self.COUNTS
