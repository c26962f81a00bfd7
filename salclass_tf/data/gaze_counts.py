"""How many images of a set have gaze: what there is to learn from, and to be scored on."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

_COUNTED_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True)
class GazeCount:
    """The gaze of a split.

    Attributes:
        images: number of images.
        without_gaze: those whose true map is black: no fixation lies on them, or a map that the
            set ships is 0 everywhere.
    """

    images: int
    without_gaze: int

    @property
    def share_without(self) -> float:
        """Share of the images without gaze, in [0, 1]."""
        return self.without_gaze / self.images if self.images else 0.0


@functools.lru_cache(maxsize=64)
def count(builder: tfds.core.DatasetBuilder, split: str) -> GazeCount:
    """Counts the images of a split, and those without gaze.

    Where the set itself tells that each image has fixations, nothing is read; else each split is
    read once in a process. Images are not decoded; maps that a set ships are.

    Args:
        builder: of a prepared set in the gaze schema.
        split: name or slice of a split.

    Raises:
        tf.errors.OpError: if a file of the set is damaged or gone.
    """
    if (builder.info.metadata or {}).get("images_without_fixations") == 0:
        return GazeCount(builder.info.splits[split].num_examples, 0)
    read = "heatmap" if "heatmap" in builder.info.features else "fixations"
    examples = builder.as_dataset(
        split=split,
        shuffle_files=False,
        # Partial decoding would read less, and warn of TFDS' own use of its features.
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(try_autocache=False),
    )

    def looked_at(example: dict) -> tf.Tensor:
        if read == "heatmap":
            return tf.reduce_any(example["heatmap"] > 0)
        return tf.size(example["fixations"]["x"]) > 0

    seen = examples.map(looked_at, num_parallel_calls=tf.data.AUTOTUNE).batch(_COUNTED_AT_ONCE)
    parts = [part.numpy() for part in seen]
    found = np.concatenate(parts) if parts else np.zeros(0, bool)
    return GazeCount(len(found), int(np.count_nonzero(~found)))
