"""Data sets by name: opened, prepared when needed, with the facts that a run needs to know."""

import contextlib
import dataclasses
import io
import logging
import os
import pathlib
import pkgutil
import sys
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

import tfds_builders  # importing it registers our builders with TFDS
from salclass_tf.data import set_record
from salclass_tf.data.set_record import SetRecord
from tfds_builders.common import tfds_internals

_log = logging.getLogger(__name__)

# What TFDS raises for missing files, a failed or altered download, and a broken archive.
_PREPARATION_ERRORS = (
    AssertionError,
    ImportError,
    OSError,
    tfds.download.DownloadError,
    tfds_internals.ChecksumError,
    tfds_internals.ExtractError,
)


@dataclasses.dataclass(frozen=True)
class GazeSet:
    """A prepared data set in the gaze schema.

    Attributes:
        name: TFDS name, with its configuration.
        builder: the prepared builder.
    """

    name: str
    builder: tfds.core.DatasetBuilder

    @property
    def sigma_px(self) -> float:
        """Standard deviation of the heat maps' Gaussian, in pixels of the original images."""
        return float((self.builder.info.metadata or {}).get("sigma_px", 0.0))

    @property
    def has_gaze(self) -> bool:
        """Whether the set has fixations or maps of them."""
        return self.sigma_px > 0 or "heatmap" in self.builder.info.features

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in label order; empty where the set has none."""
        features = self.builder.info.features
        return tuple(features["label"].names or ()) if "label" in features else ()

    @property
    def files(self) -> tfds.core.DatasetBuilder:
        """The builder whose files hold the images: another one, where the set is a view of it."""
        return getattr(self.builder, "source", self.builder)

    def record(self, validation_share: float = 0.0) -> SetRecord:
        """Returns what identifies the set and what of it is trained on.

        Args:
            validation_share: see `split`.
        """
        return SetRecord(
            full_name=self.builder.info.full_name,
            train_split=self.split("train", validation_share),
            test_split=self.split("test"),
            fingerprint=set_record.fingerprint(self.builder, self.files),
            folder_sha256=(self.builder.info.metadata or {}).get("folder_sha256"),
            class_names=self.class_names,
        )

    def broken_files(self) -> tuple[str, ...]:
        """Paths of the prepared files that are gone, or that do not read to their end."""
        splits = self.files.info.splits.values()
        paths = sorted({os.fspath(path) for split in splits for path in split.filepaths})
        return tuple(path for path in paths if not _reads(path))

    def size(self, split: str) -> int:
        """Number of images in a split, or in a slice such as `train[:90%]`."""
        return self.builder.info.splits[split].num_examples

    def split(self, part: str, validation_share: float = 0.0) -> str | None:
        """The TFDS split that serves as `part`.

        Where there is no test gaze, the validation split is what networks are tested on. Then it
        does not choose among them as well: a share of the training images does.

        Args:
            part: "train", "validation" or "test".
            validation_share: share of the training images, the last ones, that serves as
                validation where the set has no split to spare for that.

        Returns:
            A split name or slice, None where there is no such part.
        """
        splits = self.builder.info.splits
        held_back = (self.builder.info.metadata or {}).get("splits_without_gaze") or ()
        known = [name for name in ("test", "validation") if name in splits]
        tested = next((name for name in known if name not in held_back), None)
        if part == "test":
            return tested
        if "validation" in splits and tested != "validation":
            return part
        kept = round(self.size("train") * (1 - validation_share))
        if part == "train":
            return f"train[:{kept}]"
        return f"train[{kept}:]" if kept < self.size("train") else None


def _reads(path: str) -> bool:
    """Whether a file of records is there and whole."""
    try:
        for _ in tf.data.TFRecordDataset(path):
            pass
    except (tf.errors.DataLossError, tf.errors.NotFoundError):
        return False
    return True


def open_set(name: str, data_dir: str | None = None, manual_dir: str | None = None) -> GazeSet:
    """Opens a data set by name and prepares it if that has not been done.

    Args:
        name: TFDS name, for example "osie" or "gaze_critters/task".
        data_dir: where prepared sets live; None is TFDS' own place (`~/tensorflow_datasets`).
        manual_dir: folder of original files, for sets that are not downloaded.

    Returns:
        The prepared set.

    Raises:
        ValueError: if there is no such set, or its files are missing or broken; the message names
            what to do.
    """
    _check_manual_dir(manual_dir)
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        own = ", ".join(m.name for m in pkgutil.iter_modules(tfds_builders.__path__) if m.ispkg)
        raise ValueError(
            f"unknown data set {name!r}; ours are {own}; any TFDS set in the gaze schema serves"
        ) from None
    missing = {"image", "image/id", "fixations"} - set(builder.info.features or ())
    if missing:
        raise ValueError(
            f"data set {name!r} is not in the gaze schema: it lacks {', '.join(sorted(missing))}"
        )
    # With files named, the builder itself looks whether what is prepared comes from them.
    if not builder.info.splits or manual_dir is not None:
        _prepare(builder, manual_dir)
    return GazeSet(name, builder)


def _check_manual_dir(manual_dir: str | None) -> None:
    """Checks that the folder of original files is there."""
    if manual_dir is not None and not pathlib.Path(manual_dir).is_dir():
        raise ValueError(f"--manual_dir must be an existing folder; got {manual_dir}")


def peek(
    name: str,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    validation_share: float = 0.0,
) -> SetRecord:
    """Returns what identifies a set without preparing it: less, where that has not been done.

    Args:
        name: see `open_set`.
        data_dir: see `open_set`.
        manual_dir: see `open_set`. A set that remembers its folder is compared with this one.
        validation_share: see `GazeSet.split`.

    Returns:
        The record; an empty one if there is no such set any more.

    Raises:
        ValueError: if `manual_dir` is not there.
    """
    _check_manual_dir(manual_dir)
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        return SetRecord()
    if builder.info.splits:
        found = GazeSet(name, builder).record(validation_share)
    else:
        found = SetRecord(full_name=builder.info.full_name)
    digest = getattr(builder, "originals_sha256", None)
    if digest is None or manual_dir is None:
        return found
    return dataclasses.replace(found, folder_sha256=digest(manual_dir))


def _prepare(builder: tfds.core.DatasetBuilder, manual_dir: str | None) -> None:
    """Builds a set, turning what TFDS raises for a user's mistake into one clear error."""
    config = tfds.download.DownloadConfig(manual_dir=manual_dir) if manual_dir else None
    if not builder.info.splits:
        _log.info("data set %s: prepared in %s", builder.info.full_name, builder.data_dir)
    try:
        with _quiet_tfds():
            builder.download_and_prepare(download_config=config)
    except _PREPARATION_ERRORS as error:
        raise ValueError(f"cannot prepare {builder.info.full_name}: {error}") from error


@contextlib.contextmanager
def _quiet_tfds() -> Iterator[None]:
    """Leaves out what TFDS prints of sets whose size it does not know, and bars in a log file."""
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        yield
