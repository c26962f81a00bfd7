"""The gaze in a folder, in whichever of the three forms it lies there."""

import dataclasses
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import (
    coordinates,
    durations,
    exports,
    images,
    maps,
    placement,
    recording,
    viewing,
)

TABLE = "fixations.csv"
TABLES = (TABLE, "fixations.tsv", "fixations.txt")
"""Names of tables of fixations; each may be packed by gzip, as `.gz`."""

TOLERANCE = 0.001
"""Share of a table's lines that may be bad."""

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
        viewings: the timeline; None but of samples.
        scale: the usual number of pixels of an image in one pixel of the screen.
        suspicions: what the recordings do not tell as they should, sentences.
        notes: what was taken how, or converted; sentences.
    """

    form: str
    source: pathlib.Path
    by_stem: Mapping[str, fixation_table.Fixations | pathlib.Path]
    skipped: tuple[str, ...]
    without_image: tuple[str, ...]
    facts: dict[str, Any]
    viewings: viewing.Timeline | None = None
    scale: float = 1.0
    suspicions: Collection[str] = ()
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
        return _on_images(_from_exports(root, found, facts), found, facts)
    if forms == ["points"]:
        return _on_images(_from_table(tables[0], found, facts), found, facts)
    if not maps.hold_points(heatmaps):
        return _matched(forms[0], root, heatmaps, found, ())
    sizes = {stem: images.size_of(found[stem].path) for stem in heatmaps if stem in found}
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
    sizes = {stem: images.size_of(found[stem].path) for stem in found}
    moved = coordinates.Moved(gaze.by_stem, facts.coordinates, sizes)
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


def _from_exports(
    root: pathlib.Path, found: Mapping[str, images.StudyImage], facts: recording.Recording
) -> Gaze:
    """Fixations of an eye tracker's exports."""
    folder = root / images.SAMPLES
    read = exports.read(folder, found, placement.read_placement(root), facts)
    return Gaze(
        form="samples",
        source=folder,
        by_stem=read.fixations(),
        skipped=tuple(read.skipped),
        without_image=tuple(sorted(read.unknown)),
        facts=read.facts(),
        viewings=read.viewings,
        scale=read.viewings.scale(),
        notes=(f"columns ignored: {', '.join(read.ignored)}",) if read.ignored else (),
        suspicions=read.suspicions,
    )
