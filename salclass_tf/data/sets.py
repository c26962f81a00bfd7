"""Data sets by name: opened, prepared when needed, with the facts that a run needs to know."""

import contextlib
import dataclasses
import functools
import io
import json
import logging
import os
import pathlib
import pkgutil
import re
import sys
import tempfile
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

import tfds_builders  # importing it registers our builders with TFDS
from salclass_tf import failures, spelling
from salclass_tf.data import set_record
from salclass_tf.data.set_record import SetRecord
from tfds_builders.common import preparing, tfds_internals
from tfds_builders.common.gaze_builder import GazeBuilder

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
    """A data set in the gaze schema.

    Attributes:
        name: TFDS name, with its configuration.
        builder: its builder. Only a prepared one knows splits, and all else that it finds in files.
    """

    name: str
    builder: tfds.core.DatasetBuilder

    @property
    def is_prepared(self) -> bool:
        """Whether its files are there."""
        return bool(self.builder.info.splits)

    @property
    def sigma_px(self) -> float:
        """Standard deviation of the heat maps' Gaussian, in pixels of the original images."""
        return float((self.builder.info.metadata or {}).get("sigma_px", 0.0))

    @property
    def title(self) -> str:
        """Name and version; a study of one's own is called by its folder."""
        folder = pathlib.Path((self.builder.info.metadata or {}).get("folder") or "").name
        full_name = self.builder.info.full_name
        return f"{folder} ({full_name})" if folder else full_name

    @property
    def has_gaze(self) -> bool:
        """Whether the set has fixations or maps of them."""
        return self.sigma_px > 0 or "heatmap" in self.builder.info.features

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in label order; empty where the set has none."""
        features = self.builder.info.features
        # For want of names TFDS counts to `num_classes`, also where that is not known yet.
        known = "label" in features and features["label"].num_classes
        return tuple(features["label"].names) if known else ()

    @property
    def has_labels(self) -> bool:
        """Whether its examples have a class; before it is prepared, the names may be unknown."""
        return "label" in self.builder.info.features

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


def open_builder(name: str, data_dir: str | None = None) -> tfds.core.DatasetBuilder:
    """Opens the builder of a set, with what its prepared files tell.

    Args:
        name: TFDS name.
        data_dir: where prepared sets live; None is TFDS' own place.

    Raises:
        ValueError: if TFDS has no such set, or its prepared description is damaged.
    """
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        if not builder.info.splits and builder.data_path.exists():
            builder = tfds.builder(name, data_dir=data_dir)  # just finished by another process
            if not builder.info.splits:
                raise tfds_internals.DescriptionError("it tells of no splits")
        dict(builder.info.metadata or {})  # TFDS reads it when it is first asked for
    except (json.JSONDecodeError, tfds_internals.DescriptionError) as error:
        raise ValueError(
            f"the description of a prepared set in {_prepared_folder(name, data_dir)} is damaged "
            f"({failures.reason(error)}); remove that folder, then the same command prepares it "
            "again and goes on"
        ) from error
    return builder


def _prepared_folder(name: str, data_dir: str | None) -> pathlib.Path:
    """The folder of a set's version, without a look into it."""
    root = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    with tempfile.TemporaryDirectory() as nowhere:
        below = pathlib.Path(tfds.builder(name, data_dir=nowhere).data_path).relative_to(nowhere)
    return pathlib.Path(root).expanduser() / below


def find_set(name: str, data_dir: str | None = None, manual_dir: str | None = None) -> GazeSet:
    """Finds a data set by name and looks at what can be known of it without preparing it.

    Args:
        name: TFDS name, for example "osie" or "gaze_critters/task".
        data_dir: where prepared sets live; None is TFDS' own place (`~/tensorflow_datasets`).
        manual_dir: folder of original files, for sets that are not downloaded.

    Returns:
        The set, prepared or not.

    Raises:
        ValueError: if there is no such set, it is not in the gaze schema, or a folder of original
            files is not as its builder needs it; the message names what to do.
    """
    _check_manual_dir(manual_dir)
    try:
        builder = open_builder(name, data_dir)
    except ValueError as error:
        if re.split("[/:]", name)[0] in tfds.list_builders():
            raise ValueError(f"data set {name!r}: {_reason(name, error)}") from error
        raise ValueError(_unknown(name)) from None
    missing = {"image", "image/id", "fixations"} - set(builder.info.features or ())
    if missing:
        raise ValueError(
            f"data set {name!r} is not in the gaze schema: it lacks {', '.join(sorted(missing))}"
        )
    if hasattr(builder, "check_files"):
        with _clear_errors(builder):
            builder.check_files(manual_dir)
    return GazeSet(name, builder)


