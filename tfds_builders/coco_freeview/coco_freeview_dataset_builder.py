"""COCO-FreeView: eye fixations of ten people who look freely at pictures of COCO (2022)."""

import dataclasses
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.coco_search18 import pictures
from tfds_builders.coco_search18.coco_search18_dataset_builder import TASKS
from tfds_builders.coco_search18.trials import Trial, by_picture, by_split, columns, read_trials
from tfds_builders.common import gaze_builder, originals, schema

_GAZE_FILE = "COCOFreeView_fixations_trainval.json"
_GAZE = originals.Published(f"{pictures.HOME}/{_GAZE_FILE}", "c7f2fbc92afbe55d4dedc445ac2063d3")


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the picture's file.
        trials: who looked at it how; empty where that is hidden.
    """

    image: tfds.core.Path
    trials: tuple[Trial, ...]


class Builder(gaze_builder.GazeBuilder):
    """Builds COCO-FreeView from copies in `manual_dir`, and downloads the parts not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold, from {pictures.HOME}/: {_GAZE_FILE}, {pictures.FOLDERS['present']}/ "
        f"(COCOSearch18-images-TP.zip, unpacked) and {pictures.FOLDERS['absent']}/ "
        "(COCOSearch18-images-TA.zip, unpacked)."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="https://sites.google.com/view/cocosearch/coco-freeview",
            license="images: those of COCO; gaze: for research, not to be passed on",
            metadata=tfds.core.MetadataDict(
                sigma_px=30.0,  # what the public benchmark uses
                task="free viewing",
                viewers=10,
                viewing_time_s=5.0,
                tracker="EyeLink 1000",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """The authors' splits; pictures without a trial are those whose gaze is held back."""
        instructions = self.MANUAL_DOWNLOAD_INSTRUCTIONS
        gaze = originals.obtain(dl_manager, _GAZE_FILE, _GAZE, instructions)
        images: dict[str, tfds.core.Path] = {}
        for condition, folder in pictures.FOLDERS.items():
            unpacked = originals.obtain(
                dl_manager, folder, pictures.ARCHIVES[condition], instructions
            )
            # A picture that several tasks share is the same file in each of their folders.
            for (_, name), path in pictures.by_task(unpacked, TASKS).items():
                images.setdefault(name, path)
        trials = {
            name: tuple(found)
            for (_, name), found in by_picture(read_trials(gaze, "freeview")).items()
        }
        lacking = sorted(trials.keys() - images.keys())
        if lacking:
            raise FileNotFoundError(
                f"{gaze} names {len(lacking)} pictures that are in neither folder, the first is "
                f"{lacking[0]}.jpg. Unpack both archives again"
            )
        self.info.metadata.update(schema.NOTHING_COUNTED)
        records = [Record(image, trials.get(name, ())) for name, image in sorted(images.items())]
        return {
            split: self._generate_examples(make_example, listed)
            for split, listed in by_split(records).items()
        }


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one picture; the JPEG bytes pass through as they are.

    Args:
        record: picture and trials.

    Returns:
        Key, example and counts.
    """
    size = originals.image_size(record.image)
    key = record.image.stem
    fixations, counts = schema.no_fixations(), {}
    if record.trials:
        fixations, dropped = schema.fixation_rows(
            **columns(record.trials), size=size, source=f"trials of {key}"
        )
        counts = schema.tally(fixations, dropped)
    return key, {"image": record.image, "image/id": key, "fixations": fixations}, counts
