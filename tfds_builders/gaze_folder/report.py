"""What is in a folder, and what is wrong with it, before anything is built or trained."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from tfds_builders.common import originals, own_layout
from tfds_builders.gaze_folder import responses, suspicions
from tfds_builders.gaze_folder.gaze_folder_dataset_builder import records
from tfds_builders.gaze_folder.study import Study

_FIRST = 5  # how many of a long list are named


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes:
        facts: what is there, lines of text.
        suspicions: what looks like a mistake, though the set would build.
        problems: why the set would not build; empty if it would.
    """

    facts: tuple[str, ...]
    suspicions: tuple[str, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        """The report as text."""
        lines = [*self.facts]
        lines += [f"SUSPICIOUS: {text}" for text in self.suspicions]
        lines += [f"ERROR: {text}" for text in self.problems]
        verdict = "would not build" if self.problems else "would build"
        return "\n".join([*lines, f"This folder {verdict}."])


def examine(study: Study) -> Report:
    """Examines a folder; every image with gaze is decoded, and its example made.

    Args:
        study: the folder.

    Returns:
        The report.
    """
    problems = [study.unmatched] if study.unmatched else []
    sizes = {}
    for record in records(study, study.gaze.by_stem.keys()):
        try:
            own_layout.make_example(record)
            sizes[record.photograph.stem] = originals.image_size(record.photograph.image)
        except (OSError, ValueError) as error:
            problems.append(str(error))
    facts, suspected = _content(study), [*_left_out(study)]
    if study.gaze.form != "maps":
        points = suspicions.gather(study.gaze.by_stem, sizes)
        facts += _counts(study) + _viewers(points, study.gaze.facts.get("viewer_names"))
        suspected += suspicions.suspect(points)
    return Report(tuple(facts), tuple(suspected), tuple(problems))


def _content(study: Study) -> list[str]:
    """Images, classes, splits and the form of the gaze."""
    classes = collections.Counter(image.class_name for image in study.images.values())
    whose = "ours" if study.own_split else "the folder's"
    parts = ", ".join(f"{split} {len(stems)}" for split, stems in study.parts.items())
    lines = [
        f"{study.root}: {len(study.images)} images; gaze as {study.gaze.form}, on "
        f"{len(study.gaze.by_stem)} of them",
        f"splits ({whose}): {parts}",
        f"images without gaze, left out: {_listed(study.images_without_gaze)}",
        f"gaze without an image: {_listed(study.gaze.without_image)}",
    ]
    if study.class_names:
        sizes = ", ".join(f"{name} {classes[name]}" for name in study.class_names)
        lines.append(f"{len(study.class_names)} classes: {sizes}")
    if study.answers is not None:
        lines.append(responses.describe(study.answers))
    if study.gaze.form != "maps":
        stated = "recording.json" if study.recording.sigma_px else "a guess from the images' size"
        lines.append(f"blur of heat maps: {study.sigma_px:.1f} pixels ({stated})")
    return lines


def _left_out(study: Study) -> list[str]:
    """Lines of the tables that could not be used."""
    skipped = study.gaze.skipped
    return [f"{len(skipped)} bad lines left out: {'; '.join(skipped[:_FIRST])}"] if skipped else []


def _counts(study: Study) -> list[str]:
    """How many fixations an image has, and how long they are."""
    counts = [len(value.x) for value in study.gaze.by_stem.values()]
    durations = np.concatenate([v.duration_ms for v in study.gaze.by_stem.values()] or [[]])
    known = durations[durations >= 0]
    lines = [f"fixations: {sum(counts)}"]
    if counts:
        low, middle, high = np.min(counts), np.median(counts), np.max(counts)
        lines.append(f"an image: {low} to {high}, median {middle:g}")
    if len(known):
        lines.append(f"median duration: {np.median(known):.0f} ms")
    return lines


def _viewers(points: suspicions.Points, names: Sequence[str] | None) -> list[str]:
    """Fixations of each viewer and the share of them beside the images."""
    off = points.off_image()
    lines = [f"beside their image, dropped: {off.sum()} ({off.mean() if len(off) else 0:.1%})"]
    for viewer in np.unique(points.viewer):
        mine = points.viewer == viewer
        name = "unknown" if viewer < 0 else names[viewer] if names else viewer
        lines.append(f"  viewer {name}: {mine.sum()} fixations, {off[mine].mean():.1%} off image")
    return lines


def _listed(names: Sequence[str]) -> str:
    """A count and the first names."""
    if not names:
        return "none"
    more = ", ..." if len(names) > _FIRST else ""
    return f"{len(names)} ({', '.join(names[:_FIRST])}{more})"
