"""The gaze in a folder, in whichever of the three forms it lies there."""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import (
    coordinates,
    detection,
    durations,
    images,
    maps,
    placement,
    presentation,
    recording,
    viewing,
)
from tfds_builders.gaze_folder.readers import cells, formats, reader, table

TABLE = "fixations.csv"
TABLES = (TABLE, "fixations.tsv", "fixations.txt")
"""Names of tables of fixations; each may be packed by gzip, as `.gz`."""

TOLERANCE = 0.001
"""Share of a table's lines that may be bad."""

_CHOSEN_FROM = 20  # presentations of a file
_LITTER = ("Thumbs.db", "desktop.ini")
FORMS = f"{TABLE}, heat maps ({images.HEATMAPS}/ or <stem>_heatmap.png) or {images.SAMPLES}/"


@dataclasses.dataclass(frozen=True)
class Gaze:
    """What was recorded.

    Attributes:
        form: "points", "maps" or "samples".
        source: the file or folder that it was read from.
        by_stem: fixations on an image in its own pixels, or the file of its heat map.
        skipped: for each line that was left out, where it stands and what is wrong with it.
        without_image: names of images in the gaze that are not in the folder.
        facts: what else the set's metadata shall say.
        viewings: the timeline, of samples alone.
        suspicions: what the recordings do not tell as they should, sentences.
        notes: what was taken how, or converted; sentences.
    """

    form: str
    source: pathlib.Path
    by_stem: dict[str, fixation_table.Fixations | pathlib.Path]
    skipped: tuple[str, ...]
    without_image: tuple[str, ...]
    facts: dict[str, Any]
    viewings: tuple[viewing.Viewing, ...] = ()
    suspicions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_gaze(
    root: pathlib.Path, found: Mapping[str, images.StudyImage], facts: recording.Recording
) -> Gaze:
    """Reads the gaze.

    Args:
        root: the folder.
        found: its images by stem.
        facts: how the gaze was recorded.

    Returns:
        Gaze on the images that are there.

    Raises:
        FileNotFoundError: if there is none.
        ImportError: if samples are there and the package that they need is not.
        ValueError: if it is there in several forms, or cannot be read.
    """
    heatmaps, tables = images.find_heatmaps(root), _tables(root)
    there = {
        "points": bool(tables),
        "maps": bool(heatmaps),
        "samples": (root / images.SAMPLES).is_dir(),
    }
    forms = [form for form, is_there in there.items() if is_there]
    if not forms:
        raise FileNotFoundError(f"{root} must hold gaze: {FORMS}; found none of them")
    if len(forms) > 1:
        raise ValueError(
            f"{root} must hold gaze in one form; got {' and '.join(forms)} of {FORMS}. "
            "Move the others out"
        )
    if forms == ["samples"]:
        return _on_images(_from_samples(root, found, facts), found, facts)
    if forms == ["points"]:
        return _on_images(_from_table(tables[0], found, facts), found, facts)
    if not maps.hold_points(heatmaps):
        return _matched(forms[0], root, heatmaps, found, ())
    sizes = {stem: _header_size(found[stem].path) for stem in heatmaps if stem in found}
    points = _matched("points", root, maps.read_points(heatmaps, sizes), found, ())
    return dataclasses.replace(points, notes=(maps.POINTS_NOTE,))


def _tables(root: pathlib.Path) -> list[pathlib.Path]:
    """The tables of fixations; there may be one."""
    names = [name + packed for name in TABLES for packed in ("", ".gz")]
    there = [root / name for name in names if (root / name).exists()]
    if len(there) > 1:
        listed = " and ".join(path.name for path in there)
        raise ValueError(f"{root} must hold one table of fixations; got {listed}. Remove one")
    return there


def _from_table(
    path: pathlib.Path, found: Mapping[str, images.StudyImage], facts: recording.Recording
) -> Gaze:
    """Reads a table of fixations."""
    table = fixation_table.scan_table(path, TOLERANCE)
    fixations, converted = durations.to_milliseconds(table.fixations, facts.duration_unit)
    gaze = _matched("points", path, fixations, found, table.skipped)
    names = {"viewer_names": list(table.viewer_names)} if table.viewer_names else {}
    notes = (*table.notes, *filter(None, [converted]))
    return dataclasses.replace(gaze, facts=names, notes=notes)


