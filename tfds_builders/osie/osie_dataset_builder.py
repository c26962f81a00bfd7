"""OSIE: eye fixations of 15 people who look freely at 700 pictures (Xu et al., 2014)."""

import hashlib
from collections.abc import Iterable, Iterator

import tensorflow_datasets as tfds

from tfds_builders import originals, schema
from tfds_builders.osie.scanpaths import Scanpaths, read_scanpaths

_REPOSITORY = "NUS-VIP/predicting-human-gaze-beyond-pixels"
_COMMIT = "63223a0dba3b521861cb7f356ad13400ef4b3d03"
_GAZE_FILE = "data/eye/fixations.mat"
_STIMULI = "data/stimuli"
_GAZE_URL = f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}/{_GAZE_FILE}"
_ARCHIVE_URL = f"https://github.com/{_REPOSITORY}/archive/{_COMMIT}.zip"
# GitHub packs the archive on request, so its own bytes have no lasting checksum. What it holds has:
# this is the SHA-256 of the 700 images, one after the other in the order of their names.
_STIMULI_SHA256 = "61956741bf5f109c92706d951da8e06be646bf659702f739827e39faaf0a2504"


class Builder(tfds.core.GeneratorBasedBuilder):
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

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterable[tuple[str, dict]]]:
        """Reads the gaze of all images and divides them; 500 to 200 in the full set."""
        root = originals.manual_copy(dl_manager, (_GAZE_FILE, _STIMULI))
        if root is not None:
            gaze, stimuli = root / _GAZE_FILE, root / _STIMULI
        else:
            gaze, stimuli = self._download(dl_manager)
        scanpaths = read_scanpaths(gaze)
        test = _test_names(scanpaths)
        self.info.metadata.update(fixations=0, dropped_off_image=0)
        parts = {
            "train": {name: scanpaths[name] for name in sorted(scanpaths) if name not in test},
            "test": {name: scanpaths[name] for name in sorted(test)},
        }
        return {
            split: self._generate_examples(gaze, stimuli, part) for split, part in parts.items()
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

    def _generate_examples(
        self, gaze: tfds.core.Path, stimuli: tfds.core.Path, scanpaths: dict[str, Scanpaths]
    ) -> Iterator[tuple[str, dict]]:
        """Yields the images of one split; the JPEG bytes pass through as they are."""
        for name, paths in scanpaths.items():
            fixations, dropped = schema.fixation_rows(
                paths.x,
                paths.y,
                paths.duration_ms,
                paths.viewer,
                size=originals.image_size(stimuli / name),
                source=f"{gaze}, image {name}",
            )
            self.info.metadata["fixations"] += len(fixations["x"])
            self.info.metadata["dropped_off_image"] += dropped
            key = name.removesuffix(".jpg")
            yield key, {"image": stimuli / name, "image/id": key, "fixations": fixations}


def _test_names(names: Iterable[str]) -> set[str]:
    """Chooses two images in seven for the test split, the same ones for ever.

    The authors ship no split. This takes the names with the smallest SHA-256, which no library's
    random numbers can change.
    """
    shuffled = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(shuffled[: round(len(shuffled) * 2 / 7)])
