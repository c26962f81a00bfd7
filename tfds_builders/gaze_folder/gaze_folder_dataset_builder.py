"""Gaze of your own: images in a folder, with what an eye tracker recorded on them."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import (
    gaze_builder,
    manual,
    own_layout,
    photographs,
    schema,
    tfds_internals,
)
from tfds_builders.gaze_folder import gaze, recording, responses, study


class Builder(gaze_builder.GazeBuilder):
    """Builds a set from the folder `manual_dir`; its README describes what may lie there.

    Labels and heat maps are features of the set where the folder has them. A set remembers its
    folder: it is not taken for that of another one, or of one that has changed since.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "manual_dir must be your folder: images (sub-folders are classes), and as gaze "
        f"{gaze.FORMS}. `python -m tfds_builders.gaze_folder check FOLDER` tells whether it builds."
    )

    _study: study.Study | None = None

    def download_and_prepare(self, **options: Any) -> None:
        """Builds the set, unless the same folder has been built here.

        Args:
            **options: as TFDS takes them; `download_config` names the folder as `manual_dir`.

        Raises:
            FileNotFoundError: if the folder lacks images or gaze.
            ImportError: if it holds raw samples, and the package is missing that they need.
            ValueError: if something in the folder is not as it must be, or another folder has been
                built in this `data_dir`.
        """
        config = options.get("download_config")
        overwrite = config is not None and config.download_mode.overwrite_dataset
        if config is not None and config.manual_dir and self.info.splits and not overwrite:
            self._check_same(config.manual_dir)
        super().download_and_prepare(**options)

    def _check_taken(self, options: Mapping[str, Any]) -> None:
        """Compares the folder with the one that another process has built from."""
        config = options.get("download_config")
        if config is not None and config.manual_dir:
            self._check_same(config.manual_dir)

    @staticmethod
    def originals_sha256(root: Any) -> str:
        """Returns the digest of a folder that a set remembers as its own, `folder_sha256`."""
        return study.fingerprint(root)

    def check_files(self, manual_dir: str | None = None) -> None:
        """Reads the folder, all but the pixels of its images, and so knows the set's features.

        Args:
            manual_dir: the folder; None is where TFDS looks for one.

        Raises:
            FileNotFoundError: if the folder lacks images or gaze.
            ImportError: if it holds raw samples, and the package is missing that they need.
            ValueError: if something in the folder is not as it must be, or another folder has been
                built in this `data_dir`.
        """
        if self.info.splits:
            if manual_dir is not None:
                self._check_same(manual_dir)
            return
        root = tfds.core.Path(manual_dir or self.data_dir_root / "downloads" / "manual")
        if not root.is_dir():
            raise FileNotFoundError(f"{root} is not there. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}")
        self._look(root)

    def _look(self, root: tfds.core.Path) -> None:
        self._study = study.open_study(root)
        if self._study.unmatched:
            raise ValueError(self._study.unmatched)
        names = self._study.class_names
        label = tfds.features.ClassLabel(names=names) if names else None
        features = schema.gaze_features(label, heatmap=self._study.gaze.form == "maps")
        if self._study.answers is not None:
            answered = {responses.FEATURE: responses.feature()}
            features = tfds.features.FeaturesDict({**features, **answered})
        tfds_internals.set_features(self.info, features)

    def _check_same(self, root: Any) -> None:
        known = self.info.metadata or {}  # none where their file is gone
        if known.get("folder_sha256") != self.originals_sha256(root):
            raise ValueError(
                f"{self.data_dir} was built from {known.get('folder', 'elsewhere')}, or before its "
                f"files changed; {root} differs. Name another data_dir, or delete the old set"
            )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; a prepared one has the features that it was prepared with."""
        stored = self.data_path / "features.json"
        features = (
            tfds.features.FeatureConnector.from_config(self.data_dir)
            if stored.exists()
            else schema.gaze_features()
        )
        return self.dataset_info_from_configs(
            features=features,
            license="yours",
            # All facts are the folder's: a value from here would hide the stored one.
            metadata=tfds.core.MetadataDict(),
        )

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        """Looks into the folder before TFDS asks for the features."""
        self._look(manual.require(dl_manager, [], self.MANUAL_DOWNLOAD_INSTRUCTIONS))
        super()._download_and_prepare(dl_manager, download_config)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Makes the splits of the study."""
        self.info.metadata.clear()  # of a set that this one replaces
        self.info.metadata.update(schema.NOTHING_COUNTED, **facts(self._study))
        if self._study.answers is None:
            return {
                split: self._generate_examples(own_layout.make_example, records(self._study, stems))
                for split, stems in self._study.parts.items()
            }
        return {
            split: self._generate_examples(
                responses.make_example, answered_records(self._study, stems)
            )
            for split, stems in self._study.parts.items()
        }


def records(found: study.Study, stems: Set[str]) -> Iterator[own_layout.Record]:
    """Lists what examples are made of.

    Args:
        found: the study.
        stems: images with gaze.

    Yields:
        Records of `own_layout.make_example`, in the stems' order.
    """
    for stem in sorted(stems):
        image = found.images[stem]
        photograph = photographs.Photograph(stem, tfds.core.Path(image.path), image.class_name)
        value = found.gaze.by_stem[stem]
        if found.gaze.form == "maps":
            value = tfds.core.Path(value)
        yield own_layout.Record(photograph, value, tfds.core.Path(found.gaze.source))


def answered_records(found: study.Study, stems: Set[str]) -> Iterator[responses.AnsweredRecord]:
    """Lists what examples are made of where viewers answered.

    Args:
        found: the study, with answers.
        stems: images with gaze.

    Yields:
        Records of `responses.make_example`, in the stems' order.
    """
    names = found.gaze.facts.get("viewer_names")
    for record in records(found, stems):
        answers = found.answers.get(record.photograph.stem, ())
        yield responses.AnsweredRecord(record, responses.rows(answers, names))


def facts(found: study.Study) -> dict[str, Any]:
    """Returns the metadata that are known before the images are read.

    Args:
        found: the study.

    Returns:
        Values for `info.metadata`.
    """
    recorded: recording.Recording = found.recording
    viewers = {
        int(viewer)
        for value in found.gaze.by_stem.values()
        if found.gaze.form != "maps"
        for viewer in np.unique(value.viewer)
        if viewer >= 0
    }
    return {
        "sigma_px": found.sigma_px,
        "task": recorded.task,
        "viewers": len(viewers) or None,
        "viewing_time_s": recorded.viewing_time_s,
        "tracker": recorded.tracker,
        "own_split": found.own_split,
        "images_without_gaze": len(found.images_without_gaze),
        "gaze_without_image": len(found.gaze.without_image),
        "skipped_lines": list(found.gaze.skipped),
        "gaze_notes": list(found.gaze.notes),
        "folder": str(found.root.resolve()),
        "folder_sha256": study.fingerprint(found.root),
        **found.gaze.facts,
        **(responses.facts(found.answers) if found.answers is not None else {}),
    }
