"""ImageNet's two archives, so read that each worker of Apache Beam unpacks a part of them."""

import dataclasses
import functools
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.imagenet2012 import (
    imagenet2012_dataset_builder,
    imagenet_common,
)

from tfds_builders.common import tfds_internals

FILES: Mapping[str, int] = {
    "ILSVRC2012_img_train.tar": 147_897_477_120,
    "ILSVRC2012_img_val.tar": 6_744_924_160,
}
"""Bytes of each archive, as TFDS lists them."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        archive: the archive.
        name: the file in it: another archive with the images of a class, or a validation image.
        offset: place of its first byte in the archive.
        size: its bytes.
        label: class of a validation image, empty for a class of training images.
    """

    archive: str
    name: str
    offset: int
    size: int
    label: str = ""


def list_members(path: str | os.PathLike, labels: Mapping[str, str]) -> list[Member]:
    """Lists an archive, which reads but the header of each file in it.

    Args:
        path: an archive that is not compressed.
        labels: class by name of the file; those without one have an empty label.

    Returns:
        Its files, in order.

    Raises:
        tarfile.TarError: if it is damaged.
    """
    with tfds.core.Path(path).open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
        return [
            Member(
                os.fspath(path), info.name, info.offset_data, info.size, labels.get(info.name, "")
            )
            for info in archive
            if info.isfile()
        ]


class OnBeam(imagenet2012_dataset_builder.Builder, skip_registration=True):
    """`imagenet2012` as TFDS makes it, a class or a validation image at a time, on Apache Beam.

    TFDS's own builder reads its archives from end to end in one process. The prepared set is the
    same. Of the test images, which have no labels, nothing is made.
    """

    name = "imagenet2012"
    # Description and citation are TFDS's.
    pkg_dir_path = tfds_internals.package_folder(imagenet2012_dataset_builder.Builder)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        """Lists both archives; the workers read them."""
        beam = tfds.core.lazy_imports.apache_beam
        train, validation = (dl_manager.manual_dir / name for name in FILES)
        labels = imagenet_common.get_validation_labels(validation)
        members = {"train": list_members(train, {}), "validation": list_members(validation, labels)}
        return {
            split: beam.Create(found)
            | beam.Reshuffle()
            | beam.FlatMap(functools.partial(_unpack, self))
            for split, found in members.items()
        }


def _unpack(builder: OnBeam, member: Member) -> Iterator[tuple[str, dict[str, Any]]]:
    """Makes the examples of one file by TFDS's own code."""
    with tfds.core.Path(member.archive).open("rb") as file:
        file.seek(member.offset)
        content = file.read(member.size)
    archive = iter([(member.name, io.BytesIO(content))])
    labels = {member.name: member.label} if member.label else None
    try:
        for key, example in builder._generate_examples(archive, labels):
            yield key, example | {"image": example["image"].read()}
    except tarfile.TarError as error:
        raise ValueError(
            f"{member.name} in {member.archive} is damaged ({error}); fetch the archive again"
        ) from error
