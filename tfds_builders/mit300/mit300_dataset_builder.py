"""MIT300: the photographs of a benchmark whose gaze is held back (Judd et al., 2012)."""

from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, originals, schema

_FOLDER = "BenchmarkIMAGES"
_ARCHIVE = originals.Published(
    "http://saliency.mit.edu/BenchmarkIMAGES.zip", "03ed32bdf5e4289950cd28df89451260", _FOLDER
)


class Builder(gaze_builder.GazeBuilder):
    """Builds MIT300 from a copy in `manual_dir`, or from the public archive."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold {_FOLDER}/*.jpg ({_ARCHIVE.url}, unpacked)."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="http://saliency.mit.edu",
            license="not stated",
            metadata=tfds.core.MetadataDict(
                # The width of the benchmark's own maps on images of 513 to 1024 pixels.
                sigma_px=24.0,
                task="free viewing",
                viewers=39,
                viewing_time_s=3.0,
                tracker="ISCAN video-based eye tracker",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """All images are for testing."""
        folder = originals.obtain(dl_manager, _FOLDER, _ARCHIVE, self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        images = originals.by_stem(folder.glob("*.jpg"), folder)
        self.info.metadata.update(schema.NOTHING_COUNTED)
        return {"test": self._generate_examples(make_example, images.values())}


def make_example(image: tfds.core.Path) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        image: the image file.

    Returns:
        Key, example and counts.
    """
    originals.image_size(image)  # that it decodes
    key = image.stem
    return key, {"image": image, "image/id": key, "fixations": schema.no_fixations()}, {}
