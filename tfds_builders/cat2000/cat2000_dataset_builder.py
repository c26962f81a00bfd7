"""CAT2000: eye fixations on 20 kinds of pictures (Borji and Itti, 2015)."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.cat2000.location_map import read_locations
from tfds_builders.common import gaze_builder, originals, schema

_HOME = "http://saliency.mit.edu"
_TRAIN = originals.Published(
    f"{_HOME}/trainSet.zip", "56ad5c77e6c8f72ed9ef2901628d6e48", "trainSet"
)
_TEST = originals.Published(f"{_HOME}/testSet.zip", "903ec668df2e5a8470aef9d8654e7985", "testSet")


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the image file, in a folder named like its category.
        locations: MATLAB file with the gaze on it; None where that is not public.
    """

    image: tfds.core.Path
    locations: tfds.core.Path | None = None

    @property
    def key(self) -> str:
        """Category and number, such as `Action/001`."""
        return f"{self.image.parent.name}/{self.image.stem}"


class Builder(gaze_builder.GazeBuilder):
    """Builds CAT2000 from copies in `manual_dir`, and downloads the half that is not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "manual_dir may hold trainSet/ (with Stimuli/<category>/<number>.jpg and "
        "FIXATIONLOCS/<category>/<number>.mat) and testSet/ (with Stimuli/): trainSet.zip and "
        f"testSet.zip of {_HOME}, unpacked."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the build fills in the counts and the categories that are there."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label=tfds.features.ClassLabel()),
            supervised_keys=("image", "label"),
            homepage=f"{_HOME}/results_cat2000.html",
            license="not stated",
            metadata=tfds.core.MetadataDict(
                # The width that the public benchmark uses on these images.
                sigma_px=40.0,
                task="free viewing",
                # 24 looked at each image; the gaze of 18 was released.
                viewers=18,
                viewing_time_s=5.0,
                tracker="EyeLink 1000",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """The authors' halves."""
        instructions = self.MANUAL_DOWNLOAD_INSTRUCTIONS
        train = originals.obtain(dl_manager, "trainSet", _TRAIN, instructions)
        test = originals.obtain(dl_manager, "testSet", _TEST, instructions)
        splits = {"train": _train_records(train), "test": _test_records(test)}
        categories = {record.image.parent.name for part in splits.values() for record in part}
        self.info.features["label"].names = sorted(categories)
        self.info.metadata.update(schema.NOTHING_COUNTED)
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
    size = originals.image_size(record.image)
    fixations, counts = schema.no_fixations(), {}
    if record.locations is not None:
        x, y = read_locations(record.locations, size).T
        unknown = np.full(len(x), -1)
        fixations, dropped = schema.fixation_rows(
            x, y, unknown, unknown, size=size, source=record.locations
        )
        counts = schema.tally(fixations, dropped)
    example = {
        "image": record.image,
        "image/id": record.key,
        "label": record.image.parent.name,
        "fixations": fixations,
    }
    return record.key, example, counts


def _by_category(folder: tfds.core.Path, pattern: str) -> dict[str, tfds.core.Path]:
    """Lists `<category>/<number>`; the `Output` folders inside the categories are left out."""
    found = {}
    for category in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = originals.by_stem(category.glob(pattern), category)
        found |= {f"{category.name}/{stem}": path for stem, path in files.items()}
    if not found:
        raise FileNotFoundError(f"{folder} must hold a folder for each category. Unpack it again")
    return found


def _train_records(root: tfds.core.Path) -> list[Record]:
    """Joins images and gaze by category and number."""
    images = _by_category(root / "Stimuli", "*.jpg")
    locations = _by_category(root / "FIXATIONLOCS", "*.mat")
    originals.check_partners(images, locations, root)
    return [Record(image, locations[key]) for key, image in images.items()]


def _test_records(root: tfds.core.Path) -> list[Record]:
    """Lists the images whose gaze is held back."""
    return [Record(image) for image in _by_category(root / "Stimuli", "*.jpg").values()]
