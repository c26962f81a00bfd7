"""The gaze in a folder, in whichever of the three forms it lies there."""

import dataclasses
import importlib.metadata
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import (
    asc,
    fixation_filter,
    images,
    placement,
    recording,
    samples,
)

TABLE = "fixations.csv"
TOLERANCE = 0.001
"""Share of a table's lines that may be bad."""

_ASC = ".asc"
_SAMPLE_SUFFIXES = (".csv", ".tsv", ".txt", _ASC)
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
    """

    form: str
    source: pathlib.Path
    by_stem: dict[str, fixation_table.Fixations | pathlib.Path]
    skipped: tuple[str, ...]
    without_image: tuple[str, ...]
    facts: dict[str, Any]


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
    maps = images.find_heatmaps(root)
    there = {
        "points": (root / TABLE).exists(),
        "maps": bool(maps),
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
        return _from_samples(root, found, facts)
    if forms == ["maps"]:
        return _matched(forms[0], root, maps, found, ())
    table = fixation_table.scan_table(root / TABLE, TOLERANCE)
    return _matched(forms[0], root / TABLE, table.fixations, found, table.skipped)


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
    fixation_filter.load_pymovements()
    folder = root / images.SAMPLES
    places = placement.read_placement(root)
    scanpaths: dict[str, list[tuple[str, np.ndarray]]] = {}
    skipped: list[str] = []
    unknown: set[str] = set()
    for file in _sample_files(folder):
        for shown in file.presentations():
            if shown.stem not in found:
                unknown.add(shown.stem)
                continue
            x, y, duration_ms = fixation_filter.detect(shown.time_ms, shown.x, shown.y, facts)
            x, y = _place(shown, places).to_image(x, y, _header_size(found[shown.stem].path))
            scanpath = np.stack([x, y, duration_ms])
            scanpaths.setdefault(shown.stem, []).append((shown.viewer, scanpath))
        fixation_table.check_skipped(file.skipped, file.lines, TOLERANCE)
        skipped += file.skipped
    if not unknown or scanpaths:
        _check_any(folder, scanpaths)
    viewers = sorted({viewer for paths in scanpaths.values() for viewer, _ in paths if viewer})
    by_stem = {stem: _join(scanpaths[stem], viewers) for stem in sorted(scanpaths)}
    return Gaze(
        form="samples",
        source=folder,
        by_stem=by_stem,
        skipped=tuple(skipped),
        without_image=tuple(sorted(unknown)),
        facts={"viewer_names": viewers, **_detection_facts(facts)},
    )


def _check_any(folder: pathlib.Path, scanpaths: Mapping[str, list]) -> None:
    """Checks that there is a fixation at all."""
    shown = [path for paths in scanpaths.values() for _, path in paths]
    if not sum(path.shape[1] for path in shown):
        raise ValueError(
            f"{folder} must hold at least one fixation; none was found in {len(shown)} "
            f"presentations of images. Look at the coordinates, and at {recording.FILE}"
        )


def _sample_files(folder: pathlib.Path) -> list[samples.SampleFile | asc.AscFile]:
    """The exports; a folder among them is named like the viewer."""
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SAMPLE_SUFFIXES and not path.name.startswith(".")
    ]
    if not paths:
        raise FileNotFoundError(
            f"{folder} must hold exports of an eye tracker ({', '.join(_SAMPLE_SUFFIXES)})"
        )
    return [_open(path, "" if path.parent == folder else path.parent.name) for path in paths]


def _open(path: pathlib.Path, viewer: str) -> samples.SampleFile | asc.AscFile:
    """An export by its kind; EyeLink makes a file for each person."""
    if path.suffix.lower() == _ASC:
        return asc.AscFile(path, viewer or path.stem)
    return samples.SampleFile(path, viewer)


def _place(shown: samples.Presentation, places: Mapping[str, placement.Place]) -> placement.Place:
    """Looks up where the image was: the user's own file before the tracker's."""
    place = places.get(shown.stem) or places.get(placement.EVERY_IMAGE) or shown.place
    if place is None:
        raise ValueError(
            f"{shown.source}: nothing says where on the screen {shown.stem} was; write a line for "
            f"it into {placement.FILE} (stem,left,top,width,height), or one with the stem * for all"
        )
    return place


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


def _detection_facts(facts: recording.Recording) -> dict[str, Any]:
    """What a reader of the set needs to know about its fixations."""
    return {
        "fixation_algorithm": "I-VT (Salvucci and Goldberg, 2000)",
        "fixation_software": f"pymovements {importlib.metadata.version('pymovements')}",
        "pixels_per_degree": facts.pixels_per_degree,
        "velocity_threshold_deg_per_s": facts.velocity_threshold,
        "minimum_duration_ms": facts.minimum_duration_ms,
        "maximum_gap_ms": facts.maximum_gap_ms,
        "velocity_window_ms": facts.velocity_window_ms,
    }
