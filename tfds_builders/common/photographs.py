"""Photographs that gaze sets refer to by file name: original files, or those of a TFDS set."""

import dataclasses
import io
import pathlib
from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import preparing


class StoredImage(io.BytesIO):
    """An encoded image from a prepared set; as text it is its name, for error messages."""

    def __init__(self, content: bytes, name: str) -> None:
        """Keeps the bytes.

        Args:
            content: the encoded image.
            name: the set and the file that it came from.
        """
        super().__init__(content)
        self._name = name

    def __str__(self) -> str:
        """The name."""
        return self._name


@dataclasses.dataclass(frozen=True)
class Photograph:
    """An image that gaze may have been recorded on.

    Attributes:
        stem: file name without folders and extension, by which gaze is joined to it.
        image: the file, or its content.
        class_name: the class: name of its folder, or of its label where there are no folders;
            empty if there is neither.
    """

    stem: str
    image: tfds.core.Path | StoredImage
    class_name: str = ""


def content(image: tfds.core.Path | StoredImage) -> tfds.core.Path | bytes:
    """Returns what TFDS stores as it is: the file, or all bytes however far they were read."""
    return image.getvalue() if isinstance(image, StoredImage) else image


def stored(
    name: str,
    file_name_key: str,
    data_dir: tfds.core.Path,
    instructions: str,
    only_split: str | None = None,
) -> Iterator[Photograph]:
    """Reads all photographs of a TFDS set, which is prepared first where that has not been done.

    Args:
        name: the set, such as `stanford_dogs`; its features are `image`, perhaps `label`, and
            file names.
        file_name_key: its feature of file names.
        data_dir: where prepared sets live.
        instructions: what to do where it cannot be prepared.
        only_split: the split to read; None for all.

    Yields:
        The photographs, one at a time: memory does not grow with the set.

    Raises:
        ConnectionError: if the set cannot be prepared.
    """
    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        try:
            preparing.prepare(builder, builder.download_and_prepare)
        except (OSError, ImportError, tfds.download.DownloadError) as error:
            raise ConnectionError(f"cannot prepare {name} ({error}). {instructions}") from error
    features = builder.info.features
    names = features["label"].names if "label" in features else None
    config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
    for split in sorted(builder.info.splits) if only_split is None else [only_split]:
        examples = builder.as_dataset(
            split=split, decoders={"image": tfds.decode.SkipDecoding()}, read_config=config
        )
        for example in examples.as_numpy_iterator():
            path = pathlib.PurePosixPath(example[file_name_key].decode())
            yield Photograph(
                stem=path.stem,
                image=StoredImage(example["image"], f"{name}, {path}"),
                class_name=path.parent.name or (names[example["label"]] if names else ""),
            )
