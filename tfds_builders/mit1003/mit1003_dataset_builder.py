"""MIT1003: eye fixations of 15 people who look freely at 1003 photographs (Judd et al., 2009)."""

import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, held_out, originals, schema
from tfds_builders.mit1003.point_map import read_points

_HOME = "http://people.csail.mit.edu/tjudd/WherePeopleLook"
_STIMULI = "ALLSTIMULI"
_MAPS = "ALLFIXATIONMAPS"
_POINTS = "_fixPts"
_STIMULI_ARCHIVE = originals.Published(
    f"{_HOME}/ALLSTIMULI.zip", "0d7df8b954ecba69b6796e77b9afe4b6", _STIMULI
)
# No source states a checksum or the folders of this archive; each map is compared with its image.
_MAPS_ARCHIVE = originals.Published(f"{_HOME}/ALLFIXATIONMAPS.zip", inside="")
_TEST_SHARE = 200 / 1003


class Builder(gaze_builder.GazeBuilder):
    """Builds MIT1003 from copies in `manual_dir`, and downloads the half that is not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold {_STIMULI}/*.jpeg and {_MAPS}/*{_POINTS}.jpg (ALLSTIMULI.zip and "
        f"ALLFIXATIONMAPS.zip of {_HOME}, unpacked)."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage=_HOME,
            license="not stated",
            metadata=tfds.core.MetadataDict(
                # What the authors' low-pass of 8 cycles amounts to on images of 513 to 1024 pixels.
                # One degree of visual angle is about 35 pixels.
                sigma_px=24.0,
                task="free viewing",
                viewers=15,
                viewing_time_s=3.0,
                tracker="ISCAN video-based eye tracker, 240 Hz",
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Joins photographs and maps and holds out 200 of the 1003."""
        instructions = self.MANUAL_DOWNLOAD_INSTRUCTIONS
        stimuli = originals.obtain(dl_manager, _STIMULI, _STIMULI_ARCHIVE, instructions)
        maps = originals.obtain(dl_manager, _MAPS, _MAPS_ARCHIVE, instructions)
        images = originals.by_stem(stimuli.glob("*.jpeg"), stimuli)
        # A stray file of the archive ends in fixPts.jpg without the underscore: not for a match.
        points = originals.by_stem(pathlib.Path(maps).rglob(f"*{_POINTS}.jpg"), maps)
        points = {stem.removesuffix(_POINTS): path for stem, path in points.items()}
        originals.check_partners(images, points, f"{stimuli} and {maps}")
        self.info.metadata.update(schema.NOTHING_COUNTED)
        test = held_out.held_out(images, _TEST_SHARE)
        splits = {"train": images.keys() - test, "test": test}
        return {
            split: self._generate_examples(
                make_example, [(images[stem], points[stem]) for stem in sorted(stems)]
            )
            for split, stems in splits.items()
        }


def make_example(record: tuple[tfds.core.Path, pathlib.Path]) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        record: image file and map of its fixations.

    Returns:
        Key, example and counts.
    """
    image, points = record
    size = originals.image_size(image)
    x, y = read_points(points, size).T
    unknown = np.full(len(x), -1)
    fixations, dropped = schema.fixation_rows(x, y, unknown, unknown, size=size, source=points)
    key = image.stem
    example = {"image": image, "image/id": key, "fixations": fixations}
    return key, example, schema.tally(fixations, dropped)
