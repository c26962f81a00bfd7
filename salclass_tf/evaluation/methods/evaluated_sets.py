"""The images that tables are made of: crops or whole images of a split, and the gaze on them."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tqdm import tqdm

from salclass_tf.data import cropping, damage, pipeline, set_record, sets
from salclass_tf.data.geometry import CROP, WHOLE, Geometry
from salclass_tf.evaluation.maps.gaze import Gaze, Recording

Batch = dict[str, tf.Tensor]

#: images in a batch of crops, as many as when training reports its scores
BATCH = 16

# What is mapped here has no Python control flow over tensors; see `pipeline`.
_untranslated = tf.autograph.experimental.do_not_convert

#: what `EvaluatedSet.read` can add to a batch
EXTRAS = ("encoded", "size", "recorded", "points")


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluatedSet:
    """A split of a data set in one view.

    Attributes:
        gaze_set: the prepared set.
        split: TFDS split or slice.
        geometry: crop and resize sizes of the view of a network; None for whole images, in their
            own pixels.
    """

    gaze_set: sets.GazeSet
    split: str
    geometry: Geometry | None

    @property
    def view(self) -> str:
        """One of `VIEWS`."""
        return WHOLE if self.geometry is None else CROP

    @property
    def view_text(self) -> str:
        """The view with its sizes, as tables have it."""
        if self.geometry is None:
            return WHOLE
        return f"{CROP} {self.geometry.image_size} of {self.geometry.short_side}"

    @property
    def batch_size(self) -> int:
        """Images in a batch: one where they are whole, since each has its own size."""
        return BATCH if self.geometry else 1

    @property
    def name(self) -> str:
        """TFDS name without the version: what a network was trained on is compared with it."""
        return without_version(self.gaze_set.builder.info.full_name)

    @property
    def title(self) -> str:
        """Name, version and split; see `GazeSet.title`."""
        return f"{self.gaze_set.title} {self.split}"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in label order; empty where the set has none."""
        return self.gaze_set.class_names

    @property
    def has_points(self) -> bool:
        """Whether the set records fixations."""
        return self.gaze_set.sigma_px > 0

    @property
    def has_maps(self) -> bool:
        """Whether there are true maps, rendered from fixations or shipped with the set."""
        return self.has_points or "heatmap" in self.gaze_set.builder.info.features

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """What a network reads of a batch of crops, of any number: one trace serves all."""
        shape = (None, self.geometry.image_size, self.geometry.image_size)
        image = {"image": tf.TensorSpec((*shape, 3), tf.uint8)}
        return image | ({"saliency": tf.TensorSpec((*shape, 1))} if self.has_maps else {})

    @functools.cached_property
    def training(self) -> "EvaluatedSet | None":
        """The training part in the same view; None if there is none, or it is evaluated."""
        there = "train" in self.gaze_set.builder.info.splits
        if not there or "train" in self.split or self.split == "all":
            return None
        return dataclasses.replace(self, split=self.gaze_set.split("train"))

    def facts(self) -> dict:
        """What identifies the images and the gaze, as plain types."""
        info = self.gaze_set.builder.info
        return {
            "data set": self.title,
            "images": self.gaze_set.size(self.split),
            "content": self._content,
            "folder": (info.metadata or {}).get("folder_sha256"),
            "sigma_px": self.gaze_set.sigma_px,
            "geometry": self.geometry and dataclasses.astuple(self.geometry),
        }

    @functools.cached_property
    def _content(self) -> str | None:
        """What changes with the prepared files; every method asks for it."""
        return set_record.fingerprint(self.gaze_set.builder, self.gaze_set.files)

    @_untranslated
    def source(self) -> tf.data.Dataset:
        """Opens the undecoded examples; sets without `image/id` get numbers as names."""
        source = pipeline.open_split(self.gaze_set.builder, self.split)
        if "image/id" in source.element_spec:
            return source
        return source.enumerate().map(
            lambda index, example: example | {"image/id": tf.strings.as_string(index)}
        )

    def read(self, description: str, *extras: str) -> Iterator[Batch]:
        """Yields the batches of `batches`, with a progress bar.

        Args:
            description: what the bar says.
            *extras: some of `EXTRAS`: `encoded` adds the image as it is stored, string [b], `size`
                its height and width, int32 [b, 2], `recorded` the number of its fixations, [b],
                and of whole images `points` where they are, float32 [1, n, 2].

        Yields:
            Batches; of a set that ships maps in place of points, `saliency` is that map.

        Raises:
            ValueError: naming an image or a file that cannot be read.
        """
        if extras not in self._pipelines:
            source = self.source()
            self._pipelines[extras] = source, self.batches(source, *extras)
        source, batches = self._pipelines[extras]
        with self.readable(source):
            yield from tqdm(batches, description, leave=False, disable=None)

    @functools.cached_property
    def _pipelines(self) -> dict[tuple[str, ...], tuple[tf.data.Dataset, tf.data.Dataset]]:
        """What `read` has built, by extras: for a few images that takes longer than to read it."""
        return {}

    @_untranslated
    def batches(self, source: tf.data.Dataset | None = None, *extras: str) -> tf.data.Dataset:
        """Returns batches of a source, or of the whole split, in the view.

        They are those of `pipeline.evaluation_batches`, or of `pipeline.whole_images`; see `read`.
        """
        source = self.source() if source is None else source
        truth = {"sigma_px": self.gaze_set.sigma_px, "with_maps": self.has_maps}
        if self.geometry is None:
            batches = pipeline.whole_images(source, **truth)
        else:
            batches = pipeline.evaluation_batches(
                source, geometry=self.geometry, batch_size=self.batch_size, **truth
            )
        if not extras:
            return batches

        def more(example: dict) -> dict:
            return {key: self._extra(key, example) for key in extras}

        added = source.map(more, num_parallel_calls=tf.data.AUTOTUNE).batch(self.batch_size)
        return tf.data.Dataset.zip((batches, added)).map(lambda first, second: first | second)

    def readable(self, source: tf.data.Dataset) -> contextlib.AbstractContextManager[None]:
        """Turns what a broken image or a damaged file raises into an error that names it.

        Args:
            source: what the code inside `with` is reading, from `source()`.

        Returns:
            To be used in a `with`, out of which comes a ValueError with the name.
        """
        return damage.named(self.gaze_set, source)

    @functools.cached_property
    def gaze(self) -> Gaze:
        """The fixations in the view, reads the split once; on crops in whole pixels."""
        return Gaze(self._recordings())

    @functools.cached_property
    def sigma_in_view_px(self) -> float:
        """The Gaussian's deviation in pixels of the view; on crops the mean over all images."""
        if self.geometry is None or not self.has_points:
            return self.gaze_set.sigma_px
        sizes = [batch["size"].numpy() for batch in self.read("image sizes", "size")]
        scale = self.geometry.short_side / np.concatenate(sizes).min(axis=1)
        return float(self.gaze_set.sigma_px * scale.mean())

    def _recordings(self) -> Iterator[Recording]:
        if self.geometry is None:
            # With fractions: those on images of other sizes are moved before they are rounded.
            for batch in self.read(f"gaze of {self.title}", "points", "size"):
                size = tuple(batch["size"][0].numpy().tolist())
                yield Recording(names(batch)[0], size, batch["points"][0].numpy())
            return
        size = (self.geometry.image_size,) * 2
        for batch in self.read(f"gaze of {self.title}", "recorded"):
            for index, name in enumerate(names(batch)):
                xy = fixations(batch, index)
                outside = int(batch["recorded"][index]) - len(xy)
                yield Recording(name, size, xy, outside=outside)

    def _extra(self, key: str, example: dict) -> tf.Tensor:
        """What `more` adds to an example."""
        if key == "encoded":
            return example["image"]
        if key == "recorded":
            return tf.shape(example["fixations"]["x"])[0] if self.has_points else 0
        if key == "points":
            axes = [example["fixations"][axis] if self.has_points else [] for axis in "xy"]
            return tf.stack([tf.cast(axis, tf.float32) for axis in axes], axis=-1)
        return tf.shape(cropping.decode(example["image"]))[:2]  # key "size"


