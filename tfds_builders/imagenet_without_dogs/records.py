"""Records of a prepared data set, chosen by label: where they stand and how to read them."""

import functools
import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow_datasets as tfds

from tfds_builders.common.tfds_internals import tensorflow as tf

_BATCH = 1024

Found = tuple[npt.NDArray[np.int64], int]
"""Positions of records, rising, [n], and the bytes of their images."""


def find(
    source: tfds.core.DatasetBuilder,
    split: str | tfds.core.ReadInstruction,
    labels: Collection[int],
) -> Found:
    """Reads a split once, in the order of its files, and notes where the wanted records stand.

    Args:
        source: a prepared builder with the features `image` and `label`.
        split: the split, or a part of it.
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


def find_on_beam(
    source: tfds.core.DatasetBuilder,
    splits: Sequence[str],
    labels: Collection[int],
    scratch: tfds.core.Path,
    config: tfds.download.DownloadConfig,
) -> dict[str, Found]:
    """Does for several splits what `find` does, on Apache Beam: a file of the set is one task.

    Args:
        source: a prepared builder, whose folder the workers see.
        splits: names of splits.
        labels: the labels to keep.
        scratch: a file for what they found, which is removed afterwards.
        config: its `beam_runner` and `beam_options` say where the tasks run.

    Returns:
        What `find` returns, by split.
    """
    beam = tfds.core.lazy_imports.apache_beam
    pieces = [
        (split, int(end - length), int(end))
        for split in splits
        for end, length in zip(
            np.cumsum(source.info.splits[split].shard_lengths),
            source.info.splits[split].shard_lengths,
            strict=True,
        )
        if length
    ]
    look = functools.partial(_find_piece, os.fspath(source.data_dir), sorted(map(int, labels)))
    with beam.Pipeline(runner=config.beam_runner, options=config.beam_options) as pipeline:
        tasks = pipeline | beam.Create(pieces) | beam.Reshuffle()
        together = tasks | beam.Map(look) | beam.combiners.ToList()
        _ = together | beam.Map(functools.partial(_write, os.fspath(scratch)))
    answers = sorted(json.loads(scratch.read_text()))
    scratch.unlink()
    return {split: _join([a for a in answers if a[0] == split]) for split in splits}


def _find_piece(
    data_dir: str, labels: Collection[int], piece: tuple[str, int, int]
) -> tuple[str, int, list[int], int]:
    """Looks through one file; positions are those in the split."""
    split, first, end = piece
    part = tfds.core.ReadInstruction(split, first, end, unit="abs")
    positions, num_bytes = find(tfds.builder_from_directory(data_dir), part, labels)
    return split, first, (first + positions).tolist(), num_bytes


def _write(path: str, answers: list[Any]) -> None:
    tfds.core.Path(path).write_text(json.dumps(answers))


def _join(answers: list[Any]) -> Found:
    positions = np.concatenate([np.array(found, np.int64) for _, _, found, _ in answers])
    return positions, sum(num_bytes for *_, num_bytes in answers)


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
