"""Records of a prepared data set, chosen by label: where they stand and how to read them."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_datasets as tfds

_BATCH = 1024


def find(
    source: tfds.core.DatasetBuilder, split: str, labels: Collection[int]
) -> tuple[npt.NDArray[np.int64], int]:
    """Reads a split once, in the order of its files, and notes where the wanted records stand.

    Args:
        source: a prepared builder with the features `image` and `label`.
        split: name of the split.
        labels: the labels to keep.

    Returns:
        Positions of the records in the split, rising, int64 [n]; and the bytes of their images.
    """
    examples = source.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
    )
    sizes = examples.map(lambda example: (example["label"], tf.strings.length(example["image"])))
    wanted = np.array(sorted(labels))
    kept, num_bytes = [], 0
    for label, size in sizes.batch(_BATCH).prefetch(2).as_numpy_iterator():
        keep = np.isin(label, wanted)
        kept.append(keep)
        num_bytes += int(size[keep].sum())
    return np.flatnonzero(np.concatenate(kept)), num_bytes


def count_by_shard(
    positions: npt.NDArray[np.int64], shard_lengths: Collection[int]
) -> npt.NDArray[np.int64]:
    """Counts the chosen records of each file.

    Args:
        positions: what `find` returned, [n].
        shard_lengths: number of records in each file of the split.

    Returns:
        Number of chosen records in each file, int64 [files].
    """
    ends = np.searchsorted(positions, np.cumsum(shard_lengths))
    return np.diff(ends, prepend=0)


def locate(
    split: str | tfds.core.ReadInstruction,
    splits: tfds.core.SplitDict,
    positions: Mapping[str, npt.NDArray[np.int64]],
) -> tuple[tfds.core.ReadInstruction, int]:
    """Translates a split of the chosen records, such as `train[:90%]`, to the whole set.

    Chosen records that follow each other lie in one slice of the whole set, among others. TFDS
    cuts a slice file by file, so that the answer holds in whatever order the files are read.

    Args:
        split: name, slice or sum of them, in terms of the chosen records.
        splits: splits of the chosen records.
        positions: what `find` returned for each split.

    Returns:
        The slices of the whole set that hold the records, and the number of records.

    Raises:
        ValueError: if the split holds no record.
    """
    slices, count = [], 0
    for part in tfds.core.ReadInstruction.from_spec(split).to_absolute(splits):
        wanted = positions[part.splitname][part.from_ : part.to]
        if wanted.size:
            first, last = int(wanted[0]), int(wanted[-1])
            slices.append(tfds.core.ReadInstruction(part.splitname, first, last + 1, unit="abs"))
            count += wanted.size
    if not slices:
        raise ValueError(f"split must hold at least one record; got {split!r}: widen its slice")
    return sum(slices[1:], start=slices[0]), count
