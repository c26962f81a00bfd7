"""ImageNet 2012 without the breeds of Stanford Dogs: 880 classes, read from `imagenet2012`."""

from __future__ import annotations  # `tf` is imported where it is first used

import dataclasses
import functools
import tarfile
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import manual, preparing, schema, shuffling
from tfds_builders.common.tfds_internals import tensorflow as tf
from tfds_builders.imagenet_without_dogs import archives, records

_SOURCE = "imagenet2012:5.1.0"
_SPLITS = ("train", "validation")
_INDEX = "kept_records.npz"


class Builder(tfds.core.DatasetBuilder):
    """A view of `imagenet2012`: what is stored is where its 880 classes stand, not the images."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Prepare {_SOURCE} in the same data_dir, or put {' and '.join(archives.FILES)} from "
        "https://image-net.org/download-images (registration needed) into manual_dir."
    )

    @property
    def source(self) -> tfds.core.DatasetBuilder:
        """The whole of ImageNet 2012 as it now lies in the same data folder, prepared or not."""
        return tfds.builder(_SOURCE, data_dir=self.data_dir_root)

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the labels are ImageNet's in their order, without the dogs."""
        dogs = set((tfds.core.Path(__file__).parent / "dogs.txt").read_text().split())
        names = [name for name in self.source.info.features["label"].names if name not in dogs]
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label=tfds.features.ClassLabel(names=names)),
            supervised_keys=("image", "label"),
            homepage="https://image-net.org/",
            license="non-commercial research and education, by ImageNet's terms of access",
            metadata=tfds.core.MetadataDict(
                sigma_px=0.0,
                task="none",
                viewers=0,
                viewing_time_s=None,
                tracker=None,
            ),
        )

    def _download_and_prepare(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig | None = None,
    ) -> None:
        """Prepares `imagenet2012` if need be, and notes where the records of our classes stand.

        Where the configuration names a `beam_runner` or `beam_options`, Apache Beam does both.
        """
        config = download_config or tfds.download.DownloadConfig()
        on_beam = bool(config.beam_runner or config.beam_options)
        if not self.source.is_prepared():
            needed = list(archives.FILES)
            root = manual.require(dl_manager, needed, self.MANUAL_DOWNLOAD_INSTRUCTIONS)
            _check_sizes(root)
            source = archives.OnBeam(data_dir=self.data_dir_root) if on_beam else self.source
            _prepare(source, root, config)
        missing = [split for split in _SPLITS if split not in self.source.info.splits]
        if missing:
            raise ValueError(
                f"{self.source.data_dir} must have the splits {', '.join(_SPLITS)}; missing: "
                f"{', '.join(missing)}. Delete it and prepare {_SOURCE} from both archives"
            )
        labels = np.flatnonzero(self._new_labels >= 0)
        if on_beam:
            scratch = self.data_path / "found.json"
            found = records.find_on_beam(self.source, _SPLITS, labels, scratch, config)
        else:
            found = {split: records.find(self.source, split, labels) for split in _SPLITS}
        positions = {split: kept for split, (kept, _) in found.items()}
        with (self.data_path / _INDEX).open("wb") as file:
            np.savez_compressed(file, **positions)
        infos = [
            tfds.core.SplitInfo(split, self._shard_lengths(split, kept), num_bytes)
            for split, (kept, num_bytes) in found.items()
        ]
        self.info.set_splits(tfds.core.SplitDict(infos))

    @functools.cached_property
    def _new_labels(self) -> np.ndarray:
        """Our label for each of ImageNet's 1000, -1 for the dogs; int64 [1000]."""
        ours = {name: label for label, name in enumerate(self.info.features["label"].names)}
        return np.array([ours.get(name, -1) for name in self.source.info.features["label"].names])

    def _shard_lengths(self, split: str, positions: np.ndarray) -> list[int]:
        """Number of our records in each file of `imagenet2012`."""
        lengths = self.source.info.splits[split].shard_lengths
        return records.count_by_shard(positions, lengths).tolist()

    def _as_dataset(
        self,
        split: str | tfds.core.ReadInstruction,
        decoders: Any = None,
        read_config: tfds.ReadConfig | None = None,
        shuffle_files: bool = False,
    ) -> tf.data.Dataset:
        """Reads `imagenet2012`, leaves the dogs out and gives what is left in our schema."""
        read_config = read_config or tfds.ReadConfig()
        wanted, count = records.locate(split, self.info.splits, self._positions)
        source = self.source.as_dataset(
            split=wanted,
            decoders={"image": tfds.decode.SkipDecoding()},
            # The number of records that TFDS would assert and cache is that with the dogs.
            read_config=dataclasses.replace(
                read_config, assert_cardinality=False, try_autocache=False, skip_prefetch=True
            ),
            shuffle_files=shuffle_files,
        )
        new_labels = tf.constant(self._new_labels)
        ours = source.filter(lambda example: tf.gather(new_labels, example["label"]) >= 0)
        encode = functools.partial(self._encode, new_labels=new_labels, decoders=decoders)
        examples = ours.map(encode, num_parallel_calls=read_config.num_parallel_calls_for_decode)
        whole = not (read_config.input_context or read_config.repeat_filenames)
        if read_config.assert_cardinality and whole:
            examples = examples.apply(tf.data.experimental.assert_cardinality(count))
        return examples

    @functools.cached_property
    def _positions(self) -> dict[str, np.ndarray]:
        """Where our records stand, after a check that `imagenet2012` is still the one indexed."""
        if not self.source.is_prepared():
            raise FileNotFoundError(
                f"{self.name} reads the images of {_SOURCE}, which is no longer in "
                f"{self.source.data_dir}. Prepare it there again"
            )
        with (self.data_path / _INDEX).open("rb") as file, np.load(file) as index:
            positions = {split: index[split] for split in _SPLITS}
        for split, kept in positions.items():
            if self._shard_lengths(split, kept) != self.info.splits[split].shard_lengths:
                raise ValueError(
                    f"{self.source.data_dir} is not the copy that {self.data_dir} was made from: "
                    f"the files of `{split}` differ. Delete the latter and prepare it again"
                )
        return positions

    def _encode(self, example: dict, new_labels: tf.Tensor, decoders: Any) -> dict:
        """One record of `imagenet2012` in our schema, decoded as asked."""
        features = self.info.features
        if isinstance(decoders, tfds.decode.PartialDecoding):
            features, decoders = decoders.extract_features(features), decoders.decoders
        encoded = {
            "image": example["image"],
            "image/id": tf.strings.regex_replace(example["file_name"], r"\.[^.]*$", ""),
            "label": tf.gather(new_labels, example["label"]),
        }
        encoded = {key: value for key, value in encoded.items() if key in features}
        if "fixations" in features:
            columns = features["fixations"].dtype.items()
            encoded["fixations"] = {name: _empty(dtype) for name, dtype in columns}
        decoded = features.decode_example(encoded, decoders=decoders)
        # Present where `ReadConfig(add_tfds_id=True)` asks for it.
        return decoded | {key: example[key] for key in ("tfds_id",) if key in example}


def _empty(dtype: tf.DType) -> tf.Tensor:
    """No values, [0], of static shape [None]: what the sets with gaze promise too."""
    return tf.raw_ops.PlaceholderWithDefault(input=tf.zeros([0], dtype), shape=[None])


def _check_sizes(manual_dir: tfds.core.Path) -> None:
    """Looks at both archives: one that is cut short is found before hours of work."""
    for name, size in archives.FILES.items():
        archive = manual_dir / name
        if archive.stat().length != size:
            raise ValueError(
                f"{archive} must have {size} bytes; got {archive.stat().length}. Fetch it again"
            )


def _prepare(
    source: tfds.core.DatasetBuilder,
    manual_dir: tfds.core.Path,
    config: tfds.download.DownloadConfig,
) -> None:
    """Builds `imagenet2012` from the two archives."""
    own = tfds.download.DownloadConfig(
        manual_dir=manual_dir, beam_runner=config.beam_runner, beam_options=config.beam_options
    )
    try:
        with shuffling.in_little_memory():
            make = functools.partial(source.download_and_prepare, download_config=own)
            preparing.prepare(source, make)
    except tarfile.TarError as error:
        raise ValueError(f"an archive in {manual_dir} is damaged ({error}); fetch it again") from (
            error
        )
