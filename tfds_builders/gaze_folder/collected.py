"""Fixations as recordings bring them, by image."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import spool


class Collected:
    """Scanpaths on images, on disk."""

    def __init__(self, kept: spool.Spool) -> None:
        """Has nothing.

        Args:
            kept: where scanpaths are until all are there.
        """
        self._spool = kept
        kept.write("CREATE TABLE scanpath (stem BLOB, viewer BLOB, points BLOB)")

    def add(self, stem: str, viewer: str, scanpath: npt.NDArray[np.float64]) -> None:
        """Adds what a viewer fixated on an image.

        Args:
            stem: the image.
            viewer: name, "" where unknown.
            scanpath: x, y and duration, [3, k]; k may be 0.
        """
        points = np.ascontiguousarray(scanpath.T, np.float64).tobytes()
        names = spool.packed(stem), spool.packed(viewer)
        self._spool.write("INSERT INTO scanpath VALUES (?, ?, ?)", *names, points)

    def by_stem(self, viewers: list[str]) -> "Scanpaths":
        """Joins the viewers of each image, when it is asked for; nothing is added from then on.

        Args:
            viewers: names in the order of their numbers; the unknown one is -1 and comes first.

        Returns:
            Fixations by stem.
        """
        self._spool.write("CREATE INDEX IF NOT EXISTS of_stem ON scanpath (stem, viewer)")
        return Scanpaths(self._spool, viewers)


class Scanpaths(Mapping[str, fixation_table.Fixations]):
    """Fixations by stem, in the stems' order; those of one image are read from disk at a time."""

    def __init__(self, kept: spool.Spool, viewers: list[str]) -> None:
        """Reads the stems.

        Args:
            kept: with what `Collected` has put there.
            viewers: their names in the order of their numbers.
        """
        self._spool = kept
        self._numbers = {name: number for number, name in enumerate(viewers)} | {"": -1}
        stems = kept.rows("SELECT DISTINCT stem FROM scanpath ORDER BY stem")
        self._stems = {spool.unpacked(stem): None for (stem,) in stems}

    def __getitem__(self, stem: str) -> fixation_table.Fixations:
        """Returns what was fixated on an image, viewer after viewer."""
        if stem not in self._stems:
            raise KeyError(stem)
        viewers, counts, parts = [], [], []
        for viewer, points in self._spool.rows(
            "SELECT viewer, points FROM scanpath WHERE stem = ? ORDER BY viewer, rowid",
            spool.packed(stem),
        ):
            parts.append(np.frombuffer(points).reshape(-1, 3))
            viewers.append(self._numbers[spool.unpacked(viewer)])
            counts.append(len(parts[-1]))
        x, y, duration_ms = np.concatenate(parts).T.copy()
        viewer = np.repeat(np.array(viewers, np.int64), counts)
        return fixation_table.Fixations(x, y, duration_ms, viewer)

    def __contains__(self, stem: object) -> bool:
        """Says whether anybody was shown an image of this name."""
        return stem in self._stems

    def __iter__(self) -> Iterator[str]:
        """Returns the stems."""
        return iter(self._stems)

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self._stems)
