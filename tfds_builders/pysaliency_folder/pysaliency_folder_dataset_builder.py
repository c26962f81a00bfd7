"""Stimuli and fixations of the package pysaliency, in a folder, as a set in the gaze schema."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.common import gaze_builder, manual, originals, photographs, schema
from tfds_builders.pysaliency_folder import fixations, stimuli

FACTS_FILE = "facts.json"
#: part of a file's name -> split
SPLITS = {"": "test", "_train": "train", "_validation": "validation", "_test": "test"}
# One degree in OSIE; nothing in pysaliency's files tells the width of a degree.
_FACTS = {
    "sigma_px": 24.0,
    "task": None,
    "viewers": None,
    "viewing_time_s": None,
    "tracker": None,
}


@dataclasses.dataclass(frozen=True)
class Record:
    """What one example is made of.

    Attributes:
        stimulus: the picture.
        gaze: fixations on it; None where no file has any.
        source: where they were read, for messages.
    """

    stimulus: stimuli.Stimulus
    gaze: fixations.Fixations | None
    source: str


class Builder(gaze_builder.GazeBuilder):
    """Builds a set from the folder `manual_dir`; its README describes what may lie there.

    A set remembers its folder: it is not taken for that of another one, or of one that has changed
    since.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "manual_dir must hold stimuli.hdf5 and fixations.hdf5 as pysaliency's to_hdf5 writes them, "
        "or stimuli_train.hdf5, fixations_train.hdf5 and the same for validation and test; image "
        "files where the stimuli say."
    )

    def download_and_prepare(self, **options: Any) -> None:
        """Builds the set, unless the same folder has been built here.

        Args:
            **options: as TFDS takes them; `download_config` names the folder as `manual_dir`.

        Raises:
            FileNotFoundError: if the folder lacks stimuli.
            ValueError: if a file is not as it must be, or another folder has been built in this
                `data_dir`.
        """
        config = options.get("download_config")
        overwrite = config is not None and config.download_mode.overwrite_dataset
        if config is not None and config.manual_dir and not overwrite:
            self.check_files(config.manual_dir)
        super().download_and_prepare(**options)

    def _check_taken(self, options: Mapping[str, Any]) -> None:
        """Compares the folder with the one that another process has built from."""
        config = options.get("download_config")
        if config is not None and config.manual_dir:
            self.check_files(config.manual_dir)

    def check_files(self, manual_dir: str | None = None) -> None:
        """Compares a folder with that of a set that has been built.

        Args:
            manual_dir: the folder; None compares nothing.

        Raises:
            ValueError: if another folder has been built in this `data_dir`.
        """
        if manual_dir is None or not self.info.splits:
            return
        known = self.info.metadata or {}  # none where their file is gone
        if known.get("folder_sha256") != self.originals_sha256(manual_dir):
            raise ValueError(
                f"{self.data_dir} was built from {known.get('folder', 'elsewhere')}, or before its "
                f"files changed; {manual_dir} differs. Name another data_dir, or delete the old set"
            )

    @staticmethod
    def originals_sha256(root: Any) -> str:
        """Returns the digest of a folder's HDF5 files and facts, `folder_sha256` of a set."""
        digest = hashlib.sha256()
        folder = pathlib.Path(root)
        for path in sorted([*folder.glob("*.hdf5"), *folder.glob(FACTS_FILE)]):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(),
            homepage="https://github.com/matthias-k/pysaliency",
            license="that of the set in the files",
            # All facts are the folder's: a value from here would hide the stored one.
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """A split for each file of stimuli."""
        root = manual.require(dl_manager, [], self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        parts = read_parts(root, self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        hidden = [part for part, records in parts.items() if records[0].gaze is None]
        self.info.metadata.clear()  # of a set that this one replaces
        self.info.metadata.update(
            schema.NOTHING_COUNTED,
            **read_facts(root / FACTS_FILE),
            **({"splits_without_gaze": hidden} if hidden else {}),
            folder=str(pathlib.Path(root).resolve()),
            folder_sha256=self.originals_sha256(root),
        )
        return {
            part: self._generate_examples(make_example, records) for part, records in parts.items()
        }


def read_parts(root: tfds.core.Path, instructions: str) -> dict[str, list[Record]]:
    """Reads the files of a folder.

    Args:
        root: the folder.
        instructions: what to say where nothing is there.

    Returns:
        Records by split.

    Raises:
        FileNotFoundError: if there are no stimuli.
        ValueError: if a file is not as it must be, holds no stimulus, or two are of one split.
    """
    parts: dict[str, list[Record]] = {}
    for suffix, part in SPLITS.items():
        listed, looked = (root / f"{what}{suffix}.hdf5" for what in ("stimuli", "fixations"))
        if not listed.exists():
            continue
        if part in parts:
            raise ValueError(f"{root} holds stimuli.hdf5 and {listed.name}: both are {part}")
        there = stimuli.read(listed)
        if not there:
            raise ValueError(f"{listed} must hold a stimulus; it holds none")
        gaze = fixations.read(looked, len(there)) if looked.exists() else None
        parts[part] = [
            Record(one, gaze and gaze.on(one.number), f"{looked}, stimulus {one.name}")
            for one in there
        ]
    if not parts:
        raise FileNotFoundError(f"{root} holds no stimuli.hdf5. {instructions}")
    return parts


def read_facts(path: tfds.core.Path) -> dict[str, Any]:
    """Reads what is known of the recording.

    Args:
        path: a JSON object with some of `sigma_px`, `task`, `viewers`, `viewing_time_s` and
            `tracker`; need not be there.

    Returns:
        Values for `info.metadata`; a blur of 24 pixels where none is told, else None.

    Raises:
        ValueError: if it is something else.
    """
    if not path.exists():
        return dict(_FACTS)
    try:
        given = json.loads(path.read_text())
        unknown = sorted(set(given) - set(_FACTS))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} must hold a JSON object ({error})") from error
    if unknown:
        raise ValueError(f"{path} may tell {', '.join(_FACTS)}; got {unknown[0]!r}")
    facts = _FACTS | given
    if not (isinstance(facts["sigma_px"], int | float) and facts["sigma_px"] > 0):
        raise ValueError(f"{path}: sigma_px must be above 0 pixels; got {facts['sigma_px']!r}")
    return facts | {"sigma_px": float(facts["sigma_px"])}


def make_example(record: Record) -> gaze_builder.Made:
    """Makes the example of one stimulus.

    Args:
        record: picture and gaze.

    Returns:
        Key, example and counts.
    """
    image = record.stimulus.image()
    size = originals.image_size(image)
    found, counts = schema.no_fixations(), {}
    if record.gaze is not None:
        gaze = record.gaze
        found, dropped = schema.fixation_rows(
            gaze.x, gaze.y, gaze.duration_ms, gaze.viewer, size=size, source=record.source
        )
        counts = schema.tally(found, dropped)
    key = record.stimulus.name
    example = {"image": photographs.content(image), "image/id": key, "fixations": found}
    return key, example, counts
