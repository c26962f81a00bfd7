"""Where something was seen first, remembered by the million."""

import hashlib

import numpy as np

from tfds_builders.gaze_folder import spool


class Firsts:
    """Remembers numbers by digests of 64 bits, on disk.

    Of a million two have one digest by chance in 3 of 100 million studies.
    """

    def __init__(self, kept: spool.Spool, name: str) -> None:
        """Remembers nothing.

        Args:
            kept: where digests are remembered.
            name: of what is; a word of its own.
        """
        self._spool = kept
        self._name = name
        kept.write(f"CREATE TABLE {name} (digest INTEGER PRIMARY KEY, place BLOB)")

    def seen(self, place: str, *numbers: np.ndarray) -> str | None:
        """Remembers numbers.

        Args:
            place: where they are.
            *numbers: arrays; they count as float32.

        Returns:
            Where they were before; None if they are new.
        """
        digest = hashlib.blake2b(digest_size=8)
        for array in numbers:
            digest.update(np.ascontiguousarray(array, np.float32))
        key = int.from_bytes(digest.digest(), "little", signed=True)
        values = key, spool.packed(place)
        if self._spool.write(f"INSERT OR IGNORE INTO {self._name} VALUES (?, ?)", *values):
            return None
        (found,) = self._spool.row(f"SELECT place FROM {self._name} WHERE digest = ?", key)
        return spool.unpacked(found)
