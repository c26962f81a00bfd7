"""The exports of eye trackers in a folder: read one after the other, fixations on the images."""

import itertools
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfds_builders.common import fixation_table, user_files
from tfds_builders.gaze_folder import (
    collected,
    copies,
    detection,
    images,
    placement,
    presentation,
    recording,
    sentences,
    spool,
    viewing,
)
from tfds_builders.gaze_folder.readers import cells, formats, reader, table

TOLERANCE = 0.001
"""Share of a file's lines that may be bad."""

_CHOSEN_FROM = 20  # presentations of a file
_LITTER = ("Thumbs.db", "desktop.ini")


def read(
    folder: pathlib.Path,
    found: Mapping[str, images.StudyImage],
    places: Mapping[str, placement.Place],
    facts: recording.Recording,
) -> "Exports":
    """Reads all exports; of each no more than some presentations are held at once.

    Args:
        folder: where they lie; a folder among them is named like the viewer.
        found: the images by stem.
        places: `placement.csv`.
        facts: `recording.json`.

    Returns:
        What they hold of the images.

    Raises:
        FileNotFoundError: if there is none.
        ImportError: if a package is missing that a format or filter needs.
        ValueError: if a file is none that can be read, holds too many bad lines or a copy of
            another one, does not tell where an image was, or nobody fixated anything.
    """
    table.load_polars()
    read = Exports(found, places, facts)
    for name in _files(folder):
        path = folder / name
        setting = reader.Setting(_viewer_of(path, folder), facts, read.sizes)
        read.add(formats.open_file(path, setting))
    if (len(read.viewings) or not read.unknown) and not read.viewings.fixations():
        told = " ".join(itertools.islice(read.suspicions, 2))
        raise ValueError(
            f"{folder} must hold at least one fixation; none was found in {len(read.viewings)} "
            f"presentations of images. {told} Look at the coordinates, and at {recording.FILE}"
        )
    return read