def open_evaluated(
    name: str, data_dir: str | None = None, manual_dir: str | None = None
) -> sets.GazeSet:
    """Opens a gaze set, or any prepared TFDS set of images with labels.

    Args:
        name: TFDS name.
        data_dir: where prepared sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.

    Returns:
        The set; prepared if it is a gaze set.

    Raises:
        ValueError: if it is neither, or cannot be prepared.
    """
    try:
        builder = sets.open_builder(name, data_dir)
        features = set(builder.info.features or ())
    except tfds.core.DatasetNotFoundError:
        features = set()
    if {"image", "label"} <= features and "fixations" not in features:
        if not builder.is_prepared():
            place = f", data_dir={str(data_dir)!r}" if data_dir else ""
            raise ValueError(
                f"data set {name!r} is not prepared in {builder.data_path}: prepare it with "
                f"`tfds.builder({name!r}{place}).download_and_prepare()`, or name another "
                "--data_dir"
            )
        return sets.GazeSet(name, builder)
    return sets.open_set(name, data_dir, manual_dir)


def prepare_all(
    names: Sequence[str], data_dir: str | None = None, manual_dir: str | None = None
) -> None:
    """Opens data sets, see `open_evaluated`, and so prepares those that have not been.

    Raises:
        ValueError: naming all that cannot be prepared, and why; the others are.
    """
    failures = []
    for name in names:
        try:
            open_evaluated(name, data_dir, manual_dir)
        except (ValueError, OSError) as error:
            failures.append(f"  {name}: " + str(error).replace("\n", "\n    "))
    if failures:
        lines = "\n".join(failures)
        raise ValueError(
            f"{len(failures)} of {len(names)} data sets are not there:\n{lines}\nA set is looked "
            "for in --data_dir, the original files of all of them in --manual_dir; see "
            "docs/datasets.md"
        )


def names(batch: Batch) -> list[str]:
    """Returns the names of a batch's images."""
    return [name.decode() for name in batch["image_id"].numpy()]


def fixations(batch: Batch, index: int) -> np.ndarray:
    """Returns the fixations on an image of a batch, (column, row) pixels, float64 [n, 2]."""
    if "fixation_counts" not in batch:
        return np.zeros((0, 2))
    counts = batch["fixation_counts"][index, ..., 0].numpy().astype(np.int64)
    pixels = np.argwhere(counts)
    return np.repeat(pixels[:, ::-1], counts[tuple(pixels.T)], axis=0).astype(np.float64)


def target(batch: Batch, index: int) -> np.ndarray | None:
    """Returns the true map of an image, [h, w]; None where nobody looked at what is seen of it."""
    if "saliency" not in batch:
        return None
    seen = batch.get("fixation_counts", batch["saliency"])[index].numpy()
    return batch["saliency"][index, ..., 0].numpy() if seen.any() else None


def without_version(full_name: str) -> str:
    """Returns a TFDS name without its version: "osie" for "osie/1.0.0" and "osie:1.0.0"."""
    name, _, last = full_name.partition(":")[0].rpartition("/")
    return name if name and last.replace(".", "").isdigit() else full_name.partition(":")[0]
