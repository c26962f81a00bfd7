"""Gaze in a layout of ours, for sets whose original files cannot be found.

In `manual_dir`, in a folder named like the set:

    fixations.csv                 configuration `points`; see `fixation_table`
    heatmaps/<stem>.png           configuration `maps`; grey, the image's shape in any size; one
                                  level of folders, such as those of classes, is allowed
    splits/{train,val,test}.txt   a stem per line; without this folder the split is ours
"""

import abc
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import (
    fixation_table,
    gaze_builder,
    manual,
    originals,
    photographs,
    schema,
    user_files,
)

_FILES = {"points": "fixations.csv", "maps": "heatmaps"}
_LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        photograph: the image, with its class where the set has classes.
        gaze: fixations on it, or the file of its heat map.
        source: where the gaze was read from.
    """

    photograph: photographs.Photograph
    gaze: fixation_table.Fixations | tfds.core.Path
    source: tfds.core.Path


class OwnLayoutBuilder(gaze_builder.GazeBuilder, skip_registration=True):
    """A builder that joins gaze in the layout above to photographs, by stem."""

    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="points", description="Fixations, from `fixations.csv`."),
        tfds.core.BuilderConfig(
            name="maps", description="Heat maps, from `heatmaps`; no fixations."
        ),
    ]
    SIGMA_PX: ClassVar[float]
    """Gaussian sigma for heat maps of the points, in pixels of the original image."""
    SPLIT_SIZES: ClassVar[dict[str, int]]
    """Images of each split in the whole set; others are divided in the same proportion."""

    def _describe(
        self,
        label: tfds.features.ClassLabel | None = None,
        *,
        facts: dict[str, Any],
        **options: Any,
    ) -> tfds.core.DatasetInfo:
        """Describes the set; `facts` are the metadata that the sets differ in."""
        maps = self.builder_config.name == "maps"
        # Whoever made the maps has blurred them already.
        sigma_px = 0.0 if maps else self.SIGMA_PX
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label, heatmap=maps),
            metadata=tfds.core.MetadataDict(sigma_px=sigma_px, **facts),
            **options,
        )

    @abc.abstractmethod
    def _photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Iterable[photographs.Photograph]:
        """Lists the images that the set's may be among; is called more than once."""

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Joins gaze and photographs, and divides them."""
        needed = f"{self.name}/{_FILES[self.builder_config.name]}"
        root = manual.require(dl_manager, [needed], self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        source = root / needed
        gaze = _read_gaze(source)
        classes = self._classes(dl_manager, gaze, source)
        lists = root / self.name / "splits"
        listed = lists.is_dir()
        sizes = self.SPLIT_SIZES
        parts = _read_lists(lists, gaze, sizes) if listed else divide(classes, sizes)
        if empty := [split for split, stems in parts.items() if not stems]:
            raise ValueError(
                f"{source}: {len(gaze)} images with gaze leave `{empty[0]}` without one; add "
                f"images, or lists in {lists}"
            )
        self.info.metadata.update(schema.NOTHING_COUNTED, own_split=not listed)
        return {
            split: self._generate_examples(
                make_example, self._records(dl_manager, stems, gaze, source)
            )
            for split, stems in parts.items()
        }

    def _classes(
        self,
        dl_manager: tfds.download.DownloadManager,
        gaze: Iterable[str],
        source: tfds.core.Path,
    ) -> dict[str, str]:
        """Looks up the class of each stem with gaze, and what classes there are at all."""
        wanted, classes, names = set(gaze), {}, set()
        for photograph in self._photographs(dl_manager):
            names.add(photograph.class_name)
            if photograph.stem in classes:
                raise ValueError(
                    f"images must have different names; {photograph.image} is another one of the "
                    f"name {photograph.stem}. Remove one"
                )
            if photograph.stem in wanted:
                classes[photograph.stem] = photograph.class_name
        if missing := wanted - set(classes):
            raise ValueError(
                f"{source}: {len(missing)} names belong to no image, first {min(missing)}. Names "
                "are those of image files, without folders and extension"
            )
        if "label" in self.info.features and self.info.features["label"].num_classes is None:
            self.info.features["label"].names = sorted(names)
        return classes

    def _records(
        self,
        dl_manager: tfds.download.DownloadManager,
        stems: set[str],
        gaze: Mapping[str, Any],
        source: tfds.core.Path,
    ) -> Iterator[Record]:
        """Reads the photographs of one split."""
        for photograph in self._photographs(dl_manager):
            if photograph.stem in stems:
                yield Record(photograph, gaze[photograph.stem], source)


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one image; the bytes of image and heat map pass through as they are.

    Args:
        record: image and gaze.

    Returns:
        Key, example and counts.
    """
    key, image, gaze = record.photograph.stem, record.photograph.image, record.gaze
    size = originals.image_size(image)
    example = {"image": photographs.content(image), "image/id": key}
    if record.photograph.class_name:
        example["label"] = record.photograph.class_name
    if not isinstance(gaze, fixation_table.Fixations):
        _check_heatmap(gaze, size)
        nothing = schema.no_fixations()
        return key, example | {"fixations": nothing, "heatmap": gaze}, schema.tally(nothing, 0)
    fixations, dropped = schema.fixation_rows(
        gaze.x,
        gaze.y,
        gaze.duration_ms,
        gaze.viewer,
        size=size,
        source=f"{record.source}, image {key}",
    )
    return key, example | {"fixations": fixations}, schema.tally(fixations, dropped)


