"""iSUN: gaze of a crowd on scenes, recorded by webcam (Xu et al., 2015)."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, originals, schema
from tfds_builders.isun.gaze_lists import Listed, read_list

_HOME = "http://lsun.cs.princeton.edu/challenge/2015/eyetracking/data"
_IMAGES = originals.Published(f"{_HOME}/image.zip", "0a3af01c5307f1d44f5dd309f71ea963", "images")
_LISTS = {
    "training": originals.Published(f"{_HOME}/training.mat", "5a8b15134b17c7a3f69b087845db1363"),
    "validation": originals.Published(
        f"{_HOME}/validation.mat", "f68e9b011576e48d2460b883854fd86c"
    ),
    "testing": originals.Published(f"{_HOME}/testing.mat", "be008ef0330467dcb9c9cd9cc96a8546"),
}
_SPLITS = {"train": "training", "validation": "validation", "test": "testing"}


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the image file.
        listed: its entry in the list.
        source: the list, for messages.
    """

    image: tfds.core.Path
    listed: Listed
    source: str


class Builder(gaze_builder.GazeBuilder):
    """Builds iSUN from copies in `manual_dir`, and downloads the parts that are not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold images/<name>.jpg (image.zip of {_HOME}, unpacked) and training.mat, "
        "validation.mat and testing.mat of the same place."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="http://lsun.cs.princeton.edu",
            license="not stated",
            metadata=tfds.core.MetadataDict(
                # No source states the blur of the authors' maps. This is that of OSIE, ours.
                sigma_px=24.0,
                task="free viewing",
                viewers="crowd",
                viewing_time_s=None,
                tracker="webcam",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """The authors' splits."""
        images = self._obtain(dl_manager, "images", _IMAGES)
        self.info.metadata.update(schema.NOTHING_COUNTED)
        splits = {}
        for split, name in _SPLITS.items():
            path = self._obtain(dl_manager, f"{name}.mat", _LISTS[name])
            records = [
                Record(images / f"{listed.stem}.jpg", listed, f"{path}, image {listed.stem}")
                for listed in read_list(path, name, with_gaze=split != "test")
            ]
            splits[split] = self._generate_examples(make_example, records)
        return splits

    def _obtain(
        self, dl_manager: tfds.download.DownloadManager, name: str, published: originals.Published
    ) -> tfds.core.Path:
        """Finds or fetches one part."""
        return originals.obtain(dl_manager, name, published, self.MANUAL_DOWNLOAD_INSTRUCTIONS)


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        record: image and gaze.

    Returns:
        Key, example and counts.
    """
    size = originals.image_size(record.image)
    fixations, counts = schema.no_fixations(), {}
    if record.listed.xy is not None:
        xy = record.listed.xy
        fixations, dropped = schema.fixation_rows(
            *xy.T, np.full(len(xy), -1), record.listed.viewer, size=size, source=record.source
        )
        counts = schema.tally(fixations, dropped)
    key = record.listed.stem
    return key, {"image": record.image, "image/id": key, "fixations": fixations}, counts