class Exports:
    """What has been read so far.

    Attributes:
        sizes: height and width of the images by stem.
        scanpaths: x, y (pixels of the image) and durations (ms) on each image.
        viewings: the timeline.
        summary: how fixations were found in the files.
        unknown: names of pictures that are no image of the folder.
        skipped: what was wrong with each line left out.
        suspicions: sentences for the report.
        ignored: names of columns that nothing is read from, each once.
    """

    def __init__(
        self,
        found: Mapping[str, images.StudyImage],
        places: Mapping[str, placement.Place],
        facts: recording.Recording,
    ) -> None:
        """Has read nothing yet.

        Args:
            found: the images by stem.
            places: `placement.csv`.
            facts: `recording.json`.
        """
        self.sizes = images.Sizes(found)
        kept = spool.Spool()
        self.scanpaths = collected.Collected(kept)
        self.viewings = viewing.Timeline(kept)
        self.summary = detection.Summary()
        self.unknown: set[str] = set()
        self.skipped: list[str] = []
        self.suspicions = sentences.Sentences(kept)
        self.ignored: dict[str, None] = {}
        self._places = places
        self._facts = facts
        self._copies = copies.Copies(kept)

    def add(self, file: reader.Reader) -> None:
        """Reads a file; its first presentations tell how fixations are found in all.

        Args:
            file: the next one.

        Raises:
            ValueError: as `read` does.
        """
        known = self._known(file)
        first = list(itertools.islice(known, _CHOSEN_FROM))
        told: list[str] = []
        if first:
            choice = detection.choose(first, self._facts)
            self.summary.add(choice)
            measured = []
            every = itertools.chain(first, known)
            for shown, found in detection.find_all(every, self._facts, choice):
                self._keep(shown, found)
                if len(shown.time_ms):  # else nothing tells how long an eye was seen
                    measured.append(found)
            told = [*choice.suspicions, *detection.suspect_share(measured)]
        fixation_table.check_skipped(file.skipped, file.lines, TOLERANCE)
        self.skipped += file.skipped
        self.ignored |= dict.fromkeys(file.ignored)
        for text in (*file.notes, *(f"{file.path}: {text}" for text in told)):
            self.suspicions.add(text)

    def fixations(self) -> collected.Scanpaths:
        """Joins the viewers of each image, in the order of their names."""
        return self.scanpaths.by_stem(self.viewings.viewers())

    def facts(self) -> dict[str, Any]:
        """What a reader of the set needs to know about its fixations."""
        told = self.summary.facts()
        return {
            "viewer_names": self.viewings.viewers(),
            "pixels_per_degree": self._facts.pixels_per_degree,
            **(told[0] if len(told) == 1 else {}),
            "fixation_filters": told,
        }

    def _known(self, file: reader.Reader) -> Iterator[presentation.Presentation]:
        """Presentations of images of the folder; the names of others are noted."""
        for shown in file.presentations():
            if shown.stem in self.sizes:
                self._copies.check(shown)
                yield shown
            else:
                self.unknown.add(shown.stem)

    def _keep(self, shown: presentation.Presentation, found: detection.Detected) -> None:
        """Moves the fixations of a presentation to its image."""
        place, size = self._place(shown), self.sizes[shown.stem]
        x, y = place.to_image(found.x, found.y, size)
        scanpath = np.stack([x, y, found.duration_ms])
        self.scanpaths.add(shown.stem, shown.viewer, scanpath)
        self.viewings.append(_viewing(shown, found, size[1] / place.width))
        for note in found.notes:
            self.suspicions.add(f"{shown.source}: {note}")

    def _place(self, shown: presentation.Presentation) -> placement.Place:
        """Looks up where the image was: the user's own line before the tracker's."""
        if own := self._places.get(shown.stem):
            return own
        every = self._places.get(placement.EVERY_IMAGE)
        if every and shown.place and not every.is_close(shown.place):
            raise ValueError(
                f"{shown.source}: {placement.FILE} and the export contradict each other about "
                f"{shown.stem}: * says {every.describe()}, the export {shown.place.describe()}. "
                f"Remove * where the export is right, or write a line for {shown.stem} where it is "
                "not"
            )
        place = shown.place or every
        if place is None:
            raise ValueError(
                f"{shown.source}: nothing says where on the screen {shown.stem} was; write a line "
                f"for it into {placement.FILE} (stem,left,top,width,height), or one with the stem "
                "* for all"
            )
        return place


def _files(folder: pathlib.Path) -> list[str]:
    """Names of all that are no companion of another file and no litter of a file manager."""
    names = [
        name
        for name in user_files.names_below(folder)
        if not any(part.startswith((".", "__MACOSX")) for part in name.split(os.sep))
        and os.path.basename(name) not in _LITTER
        and not formats.is_companion(folder / name)
    ]
    if not names:
        raise FileNotFoundError(
            f"{folder} must hold exports of an eye tracker ({', '.join(formats.TABLE_SUFFIXES)}, "
            ".asc, .json, .hdf5)"
        )
    return names


def _viewer_of(path: pathlib.Path, folder: pathlib.Path) -> str:
    """The folder of a file; Pupil's `gaze.csv` lies in one of its image."""
    parent = path.parent
    if cells.is_named_by_folder(path) and parent != folder:
        parent = parent.parent
    return "" if parent == folder else user_files.composed(parent.name)


def _viewing(
    shown: presentation.Presentation, found: detection.Detected, scale: float
) -> viewing.Viewing:
    """What is left of a presentation in the timeline."""
    length = shown.offset_ms - shown.onset_ms
    has_samples = bool(len(shown.time_ms)) and length > 0
    tracked = found.tracked_ms
    return viewing.Viewing(
        viewer=shown.viewer,
        stem=shown.stem,
        source=shown.source,
        onset_ms=shown.onset_ms,
        duration_ms=length,
        samples=len(shown.time_ms),
        tracked=min(tracked / length, 1.0) if has_samples else math.nan,
        fixations=len(found.x),
        fixated=found.in_fixations_ms / tracked if has_samples and tracked else math.nan,
        scale=scale,
    )