def _check_manual_dir(manual_dir: str | None) -> None:
    """Checks that the folder of original files is there."""
    if manual_dir is not None and not pathlib.Path(manual_dir).is_dir():
        raise ValueError(f"--manual_dir must be an existing folder; got {manual_dir}")


def peek(name: str, data_dir: str | None = None, manual_dir: str | None = None) -> SetRecord:
    """Returns what identifies a set without preparing it: less, where that has not been done.

    Args:
        name: see `open_set`.
        data_dir: see `open_set`.
        manual_dir: see `open_set`. A set that remembers its folder is compared with this one.

    Returns:
        The record, with all training images as its part for training; an empty one if there is no
        such set any more.

    Raises:
        ValueError: if `manual_dir` is not there.
    """
    _check_manual_dir(manual_dir)
    try:
        builder = open_builder(name, data_dir)
    except ValueError:  # what TFDS raises for an unknown set, configuration or version
        return SetRecord()
    if builder.info.splits:
        found = GazeSet(name, builder).record()
    else:
        found = SetRecord(full_name=builder.info.full_name)
    digest = getattr(builder, "originals_sha256", None)
    if digest is None or manual_dir is None:
        return found
    return dataclasses.replace(found, folder_sha256=digest(manual_dir))


def _reason(name: str, error: ValueError) -> str:
    """Why a set that there is cannot be opened by a name: its configuration, or what TFDS says."""
    family, _, config = name.partition("/")
    known = [one.name for one in tfds.builder_cls(re.split(":", family)[0]).BUILDER_CONFIGS]
    if config and config not in known:
        there = f"it has {', '.join(known)}" if known else "it has none"
        return f"{spelling.unknown('configuration', config, known)}; {there}"
    return str(error)


def _unknown(name: str) -> str:
    """What to say of a name that is no data set's."""
    own = sorted(
        package.name
        for package in pkgutil.iter_modules(tfds_builders.__path__)
        if package.ispkg and hasattr(tfds_builders, f"{package.name}_dataset_builder")
    )
    text = (
        f"{spelling.unknown('data set', name, own)}; ours are {', '.join(own)}; any TFDS set in "
        "the gaze schema serves"
    )
    if pathlib.Path(name).expanduser().is_dir():
        text += f". For gaze of your own: --dataset=gaze_folder --manual_dir={name}"
    return text


def prepare(found: GazeSet, manual_dir: str | None = None) -> GazeSet:
    """Prepares a set that `find_set` has found, if that has not been done.

    Where another process prepares it, its end is waited for, and its set taken.

    Args:
        found: the set.
        manual_dir: see `find_set`.

    Returns:
        The same set, prepared.

    Raises:
        ValueError: if its files are missing or broken.
        OSError: if the disk is full.
    """
    # With files named, the builder itself looks whether what is prepared comes from them.
    if not found.is_prepared or manual_dir is not None:
        config = tfds.download.DownloadConfig(manual_dir=manual_dir) if manual_dir else None
        if not found.is_prepared:
            info = found.builder.info
            _log.info("data set %s: prepared in %s", info.full_name, found.builder.data_dir)
        make = functools.partial(found.builder.download_and_prepare, download_config=config)
        with _clear_errors(found.builder), _quiet_tfds():
            if isinstance(found.builder, GazeBuilder):
                make()  # which looks itself for other processes
            else:
                preparing.prepare(found.builder, make)
    return found


def open_set(name: str, data_dir: str | None = None, manual_dir: str | None = None) -> GazeSet:
    """Opens a data set by name and prepares it if that has not been done; see `find_set`.

    Raises:
        ValueError: if there is no such set, or its files are missing or broken; the message names
            what to do.
    """
    return prepare(find_set(name, data_dir, manual_dir), manual_dir)


@contextlib.contextmanager
def _clear_errors(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    """Turns what TFDS raises for a user's mistake or by the machine's fault into one clear error.

    Raises:
        ValueError: with what is wrong.
        OSError: if the disk is full.
    """
    name = builder.info.full_name
    try:
        with failures.full_disk_named(f"{name} in {builder.data_dir_root}"):
            yield
    except (tf.errors.OpError, RuntimeError) as error:
        # TFDS makes the second one of the first one, which is a file system's.
        if not any(isinstance(one, tf.errors.OpError) for one in (error, error.__cause__)):
            raise
        raise ValueError(f"cannot prepare {name}: {failures.reason(error)}") from error
    except _PREPARATION_ERRORS as error:
        if failures.is_full_disk(error):
            raise
        raise ValueError(f"cannot prepare {name}: {error}") from error


@contextlib.contextmanager
def _quiet_tfds() -> Iterator[None]:
    """Leaves out what TFDS prints of sets whose size it does not know, and bars in a log file."""
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        yield