def divide(classes: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, set[str]]:
    """Divides images in given proportions, each class as evenly as whole numbers allow.

    The order is that of SHA-256 digests, which no library's random numbers can change.

    Args:
        classes: class by stem.
        sizes: images of each split; what matters is their proportion.

    Returns:
        Stems by split. The parts of `sum(sizes)` images have exactly `sizes`.
    """
    members: dict[str, list[str]] = {}
    for stem in sorted(classes, key=_digest):
        members.setdefault(classes[stem], []).append(stem)
    # Each class is spread over [0, 1], so that every interval holds its share of every class.
    place = {
        stem: (rank + 0.5) / len(stems)
        for stems in members.values()
        for rank, stem in enumerate(stems)
    }
    order = sorted(place, key=lambda stem: (place[stem], _digest(stem)))
    parts, begin, total = {}, 0, 0
    for split, size in sizes.items():
        total += size
        end = round(len(order) * total / sum(sizes.values()))
        parts[split] = set(order[begin:end])
        begin = end
    return parts


def _digest(stem: str) -> str:
    return hashlib.sha256(stem.encode()).hexdigest()


def _read_gaze(source: tfds.core.Path) -> dict[str, Any]:
    """Reads the table, or lists the heat maps, by stem."""
    if source.suffix == ".csv":
        return fixation_table.read_table(source)
    maps = [path for pattern in ("*.png", "*.jpg") for path in source.glob(pattern)]
    maps += [path for pattern in ("*/*.png", "*/*.jpg") for path in source.glob(pattern)]
    return originals.by_stem(maps, source)


def _read_lists(
    folder: tfds.core.Path, gaze: Iterable[str], splits: Iterable[str]
) -> dict[str, set[str]]:
    """Reads the lists of a user who knows the split."""
    parts = {split: _read_list(folder / _LISTS[split]) for split in splits}
    listed = [stem for stems in parts.values() for stem in stems]
    if sorted(listed) != sorted(gaze):
        wrong = sorted(set(listed) ^ set(gaze)) or [s for s in listed if listed.count(s) > 1]
        raise ValueError(
            f"{folder}: every image with gaze must stand in one list, once, and no other one; see "
            f"{', '.join(wrong[:5])}"
        )
    return {split: set(stems) for split, stems in parts.items()}


def _read_list(path: tfds.core.Path) -> list[str]:
    """Reads a name per line."""
    try:
        text = path.read_text()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be text in UTF-8 ({error}); save it so") from error
    return [user_files.composed(line.strip()) for line in text.splitlines() if line.strip()]


def _check_heatmap(path: tfds.core.Path, size: tuple[int, int]) -> None:
    """Checks that a heat map decodes, is grey and has the shape of its image."""
    height, width = size
    map_height, map_width = originals.image_size(path)
    with Image.open(path) as image:
        mode = image.mode
    # A side of the map may be rounded to the next pixel.
    if mode != "L" or abs(map_width * height - map_height * width) > max(size):
        raise ValueError(
            f"heat map {path} must be grey and of the shape of its image, {height}x{width}; got "
            f"mode {mode}, {map_height}x{map_width}. Convert it"
        )
