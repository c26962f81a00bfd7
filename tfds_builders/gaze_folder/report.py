"""What is in a folder, and what is wrong with it, before anything is built or trained."""

import collections
import dataclasses
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from tfds_builders.common import originals, own_layout
from tfds_builders.gaze_folder import (
    advice,
    agreement,
    conventions,
    maps,
    overview,
    responses,
    scene,
    suspicions,
    viewers,
    viewing,
)
from tfds_builders.gaze_folder.gaze_folder_dataset_builder import records
from tfds_builders.gaze_folder.study import Study

_FIRST = 5  # how many of a long list are named
_NAMED = 20  # of sentences
_BLOCKS, _BLOCK = 5, 30  # of neighbouring images, which stand for a large study

Sizes = Mapping[str, tuple[int, int]]


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
        if self.suspicions:
            lines.append(f"Clear up what is SUSPICIOUS first: {len(self.suspicions)}.")
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
    failed: dict[str, str] = {}
    sizes = {}
    for record in records(study, study.gaze.by_stem.keys()):
        stem = record.photograph.stem
        try:
            own_layout.make_example(record)
            sizes[stem] = originals.image_size(record.photograph.image)
        except (OSError, ValueError) as error:
            failed[stem] = str(error)
    facts, suspected = _content(study), [*_left_out(study)]
    if study.gaze.form == "maps":
        suspected += maps.suspect(study.gaze.by_stem)
    else:
        seen, name = overview.look(study.gaze.by_stem, sizes), _namer(study)
        people = list(viewers.describe(study.gaze.by_stem, sizes))
        facts += _counts(seen) + _viewers(study, seen, people, name)
        compared, suspicious = _plausible(study, sizes, seen, people, name)
        facts, suspected = facts + compared, suspected + suspicious
    facts += [*_filters(study), *study.gaze.notes]
    suspected += _shortened(study.gaze.suspicions)
    if study.gaze.viewings is not None:
        facts += viewing.table(study.gaze.viewings)
        suspected += viewing.suspect(study.gaze.viewings)
    return Report(tuple(facts), tuple(suspected), (*problems, *_alike(study, failed)))


def _filters(study: Study) -> list[str]:
    """How the fixations of exports were found."""
    told = study.gaze.facts.get("fixation_filters", [])
    return [f"fixations of {one['files']} files: {one['reason']}" for one in told]


def _shortened(texts: Collection[str]) -> list[str]:
    """The first sentences, and how many more there are."""
    more = [f"{len(texts) - _NAMED} more files are like this"] if len(texts) > _NAMED else []
    return [*itertools.islice(texts, _NAMED), *more]


def _alike(study: Study, failed: Mapping[str, str]) -> list[str]:
    """Errors of images and heat maps, those that differ in the file only once."""
    groups: dict[str, list[str]] = {}
    for stem, text in failed.items():
        value = study.gaze.by_stem[stem]
        pattern = text.replace(str(study.images[stem].path), "").replace(str(value), "")
        groups.setdefault(pattern, []).append(stem)
    return [
        failed[stems[0]] + (f" (so are {len(stems)} files: {_listed(stems)})" if stems[1:] else "")
        for stems in groups.values()
    ]


def _plausible(
    study: Study,
    sizes: Sizes,
    seen: overview.Overview,
    people: Sequence[viewers.Viewer],
    name: Callable[[int], str],
) -> tuple[list[str], list[str]]:
    """What conventions of coordinates, and viewers among each other, say: facts, suspicions."""
    sizes = {stem: sizes[stem] for stem in _chosen(study, sizes)}
    paths = {stem: study.images[stem].path for stem in sizes}
    verdict = conventions.compare(scene.gather(study.gaze.by_stem, paths, sizes))
    agreed = agreement.measure(study.gaze.by_stem, sizes, name)
    facts = [advice.fact(verdict), *_agreed(agreed)]
    found = suspicions.repeated(study.gaze.by_stem, name)
    alike = agreed is None or not agreed.none
    if verdict is not None and verdict.wrong and (alike or not verdict.best.picture):
        return facts, [advice.suspicion(verdict, study.recording.coordinates), *found]
    found += suspicions.suspect(seen, people, name)
    if agreed is not None:
        found += agreed.slips or advice.doubt(verdict, agreed)
    if not alike:
        found.append(
            "viewers of one picture look no more alike than those of different pictures: is gaze "
            "joined to the right images? See the contact sheet"
        )
    return facts, found


