"""Files of a prepared set that are damaged or gone, and the one error that names them."""

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf

from salclass_tf import failures
from salclass_tf.data import pipeline
from salclass_tf.data.sets import GazeSet

#: what reading such files raises; the last one, where a file ends before its last record
DATA_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.FailedPreconditionError,
)


@contextlib.contextmanager
def named(gaze_set: GazeSet, source: tf.data.Dataset, saved: str = "") -> Iterator[None]:
    """Turns what a broken image or a damaged file raises into an error that names it.

    Args:
        gaze_set: the set that is read inside the `with`.
        source: its examples that are read, images undecoded.
        saved: what of the work so far is safe, as a sentence.

    Raises:
        ValueError: naming the image, or each file and what to do. What is raised while all files
            are whole passes as it is.
    """
    try:
        with pipeline.corrupt_images_named(source):
            yield
    except DATA_ERRORS as error:
        broken = broken_files(gaze_set)
        if not broken:  # of another file, or gone by now: nothing to remove
            raise
        raise ValueError(
            f"prepared files of {gaze_set.title} are damaged or gone: "
            f"{', '.join(broken)} ({failures.reason(error)}). {saved}"
            f"{_remedy(gaze_set)}"
        ) from error


def broken_files(gaze_set: GazeSet) -> tuple[str, ...]:
    """Returns the paths of prepared files that are gone, or do not hold all of their records."""
    records = {}
    for split in gaze_set.files.info.splits.values():
        records |= dict(zip(map(os.fspath, split.filepaths), split.shard_lengths, strict=True))
    return tuple(path for path, count in sorted(records.items()) if _records(path) != count)


def _records(path: str) -> int | None:
    """Number of records in a file; None if it is gone or does not read to its end."""
    try:
        return sum(1 for _ in tf.data.TFRecordDataset(path))
    except (tf.errors.DataLossError, tf.errors.NotFoundError):
        return None


def _remedy(gaze_set: GazeSet) -> str:
    """What to do about damaged files."""
    files, own = gaze_set.files, gaze_set.builder
    if files is own:
        return f"Remove {own.data_path}: the same command prepares the set again and goes on"
    return f"Prepare {files.data_path} and {own.data_path} again, then the same command goes on"