def _on_images(
    gaze: Gaze, found: Mapping[str, images.StudyImage], facts: recording.Recording
) -> Gaze:
    """Moves points from the coordinates that `recording.json` states to pixels of the images."""
    if facts.coordinates is None:
        return gaze
    sizes = {stem: _header_size(found[stem].path) for stem in found}
    moved = coordinates.move(gaze.by_stem, facts.coordinates, sizes)
    note = f"coordinates: converted as recording.json states, {facts.coordinates.as_json()}"
    stated = {"coordinates": facts.coordinates.as_json()}
    return dataclasses.replace(
        gaze, by_stem=moved, facts=gaze.facts | stated, notes=(*gaze.notes, note)
    )


def _matched(
    form: str,
    source: pathlib.Path,
    gaze: Mapping[str, Any],
    found: Mapping[str, images.StudyImage],
    skipped: tuple[str, ...],
) -> Gaze:
    """Sorts out what belongs to no image."""
    by_stem = {stem: value for stem, value in gaze.items() if stem in found}
    return Gaze(form, source, by_stem, skipped, tuple(sorted(set(gaze) - set(found))), {})


def _from_samples(
    root: pathlib.Path, found: Mapping[str, images.StudyImage], facts: recording.Recording
) -> Gaze:
    """Detects fixations in all exports and moves them to the images."""
    table.load_polars()
    folder = root / images.SAMPLES
    collected = _Collected(found, placement.read_placement(root), facts)
    for file in _sample_files(folder, _ImageSizes(found), facts):
        collected.add(file)
    if not collected.unknown or collected.scanpaths:
        _check_any(folder, collected.scanpaths)
    viewers = sorted({one.viewer for one in collected.viewings if one.viewer})
    scanpaths = collected.scanpaths
    by_stem = {stem: _join(scanpaths[stem], viewers) for stem in sorted(scanpaths)}
    return Gaze(
        form="samples",
        source=folder,
        by_stem=by_stem,
        skipped=tuple(collected.skipped),
        without_image=tuple(sorted(collected.unknown)),
        facts={
            "viewer_names": viewers,
            "pixels_per_degree": facts.pixels_per_degree,
            **_detection_facts(collected.choices),
        },
        viewings=tuple(collected.viewings),
        suspicions=tuple(dict.fromkeys(collected.notes)),
    )


class _Collected:
    """What has been read from the exports so far."""

    def __init__(
        self,
        found: Mapping[str, images.StudyImage],
        places: Mapping[str, placement.Place],
        facts: recording.Recording,
    ) -> None:
        self.scanpaths: dict[str, list[tuple[str, np.ndarray]]] = {}
        self.viewings: list[viewing.Viewing] = []
        self.choices: dict[tuple, detection.Choice] = {}
        self.unknown: set[str] = set()
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self._found = found
        self._sizes = _ImageSizes(found)
        self._places = places
        self._facts = facts
        self._copies = viewing.Copies()

    def add(self, file: reader.Reader) -> None:
        """Reads a file; its first presentations tell how fixations are found in all."""
        known = self._known(file)
        first = list(itertools.islice(known, _CHOSEN_FROM))
        if first:
            choice = detection.choose(first, self._facts)
            key = (choice.filter, str(choice.parameters))
            self.choices.setdefault(key, choice)
            self.notes += [f"{file.path}: {text}" for text in choice.suspicions]
            found = [self._detect(shown, choice) for shown in itertools.chain(first, known)]
            self.notes += [f"{file.path}: {text}" for text in detection.suspect_share(found)]
        fixation_table.check_skipped(file.skipped, file.lines, TOLERANCE)
        self.skipped += file.skipped
        self.notes += file.notes

    def _known(self, file: reader.Reader) -> Iterator[presentation.Presentation]:
        """Presentations of images of the folder; the names of others are noted."""
        for shown in file.presentations():
            if shown.stem in self._found:
                self._copies.check(shown)
                yield shown
            else:
                self.unknown.add(shown.stem)

    def _detect(
        self, shown: presentation.Presentation, choice: detection.Choice
    ) -> detection.Detected:
        """Finds the fixations of a presentation, and moves them to its image."""
        place = self._place(shown)
        found = detection.find_fixations(shown, self._facts, choice)
        x, y = place.to_image(found.x, found.y, self._sizes[shown.stem])
        scanpath = np.stack([x, y, found.duration_ms])
        self.scanpaths.setdefault(shown.stem, []).append((shown.viewer, scanpath))
        length = shown.offset_ms - shown.onset_ms
        has_samples = bool(len(shown.time_ms)) and length > 0
        tracked = found.tracked_ms
        self.viewings.append(
            viewing.Viewing(
                viewer=shown.viewer,
                stem=shown.stem,
                source=shown.source,
                onset_ms=shown.onset_ms,
                duration_ms=length,
                samples=len(shown.time_ms),
                tracked=min(tracked / length, 1.0) if has_samples else math.nan,
                fixations=len(x),
                fixated=found.in_fixations_ms / tracked if has_samples and tracked else math.nan,
            )
        )
        self.notes += [f"{shown.source}: {note}" for note in found.notes]
        return found

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


