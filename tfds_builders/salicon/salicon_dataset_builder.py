"""SALICON: mouse-contingent free viewing of pictures of COCO (Jiang et al., 2015)."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, originals, schema
from tfds_builders.salicon.annotations import Places, find_annotations, read_annotations
from tfds_builders.salicon.gaze_files import read_fixations


def _drive(file_id: str) -> str:
    """Address of a file on Google Drive that answers without a page to confirm on."""
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


_IMAGES = originals.Published(
    _drive("1g8j-hTT-51IG1UFwP0xTGhLdgIUCW5e5"), "eb2a1bb706633d1b31fc2e01422c5757", "images"
)
_FIXATIONS = {
    "2015": originals.Published(
        _drive("1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6"), "9a22db9d718200fb90252e5010c004c4", ""
    ),
    "2017": originals.Published(
        _drive("1P-jeZXCsjoKO79OhFUgnj6FGcyvmLDPj"), "462b70f4f9e8ea446ac628e46cea8d3d", ""
    ),
}
_MOUSE = {
    "train": originals.Published(
        "https://www.dropbox.com/s/7t2sc4m92hhtzm2/fixations_train2014.json.zip?dl=1", inside=""
    ),
    "val": originals.Published(
        "https://www.dropbox.com/s/bgo91bnoqk3m5ja/fixations_val2014.json.zip?dl=1", inside=""
    ),
}
_SPLITS = {"train": "train", "validation": "val"}
# The authors' software comes with ten training images, in folders of their own.
_SAMPLE = ("annotations/fixations_train2014examples.json", "images/train2014examples")


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        image: the image file.
        gaze: file with the gaze on it; None where that is not public.
        places: where in a JSON file the gaze stands; None for a MATLAB file.
    """

    image: tfds.core.Path
    gaze: tfds.core.Path | None = None
    places: Places | None = None


class Builder(gaze_builder.GazeBuilder):
    """Builds SALICON from copies in `manual_dir`, and downloads the half that is not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="2017", description="Fixations of the release of 2017."),
        tfds.core.BuilderConfig(name="2015", description="Fixations of the release of 2015."),
        tfds.core.BuilderConfig(
            name="2014", description="All mouse samples, from the JSON files of the first release."
        ),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "manual_dir may hold images/train, images/val and images/test with COCO_*2014_*.jpg (the "
        "images of http://salicon.net/challenge-2017, unpacked); for salicon/2015 and salicon/2017 "
        "fixations_2015/ or fixations_2017/ with train/*.mat and val/*.mat (the fixations there, "
        "each release unpacked into its own folder); for salicon/2014 "
        "annotations/fixations_train2014.json and annotations/fixations_val2014.json."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="http://salicon.net",
            license="images: Flickr licences, listed in the JSON files; gaze: not stated",
            metadata=tfds.core.MetadataDict(
                # The blur of the authors' software (`buildFixMap`).
                sigma_px=19.0,
                task="free viewing",
                viewers="crowd",
                viewing_time_s=None,
                tracker="mouse, moved over a blurred picture",
                splits_without_gaze=["test"],
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """The authors' splits; of the ten images of their software there is but `train`."""
        self.info.metadata.update(schema.NOTHING_COUNTED)
        release = self.builder_config.name
        sample = originals.manual_copy(dl_manager, _SAMPLE) if release == "2014" else None
        if sample is not None:
            json, images = (sample / name for name in _SAMPLE)
            return {"train": self._generate_examples(make_example, _json_records(images, json))}
        images = self._obtain(dl_manager, "images", _IMAGES)
        splits = {}
        for split, folder in _SPLITS.items():
            if release == "2014":
                records = _json_records(images / folder, self._json(dl_manager, folder))
            else:
                fixations = self._obtain(dl_manager, f"fixations_{release}", _FIXATIONS[release])
                records = _mat_records(images / folder, fixations / folder)
            splits[split] = self._generate_examples(make_example, records)
        hidden = [Record(image) for image in _images(images / "test").values()]
        return splits | {"test": self._generate_examples(make_example, hidden)}

    def _obtain(
        self, dl_manager: tfds.download.DownloadManager, name: str, published: originals.Published
    ) -> tfds.core.Path:
        """Finds or fetches one part."""
        return originals.obtain(dl_manager, name, published, self.MANUAL_DOWNLOAD_INSTRUCTIONS)

    def _json(self, dl_manager: tfds.download.DownloadManager, folder: str) -> pathlib.Path:
        """Finds or fetches the mouse samples of one split."""
        name = f"annotations/fixations_{folder}2014.json"
        found = pathlib.Path(self._obtain(dl_manager, name, _MOUSE[folder]))
        if found.is_file():
            return found
        inside = [path for path in sorted(found.rglob("*.json")) if path.name[0] != "."]
        if len(inside) != 1:
            raise ValueError(
                f"{found} (from {_MOUSE[folder].url}) must hold one JSON file; got {inside}. "
                f"Put the right one into manual_dir as {name}"
            )
        return inside[0]


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one image; the JPEG bytes pass through as they are.

    Args:
        record: image and gaze.

    Returns:
        Key, example and counts.
    """
    size = originals.image_size(record.image)
    fixations, counts = schema.no_fixations(), {}
    if record.gaze is not None:
        if record.places is None:
            xy, viewer = read_fixations(record.gaze)
        else:
            xy, viewer = read_annotations(record.gaze, record.places)
        unknown = np.full(len(xy), -1)
        source = f"{record.gaze}, image {record.image.stem}"
        fixations, dropped = schema.fixation_rows(*xy.T, unknown, viewer, size=size, source=source)
        counts = schema.tally(fixations, dropped)
    key = record.image.stem
    return key, {"image": record.image, "image/id": key, "fixations": fixations}, counts


def _images(folder: tfds.core.Path) -> dict[str, tfds.core.Path]:
    return originals.by_stem(folder.glob("*.jpg"), folder)


def _mat_records(images: tfds.core.Path, fixations: tfds.core.Path) -> list[Record]:
    """Joins images and MATLAB files by their stems."""
    pictures, gaze = _images(images), originals.by_stem(fixations.glob("*.mat"), fixations)
    originals.check_partners(pictures, gaze, f"{images} and {fixations}")
    return [Record(picture, gaze[stem]) for stem, picture in pictures.items()]


def _json_records(images: tfds.core.Path, json: pathlib.Path) -> list[Record]:
    """Joins images and the annotations of one JSON file by the images' stems."""
    pictures, places = _images(images), find_annotations(json)
    originals.check_partners(pictures, places, f"{images} and {json}")
    return [Record(picture, json, places[stem]) for stem, picture in pictures.items()]
