"""What TFDS has and does not promise: the one module that reaches into it.

`pyproject.toml` bounds TFDS by what the tests of this module were run with.
"""

import contextlib
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


class Columns(tfds.features.Sequence):
    """A sequence of rows of numbers that is encoded column by column.

    `Sequence` makes a dictionary of each row and an array of each number, a kilobyte for a
    fixation. Records, descriptions and what is read are the same, and a prepared set knows nothing
    of this class.
    """

    def __init__(self, columns: Mapping[str, type[np.number]]):
        """Describes the columns.

        Args:
            columns: type of the numbers by name.
        """
        super().__init__(dict(columns))

    @property
    def _fully_qualified_class_name(self) -> str:
        """What stands in `features.json`."""
        return f"{tfds.features.Sequence.__module__}.{tfds.features.Sequence.__name__}"

    def get_serialized_info(self) -> dict[str, tfds.features.TensorInfo]:
        """Describes each column as one array of any length, which is written in one go."""
        return {
            name: tfds.features.TensorInfo(shape=(None,), dtype=info.np_dtype)
            for name, info in super().get_serialized_info().items()
        }

    def encode_example(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Encodes one value.

        Args:
            columns: arrays of the set's types, or lists of numbers, of one length by name, [n].

        Returns:
            The columns as arrays.

        Raises:
            ValueError: if a column is missing or unknown, is of another type, has more than one
                axis or another length.
        """
        types = {name: info.np_dtype for name, info in self.get_serialized_info().items()}
        if set(columns) != set(types):
            raise ValueError(f"columns must be {sorted(types)}; got {sorted(columns)}")
        arrays = {
            name: value if isinstance(value, np.ndarray) else np.asarray(value, types[name])
            for name, value in columns.items()
        }
        found = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
        length = len(next(iter(arrays.values())))
        wanted = {name: (np.dtype(types[name]).name, (length,)) for name in arrays}
        if found != wanted:
            raise ValueError(f"columns must be of one length, {wanted}; got {found}")
        return arrays


def package_folder(builder: type[tfds.core.DatasetBuilder]) -> tfds.core.Path:
    """Returns the folder of a builder's module, where its description and citation lie."""
    return builder._get_pkg_dir_path()
