"""What TFDS has and does not promise: the one module that reaches into it.

`pyproject.toml` bounds TFDS by what the tests of this module were run with.
"""

import contextlib
from collections.abc import Iterator

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


def package_folder(builder: type[tfds.core.DatasetBuilder]) -> tfds.core.Path:
    """Returns the folder of a builder's module, where its description and citation lie."""
    return builder._get_pkg_dir_path()
