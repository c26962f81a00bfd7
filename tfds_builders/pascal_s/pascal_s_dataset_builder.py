"""PASCAL-S: eye fixations of eight people on photographs of PASCAL VOC (Li et al., 2014)."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, held_out, originals, schema
from tfds_builders.pascal_s.cells import Gaze, read_cells

_URL = "http://cbs.ic.gatech.edu/salobj/download/salObj.zip"
_MD5 = "e48b4e5deac08bddcaec55ce56e4d420"
_IMAGES = "datasets/imgs/pascal"
_GAZE_FILE = "datasets/fixations/pascalFix.mat"
_TEST_SHARE = 200 / 850


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the image file.
        gaze: fixations on it.
        source: the file that the gaze was read from.
    """

    image: tfds.core.Path
    gaze: Gaze
    source: tfds.core.Path


class Builder(gaze_builder.GazeBuilder):
    """Builds PASCAL-S from a copy in `manual_dir`, or from the authors' archive."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold {_IMAGES}/1.jpg to 850.jpg and {_GAZE_FILE}: {_URL}, unpacked. The "
        "certificate of that site is known to be invalid; a download configuration with "
        "verify_ssl=False fetches it all the same, and the archive's MD5 is compared then too."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="http://cbs.ic.gatech.edu/salobj/",
            license="not stated; images: Flickr's terms of use, as for PASCAL VOC",
            metadata=tfds.core.MetadataDict(
                # No source states the blur of the authors' maps. This is ours: the same part of
                # the longer side, 500 pixels here, as in SALICON (19 of 640) and OSIE (24 of 800).
                sigma_px=15.0,
                task="free viewing",
                viewers=8,
                viewing_time_s=2.0,
                tracker="EyeLink 1000",
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Joins images and gaze by number and divides them; 650 to 200 in the full set."""
        folder, gaze_file = (
            originals.obtain(
                dl_manager,
                name,
                originals.Published(_URL, _MD5, name),
                self.MANUAL_DOWNLOAD_INSTRUCTIONS,
            )
            for name in (_IMAGES, _GAZE_FILE)
        )
        images = originals.by_stem(folder.glob("*.*"), folder)
        gaze = {str(number): found for number, found in enumerate(read_cells(gaze_file), 1)}
        originals.check_partners(images, gaze, f"{folder} and {gaze_file}")
        test = held_out.held_out(images, _TEST_SHARE)
        self.info.metadata.update(schema.NOTHING_COUNTED)
        splits = {"train": [], "test": []}
        for number, image in images.items():
            record = Record(image, gaze[number], gaze_file)
            splits["test" if number in test else "train"].append(record)
        return {
            split: self._generate_examples(make_example, records)
            for split, records in splits.items()
        }


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        record: image and gaze.

    Returns:
        Key, example and counts.
    """
    key, gaze = record.image.stem, record.gaze
    fixations, dropped = schema.fixation_rows(
        gaze.x,
        gaze.y,
        np.full(len(gaze.x), -1),
        gaze.viewer,
        size=originals.image_size(record.image),
        source=f"{record.source}, image {key}",
    )
    example = {"image": record.image, "image/id": key, "fixations": fixations}
    return key, example, schema.tally(fixations, dropped)