class _ImageSizes(Mapping):
    """Height and width of the images by stem; a file is looked at when it is asked for."""

    def __init__(self, found: Mapping[str, images.StudyImage]) -> None:
        self._found = found
        self._known: dict[str, tuple[int, int]] = {}

    def __getitem__(self, stem: str) -> tuple[int, int]:
        if stem not in self._known:
            self._known[stem] = _header_size(self._found[stem].path)
        return self._known[stem]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _check_any(folder: pathlib.Path, scanpaths: Mapping[str, list]) -> None:
    """Checks that there is a fixation at all."""
    shown = [path for paths in scanpaths.values() for _, path in paths]
    if not sum(path.shape[1] for path in shown):
        raise ValueError(
            f"{folder} must hold at least one fixation; none was found in {len(shown)} "
            f"presentations of images. Look at the coordinates, and at {recording.FILE}"
        )


def _sample_files(
    folder: pathlib.Path, sizes: Mapping[str, tuple[int, int]], facts: recording.Recording
) -> Iterator[reader.Reader]:
    """Readers of the exports; a folder among them is named like the viewer."""
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
        and path.name not in _LITTER
        and not formats.is_companion(path)
    ]
    if not paths:
        raise FileNotFoundError(
            f"{folder} must hold exports of an eye tracker ({', '.join(formats.TABLE_SUFFIXES)}, "
            ".asc, .json, .hdf5)"
        )
    for path in paths:
        viewer = _viewer_of(path, folder)
        yield formats.open_file(path, reader.Setting(viewer, facts, sizes))


def _viewer_of(path: pathlib.Path, folder: pathlib.Path) -> str:
    """The folder of a file; Pupil's `gaze.csv` lies in one of its image."""
    parent = path.parent
    if cells.is_named_by_folder(path) and parent != folder:
        parent = parent.parent
    return "" if parent == folder else parent.name


def _join(scanpaths: list[tuple[str, np.ndarray]], viewers: list[str]) -> fixation_table.Fixations:
    """Joins the viewers of one image, in the order of their names."""
    numbers = {name: number for number, name in enumerate(viewers)} | {"": -1}
    scanpaths = sorted(scanpaths, key=lambda scanpath: numbers[scanpath[0]])
    x, y, duration_ms = np.concatenate([path for _, path in scanpaths], axis=1)
    viewer = np.repeat(
        [numbers[name] for name, _ in scanpaths], [path.shape[1] for _, path in scanpaths]
    )
    return fixation_table.Fixations(x, y, duration_ms, viewer)


def _header_size(path: pathlib.Path) -> tuple[int, int]:
    """Height and width of an image, from its first bytes."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError) as error:
        raise ValueError(f"image {path} does not decode ({error}); replace it") from error


def _detection_facts(choices: Mapping[tuple, detection.Choice]) -> dict[str, Any]:
    """What a reader of the set needs to know about its fixations."""
    told = [
        {"filter": one.filter, "reason": one.reason, **one.parameters} for one in choices.values()
    ]
    return {**(told[0] if len(told) == 1 else {}), "fixation_filters": told}
