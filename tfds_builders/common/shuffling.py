"""What TFDS holds of a split in memory while it shuffles the records."""

import contextlib
from collections.abc import Iterator

from tfds_builders.common import tfds_internals

LIMIT = 256 << 20
"""Bytes of a split that a build holds at once; what is beyond them waits in files."""


@contextlib.contextmanager
def in_little_memory() -> Iterator[None]:
    """Lets builds inside it hold `LIMIT` bytes of a split, where TFDS holds up to 1000 MiB.

    With these and the imported libraries a build of a large set would take 1.8 GB. The records and
    their order are the same: either way TFDS sorts them by the hash of their keys.

    Yields:
        Nothing.
    """
    with tfds_internals.shuffle_memory(LIMIT):
        yield
