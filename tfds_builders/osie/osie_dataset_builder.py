"""OSIE: eye fixations of 15 people who look freely at 700 pictures (Xu et al., 2014)."""

import hashlib
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, held_out, originals, schema
from tfds_builders.common.scanpaths import read_scanpaths
from tfds_builders.eyecrowd.eyecrowd_dataset_builder import make_example

_REPOSITORY = "NUS-VIP/predicting-human-gaze-beyond-pixels"
_COMMIT = "63223a0dba3b521861cb7f356ad13400ef4b3d03"
_GAZE_FILE = "data/eye/fixations.mat"
_STIMULI = "data/stimuli"
_GAZE_URL = f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}/{_GAZE_FILE}"
_ARCHIVE_URL = f"https://github.com/{_REPOSITORY}/archive/{_COMMIT}.zip"
# GitHub packs the archive on request, so its own bytes have no lasting checksum. What it holds has:
# this is the SHA-256 of the 700 images, one after the other in the order of their names.
_STIMULI_SHA256 = "61956741bf5f109c92706d951da8e06be646bf659702f739827e39faaf0a2504"
_TEST_SHARE = 2 / 7


class Builder(gaze_builder.GazeBuilder):
    """Builds OSIE from a copy in `manual_dir`, or from the authors' public repository."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Unpack https://github.com/{_REPOSITORY} so that manual_dir holds "
        f"{_GAZE_FILE} and {_STIMULI}/1001.jpg to 1700.jpg."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage=f"https://github.com/{_REPOSITORY}",
            license="MIT",
            metadata=tfds.core.MetadataDict(
                # One degree of visual angle; the width that the authors' own maps have.
                sigma_px=24.0,
                task="free viewing",
                viewers=15,
                viewing_time_s=3.0,
                tracker="EyeLink 1000",
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Reads the gaze of all images and divides them; 500 to 200 in the full set."""
        root = originals.manual_copy(dl_manager, (_GAZE_FILE, _STIMULI))
        if root is not None:
            gaze, stimuli = root / _GAZE_FILE, root / _STIMULI
        else:
            gaze, stimuli = self._download(dl_manager)
        scanpaths = read_scanpaths(gaze)
        self.info.metadata.update(schema.NOTHING_COUNTED)
        test = held_out.held_out(scanpaths, _TEST_SHARE)
        splits = {"train": scanpaths.keys() - test, "test": test}
        return {
            split: self._generate_examples(
                make_example,
                [
                    (stimuli / name, scanpaths[name], f"{gaze}, image {name}")
                    for name in sorted(names)
                ],
            )
            for split, names in splits.items()
        }

    def _download(
        self, dl_manager: tfds.download.DownloadManager
    ) -> tuple[tfds.core.Path, tfds.core.Path]:
        """Fetches the gaze file and the images, and verifies both."""
        paths = originals.fetch(
            dl_manager,
            {"gaze": _GAZE_URL, "archive": _ARCHIVE_URL},
            f"Without network: {self.MANUAL_DOWNLOAD_INSTRUCTIONS}",
        )
        stimuli = paths["archive"] / f"{_REPOSITORY.split('/')[1]}-{_COMMIT}" / _STIMULI
        digest = hashlib.sha256()
        for image in sorted(stimuli.glob("*.jpg")):
            digest.update(image.read_bytes())
        if digest.hexdigest() != _STIMULI_SHA256:
            raise ValueError(
                f"the images in {stimuli} (from {_ARCHIVE_URL}) must have the joint SHA-256 "
                f"{_STIMULI_SHA256}; got {digest.hexdigest()}. Delete the download and repeat it"
            )
        return paths["gaze"], stimuli
