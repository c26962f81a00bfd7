"""EyeCrowd: eye fixations of 16 people on scenes with many faces (Jiang et al., 2014)."""

from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, held_out, originals, schema
from tfds_builders.common.scanpaths import Scanpaths, read_scanpaths

_REPOSITORY = "NUS-VIP/saliency-in-crowd"
_GAZE_FILE = "data/eye/fixations.mat"
_STIMULI = "data/stimuli"
_GAZE = originals.Published(f"https://raw.githubusercontent.com/{_REPOSITORY}/master/{_GAZE_FILE}")
# GitHub packs the archive on request, so its bytes have no lasting checksum.
_ARCHIVE = originals.Published(
    f"https://github.com/{_REPOSITORY}/archive/master.zip",
    inside=f"{_REPOSITORY.split('/')[1]}-master/{_STIMULI}",
)
_TEST_SHARE = 0.1


class Builder(gaze_builder.GazeBuilder):
    """Builds EyeCrowd from copies in `manual_dir`, and downloads the half that is not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Unpack https://github.com/{_REPOSITORY} so that manual_dir holds "
        f"{_GAZE_FILE} and {_STIMULI}/001.jpg to 500.jpg."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage=f"https://github.com/{_REPOSITORY}",
            license="MIT",
            metadata=tfds.core.MetadataDict(
                # The blur of the authors' own maps.
                sigma_px=26.0,
                task="free viewing",
                viewers=16,
                viewing_time_s=5.0,
                tracker="EyeLink 1000",
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Reads the gaze of all images and holds out one in ten."""
        instructions = self.MANUAL_DOWNLOAD_INSTRUCTIONS
        gaze = originals.obtain(dl_manager, _GAZE_FILE, _GAZE, instructions)
        stimuli = originals.obtain(dl_manager, _STIMULI, _ARCHIVE, instructions)
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


def make_example(record: tuple[tfds.core.Path, Scanpaths, str]) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        record: image file, gaze on it, and where the gaze was read, for messages.

    Returns:
        Key, example and counts.
    """
    image, paths, source = record
    fixations, dropped = schema.fixation_rows(
        paths.x,
        paths.y,
        paths.duration_ms,
        paths.viewer,
        size=originals.image_size(image),
        source=source,
    )
    key = image.stem
    example = {"image": image, "image/id": key, "fixations": fixations}
    return key, example, schema.tally(fixations, dropped)