def _agreed(agreed: agreement.Agreement | None) -> list[str]:
    """How far viewers agree, where that can be said."""
    if agreed is None:
        return []
    return [
        f"viewers of one picture predict each other by {agreed.gain:+.2f} nats a fixation better "
        "than those of another picture"
    ]


def _chosen(study: Study, sizes: Sizes) -> list[str]:
    """Images to be compared: all of a small study, blocks of neighbours of a large one."""
    stems = [stem for stem in study.images if stem in sizes]
    if len(stems) <= _BLOCKS * _BLOCK:
        return stems
    starts = np.linspace(0, len(stems) - _BLOCK, _BLOCKS).astype(int)
    return list(itertools.chain(*(stems[start : start + _BLOCK] for start in starts)))


def _namer(study: Study) -> Callable[[int], str]:
    """What to call viewers."""
    names = study.gaze.facts.get("viewer_names")
    return lambda viewer: "unknown" if viewer < 0 else str(names[viewer] if names else viewer)


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
        lines.append(f"blur of heat maps: {study.sigma_px:.1f} pixels ({_blur(study)})")
    return lines


def _blur(study: Study) -> str:
    """Where the Gaussian of heat maps is from."""
    if study.recording.sigma_px:
        return "recording.json"
    if study.recording.pixels_per_degree:
        return "one degree, by `pixels_per_degree` in recording.json"
    return "a guess from the images' size"


def _left_out(study: Study) -> list[str]:
    """Lines of the tables that could not be used."""
    skipped = study.gaze.skipped
    return [f"{len(skipped)} bad lines left out: {'; '.join(skipped[:_FIRST])}"] if skipped else []


def _counts(seen: overview.Overview) -> list[str]:
    """How many fixations an image has, and how long they are."""
    lines = [f"fixations: {seen.total}"]
    if len(seen.counts):
        low, middle, high = np.min(seen.counts), np.median(seen.counts), np.max(seen.counts)
        lines.append(f"an image: {low} to {high}, median {middle:g}")
    if seen.duration_ms is not None:
        lines.append(f"median duration: {seen.duration_ms:.0f} ms")
    return lines


def _viewers(
    study: Study,
    seen: overview.Overview,
    people: Sequence[viewers.Viewer],
    name: Callable[[int], str],
) -> list[str]:
    """A row for each viewer, also for those without a fixation."""
    lines = [f"beside their image, dropped: {seen.off} ({seen.off / max(seen.placed, 1):.1%})"]
    by_number = {one.number: one for one in people}
    named = range(len(study.gaze.facts.get("viewer_names", ())))
    # Images that do not decode have viewers, too.
    there = (map(int, np.unique(value.viewer)) for value in study.gaze.by_stem.values())
    for number in sorted({*by_number, *named, *itertools.chain.from_iterable(there)}):
        one = by_number.get(number)
        if one is None:
            lines.append(f"  viewer {name(number)}: no fixation")
            continue
        lasting = "" if one.duration_ms is None else f", median {one.duration_ms:.0f} ms"
        lines.append(
            f"  viewer {name(number)}: {one.fixations} fixations, {one.off / one.fixations:.1%} "
            f"off image, on {one.images} images{lasting}"
        )
    return lines


def _listed(names: Sequence[str]) -> str:
    """A count and the first names."""
    if not names:
        return "none"
    more = ", ..." if len(names) > _FIRST else ""
    return f"{len(names)} ({', '.join(names[:_FIRST])}{more})"
