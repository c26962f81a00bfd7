"""POET: eye fixations of people who tell two classes apart (Papadopoulos et al., 2014)."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, held_out, manual, originals, photographs, schema
from tfds_builders.poet.entries import Entry, read_entries

_CLASSES = (
    "aeroplane",
    "bicycle",
    "boat",
    "cat",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "sofa",
)
_GAZE_FILES = {name: f"POETdataset/etData/etData_{name}.mat" for name in _CLASSES}
_IMAGES = "POETdataset/PascalImages"
_TRAIN_SHARE = 441 / 6270  # the paper's Table 3


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        class_name: the class that the image was shown for.
        entry: gaze on the image.
        image: the image.
        source: the file that the gaze was read from.
    """

    class_name: str
    entry: Entry
    image: tfds.core.Path | photographs.StoredImage
    source: tfds.core.Path


class Builder(gaze_builder.GazeBuilder):
    """Builds POET from the authors' archive in `manual_dir`; the images may be those of VOC."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack the authors' archive (http://calvin-vision.net/datasets/poet-dataset/) so that "
        f"manual_dir holds {_GAZE_FILES['aeroplane']} and those of the nine other classes, and "
        f"{_IMAGES}/<class>_<VOC id>.jpg. Without the latter folder the images are taken from the "
        "set voc/2012."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label=tfds.features.ClassLabel(names=_CLASSES)),
            supervised_keys=("image", "label"),
            homepage="http://calvin-vision.net/datasets/poet-dataset/",
            license="not stated; images: Flickr's terms of use, as for PASCAL VOC",
            metadata=tfds.core.MetadataDict(
                # The paper does not give its blur. Maps of this one score as its Table 4 says that
                # people do: an NSS of 5.19 (5.54 at 12 pixels, 4.92 at 14; 800 images).
                sigma_px=13.0,
                task="classification",
                viewers=28,
                viewing_time_s=None,
                tracker="EyeLink 2000",
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Reads the gaze of all ten classes and divides it; 441 to 5829 in the full set."""
        needed = list(_GAZE_FILES.values())
        root = manual.require(dl_manager, needed, self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        entries = {name: read_entries(root / file) for name, file in _GAZE_FILES.items()}
        train = _train_ids(entries)
        self.info.metadata.update(schema.NOTHING_COUNTED)
        splits = {"train": {}, "test": {}}
        for name, found in entries.items():
            for entry in found:
                split = splits["train" if entry.voc_id in train else "test"]
                split.setdefault(entry.voc_id, []).append((name, entry))
        return {
            split: self._generate_examples(make_example, self._records(root, part))
            for split, part in splits.items()
        }

    def _records(
        self, root: tfds.core.Path, entries: dict[str, list[tuple[str, Entry]]]
    ) -> Iterator[Record]:
        """Joins entries, by VOC id, to the authors' copies of the images or to VOC's."""
        if (root / _IMAGES).is_dir():
            for voc_id, shown in entries.items():
                for name, entry in shown:
                    image = root / _IMAGES / f"{name}_{voc_id}.jpg"
                    yield Record(name, entry, image, root / _GAZE_FILES[name])
            return
        missing = set(entries)
        for photograph in photographs.stored(
            "voc/2012", "image/filename", self.data_dir_root, self.MANUAL_DOWNLOAD_INSTRUCTIONS
        ):
            for name, entry in entries.get(photograph.stem, ()):
                yield Record(name, entry, photograph.image, root / _GAZE_FILES[name])
            missing.discard(photograph.stem)
        if missing:
            raise ValueError(
                f"voc/2012 in {self.data_dir_root} must hold every image with gaze; it lacks "
                f"{len(missing)}, first {min(missing)}. Prepare it again, or add {_IMAGES}"
            )


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one entry; the JPEG bytes pass through as they are.

    Args:
        record: image and gaze.

    Returns:
        Key, example and counts.

    Raises:
        ValueError: if the image has another size than the gaze was recorded on.
    """
    entry = record.entry
    source = f"{record.source}, image {entry.voc_id}"
    size = originals.image_size(record.image)
    if size != entry.size:
        raise ValueError(
            f"{source} gives (height, width) {entry.size}, {record.image} has {size}; the image "
            "belongs to another set"
        )
    fixations, dropped = schema.fixation_rows(
        entry.x, entry.y, entry.duration_ms, entry.viewer, size=size, source=source
    )
    key = f"{record.class_name}/{entry.voc_id}"
    example = {
        "image": photographs.content(record.image),
        "image/id": key,
        "label": record.class_name,
        "fixations": fixations,
    }
    return key, example, schema.tally(fixations, dropped)


def _train_ids(entries: dict[str, list[Entry]]) -> set[str]:
    """Chooses the training images, the same share of each class.

    The paper's list is not public. An image that shows two of the classes stands in both of their
    files; such images are all for testing, so that no image is on both sides.
    """
    seen, twice = set(), set()
    for found in entries.values():
        ids = {entry.voc_id for entry in found}
        twice |= ids & seen
        seen |= ids
    chosen = set()
    for found in entries.values():
        single = {entry.voc_id for entry in found} - twice
        wanted = round(len(found) * _TRAIN_SHARE)
        chosen |= held_out.held_out(single, wanted / max(len(single), 1))
    return chosen
