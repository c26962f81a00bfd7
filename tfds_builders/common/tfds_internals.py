"""What TFDS has and does not promise: the one module that reaches into it.

`pyproject.toml` bounds TFDS by what the tests of this module were run with.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format
from tensorflow_datasets.core import shuffle
from tensorflow_datasets.core.download import download_manager, extractor
from tensorflow_datasets.core.utils import lazy_imports_utils

#: what a prepared set raises whose description is damaged
DescriptionError = json_format.ParseError
#: what a download raises whose content is not what was published
ChecksumError = download_manager.NonMatchingChecksumError
#: what unpacking a broken archive raises
ExtractError = extractor.ExtractError
#: TensorFlow, imported where it is first used: who only reads files of gaze does not wait for it
tensorflow = lazy_imports_utils.tensorflow


@contextlib.contextmanager
def shuffle_memory(limit: int) -> Iterator[None]:
    """Lets builds inside it hold a number of bytes of a split while it is shuffled.

    Args:
        limit: bytes; TFDS' own 1000 MiB if that is less.

    Yields:
        Nothing.
    """
    before = shuffle.MAX_MEM_BUFFER_SIZE
    shuffle.MAX_MEM_BUFFER_SIZE = min(limit, before)
    try:
        yield
    finally:
        shuffle.MAX_MEM_BUFFER_SIZE = before


def set_features(info: tfds.core.DatasetInfo, features: tfds.features.FeaturesDict) -> None:
    """Gives a set its features after it was described.

    TFDS does so itself for sets whose features it finds in a file.
    """
    info._features = features


def columns(types: Mapping[str, type[np.number]]) -> tfds.features.Sequence:
    """Returns a sequence of rows of numbers that is encoded column by column.

    `Sequence` makes a dictionary of each row and an array of each number, all at once: 0.8 kB for a
    fixation in place of 0.3. Records, descriptions and what is read are the same. It is no class of
    its own, since TFDS compares classes (partial decoding does), and a prepared set should know
    nothing of it.

    Args:
        types: of the columns, by name.
    """
    sequence = tfds.features.Sequence(dict(types))
    sequence.encode_example = functools.partial(_encode_columns, types)
    return sequence


def _encode_columns(
    types: Mapping[str, type], value: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Encodes one value.

    Args:
        types: of the columns, by name.
        value: numbers of one length by name, [n].

    Returns:
        The columns, of these types.

    Raises:
        ValueError: if a column is missing or unknown, has more than one axis or another length, or
            holds what its type cannot.
    """
    if set(value) != set(types):
        raise ValueError(f"columns must be {sorted(types)}; got {sorted(value)}")
    given = {name: np.asarray(column) for name, column in value.items()}
    shapes = {name: column.shape for name, column in given.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"columns must have one axis and share one length; got {shapes}")
    encoded = {name: column.astype(types[name], copy=False) for name, column in given.items()}
    for name, column in encoded.items():
        if column.dtype.kind == "i" and not np.array_equal(column, given[name]):
            raise ValueError(f"`{name}` must be numbers of {column.dtype}; got {given[name]}")
    return encoded


def package_folder(builder: type[tfds.core.DatasetBuilder]) -> tfds.core.Path:
    """Returns the folder of a builder's module, where its description and citation lie."""
    return builder._get_pkg_dir_path()
