"""COCO-Search18: eye fixations of ten people who search for objects (Chen et al., 2021)."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.coco_search18 import pictures
from tfds_builders.coco_search18.trials import Trial, by_picture, by_split, columns, read_trials
from tfds_builders.common import gaze_builder, originals, schema

TASKS = (
    "bottle",
    "bowl",
    "car",
    "chair",
    "clock",
    "cup",
    "fork",
    "keyboard",
    "knife",
    "laptop",
    "microwave",
    "mouse",
    "oven",
    "potted plant",
    "sink",
    "stop sign",
    "toilet",
    "tv",
)
_GAZE_ARCHIVE = f"{pictures.HOME}/COCOSearch18-fixations-TP.zip", "bfcf4c005a89c43a1719b28b028c5499"
_TRAIN = "coco_search18_fixations_TP_train_split1.json"
_VALIDATION = "coco_search18_fixations_TP_validation_split1.json"
_ABSENT = "coco_search18_fixations_TA_trainval.json"
_GAZE = {
    "present": {
        name: originals.Published(*_GAZE_ARCHIVE, inside=name) for name in (_TRAIN, _VALIDATION)
    },
    "absent": {
        _ABSENT: originals.Published(
            f"{pictures.HOME}/{_ABSENT}", "bd491cce105ff6470536afdab1184776"
        )
    },
}


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the picture's file.
        key: task and file name.
        trials: what people did with it; empty where that is hidden.
        with_box: whether the set tells where the target is.
    """

    image: tfds.core.Path
    key: tuple[str, str]
    trials: tuple[Trial, ...]
    with_box: bool


class Builder(gaze_builder.GazeBuilder):
    """Builds COCO-Search18 from copies in `manual_dir`, and downloads the parts not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="present", description="What is searched for is there."),
        tfds.core.BuilderConfig(name="absent", description="What is searched for is not there."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold, from {pictures.HOME}/: for `present` {pictures.FOLDERS['present']}/ "
        f"(COCOSearch18-images-TP.zip, unpacked), {_TRAIN} and {_VALIDATION} "
        f"(COCOSearch18-fixations-TP.zip, unpacked); for `absent` {pictures.FOLDERS['absent']}/ "
        f"(COCOSearch18-images-TA.zip, unpacked) and {_ABSENT}."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        features = dict(schema.gaze_features(tfds.features.ClassLabel(names=TASKS)))
        features["trials"] = tfds.features.Sequence(
            {"viewer": np.int32, "correct": np.int32, "reaction_time_ms": np.float32}
        )
        if self.builder_config.name == "present":
            features["target_box"] = tfds.features.BBoxFeature()
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            homepage="https://sites.google.com/view/cocosearch/",
            license="images: those of COCO; gaze: for research, not to be passed on",
            metadata=tfds.core.MetadataDict(
                # What the public benchmark uses for COCO-FreeView, on the same screen.
                sigma_px=30.0,
                task="search",
                viewers=10,
                viewing_time_s=None,  # until the answer
                tracker="EyeLink 1000",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """The authors' splits; pictures without a trial are those whose gaze is held back."""
        condition = self.builder_config.name
        instructions = self.MANUAL_DOWNLOAD_INSTRUCTIONS
        gaze = [
            originals.obtain(dl_manager, name, published, instructions)
            for name, published in _GAZE[condition].items()
        ]
        folder = originals.obtain(
            dl_manager, pictures.FOLDERS[condition], pictures.ARCHIVES[condition], instructions
        )
        images = pictures.by_task(folder, TASKS)
        trials = by_picture(trial for path in gaze for trial in read_trials(path, condition))
        self.info.metadata.update(schema.NOTHING_COUNTED, trials=0, trials_with_wrong_answer=0)
        records = list(_records(images, trials, folder, condition == "present"))
        return {
            split: self._generate_examples(make_example, listed)
            for split, listed in by_split(records).items()
        }


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one picture and task; the JPEG bytes pass through as they are.

    Args:
        record: picture and trials.

    Returns:
        Key, example and counts.
    """
    height, width = size = originals.image_size(record.image)
    task, name = record.key
    fixations, counts = schema.no_fixations(), {}
    if record.trials:
        source = f"trials of {name}, {task}"
        fixations, dropped = schema.fixation_rows(
            **columns(record.trials), size=size, source=source
        )
        counts = schema.tally(fixations, dropped) | {
            "trials": len(record.trials),
            "trials_with_wrong_answer": sum(trial.correct == 0 for trial in record.trials),
        }
    key = f"{task}/{name}"
    example = {
        "image": record.image,
        "image/id": key,
        "label": task,
        "fixations": fixations,
        "trials": {
            "viewer": np.array([trial.viewer for trial in record.trials], np.int32),
            "correct": np.array([trial.correct for trial in record.trials], np.int32),
            "reaction_time_ms": np.array([t.reaction_time_ms for t in record.trials], np.float32),
        },
    }
    if record.with_box:
        x, y, w, h = next((trial.box for trial in record.trials if trial.box), (0, 0, 0, 0))
        edges = np.clip(np.divide([y, x, y + h, x + w], [height, width, height, width]), 0, 1)
        example["target_box"] = tfds.features.BBox(*edges)
    return key, example, counts


def _records(
    images: dict[tuple[str, str], tfds.core.Path],
    trials: dict[tuple[str, str], list[Trial]],
    folder: tfds.core.Path,
    with_box: bool,
) -> Iterator[Record]:
    """Joins pictures and trials by task and name."""
    lacking = sorted(trials.keys() - images.keys())
    if lacking:
        task, name = lacking[0]
        raise FileNotFoundError(
            f"{folder} lacks {len(lacking)} pictures that trials name, the first is "
            f"{task}/{name}.jpg. Unpack the archive again"
        )
    for key, image in images.items():
        yield Record(image, key, tuple(trials.get(key, ())), with_box)
