"""A folder of recordings as a whole: images joined to gaze, divided into splits."""

import csv
import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

from tfds_builders.common import fixation_table, own_layout, user_files
from tfds_builders.gaze_folder import gaze, images, recording, responses

SPLITS_FILE = "splits.csv"
OWN_SPLIT = {"train": 4, "test": 1}
_SIGMA_SHARE = 0.03


@dataclasses.dataclass(frozen=True)
class Study:
    """What a data set is built from.

    Attributes:
        root: the folder.
        images: its images by stem.
        gaze: what was recorded on them.
        recording: how.
        parts: stems with gaze by split.
        own_split: whether the folder says nothing of splits, so that this one is ours.
        sigma_px: Gaussian sigma for heat maps, pixels of the images; 0 for ready-made maps. Where
            `recording.json` does not say: a degree of visual angle if it has `pixels_per_degree`,
            otherwise 3 % of the median long side, as wide as the usual degree on a screen.
        answers: what viewers answered, by stem; None where the folder does not say.
    """

    root: pathlib.Path
    images: dict[str, images.StudyImage]
    gaze: gaze.Gaze
    recording: recording.Recording
    parts: dict[str, set[str]]
    own_split: bool
    sigma_px: float
    answers: dict[str, tuple[responses.Response, ...]] | None = None

    @property
    def images_without_gaze(self) -> tuple[str, ...]:
        """Stems of images that nobody was recorded on; the set leaves them out."""
        return tuple(sorted(set(self.images) - set(self.gaze.by_stem)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in label order; empty without folders of classes."""
        return tuple(sorted({image.class_name for image in self.images.values()} - {""}))

    @property
    def unmatched(self) -> str:
        """Why gaze without an image forbids to build, empty if it does not.

        In a tracker's export, names that are no image's are those of instructions and pauses.
        """
        names = self.gaze.without_image
        if not names or (self.gaze.form == "samples" and self.gaze.by_stem):
            return ""
        return (
            f"{self.gaze.source}: {len(names)} names belong to no image: {', '.join(names[:5])}. "
            "Names are those of image files without folders and extension; add the images, or "
            "remove this gaze"
        )


def open_study(root: str | os.PathLike) -> Study:
    """Reads a folder, all but the pixels of the images.

    Args:
        root: the folder.

    Returns:
        Its content; `unmatched` is for the caller to look at.

    Raises:
        FileNotFoundError: if it lacks images or gaze.
        ImportError: if a package is missing that raw samples need.
        ValueError: if a file or the whole is not as the README says; names file and remedy.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"{root} must be a folder of recordings")
    facts = recording.read_recording(root)
    found = images.find_images(root)
    recorded = gaze.read_gaze(root, found, facts)
    given = _given_split(root, found, recorded)
    return Study(
        root=root,
        images=found,
        gaze=recorded,
        recording=facts,
        parts=given or _divide(found, recorded),
        own_split=not given,
        sigma_px=_sigma_px(found, recorded, facts),
        answers=responses.read_responses(root),
    )


def fingerprint(root: str | os.PathLike) -> str:
    """Returns a digest of a folder: of names and sizes of its files, and of the texts in them.

    Hidden files do not count, which file managers leave behind.

    Args:
        root: the folder.

    Returns:
        64 hexadecimal digits. Another file, or another line in a table, gives others.
    """
    digest = hashlib.sha256()
    root = pathlib.Path(root)
    for name in user_files.names_below(root):
        path = root / name
        if path.name.startswith("."):
            continue
        digest.update(f"{path.relative_to(root).as_posix()}\n{path.stat().st_size}\n".encode())
        if path.suffix.lower() not in images.SUFFIXES:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _given_split(
    root: pathlib.Path, found: Mapping[str, images.StudyImage], recorded: gaze.Gaze
) -> dict[str, set[str]]:
    """The split that folders or `splits.csv` say; empty if neither does."""
    path = root / SPLITS_FILE
    by_folder = {stem: image.split for stem, image in found.items() if image.split}
    if path.exists() and by_folder:
        raise ValueError(f"{path} and folders named like splits contradict; remove one of them")
    by_stem = _read_splits(path, found) if path.exists() else by_folder
    if not by_stem or not recorded.by_stem:
        return {}
    if missing := sorted(set(recorded.by_stem) - set(by_stem)):
        raise ValueError(f"{path} must list every image with gaze; it lacks {missing[:5]}")
    parts = {split: set() for split in dict.fromkeys(images.SPLITS.values())}
    for stem in recorded.by_stem:
        parts[by_stem[stem]].add(stem)
    named = set(by_stem.values()) | {"train"}
    if empty := [split for split in parts if split in named and not parts[split]]:
        raise ValueError(f"{root}: no image of `{empty[0]}` has gaze; move images there, or out")
    return {split: stems for split, stems in parts.items() if stems}


def _read_splits(path: pathlib.Path, found: Mapping[str, images.StudyImage]) -> dict[str, str]:
    """Reads `splits.csv`: `stem,split`."""
    with user_files.opened_table(path) as file:
        header, *lines = list(csv.reader(file)) or [None]
    if header != ["stem", "split"]:
        raise ValueError(f"{path} must begin with stem,split; got {header}")
    splits: dict[str, str] = {}
    for number, line in enumerate(lines, 2):
        stem, split = line if len(line) == 2 else ("", "")
        stem = fixation_table.stem_of(stem)
        if stem not in found or stem in splits or split not in images.SPLITS:
            raise ValueError(
                f"{path}, line {number} must be an image's stem, once, and one of "
                f"{', '.join(images.SPLITS)}; got {','.join(line)!r}"
            )
        splits[stem] = images.SPLITS[split]
    return splits


def _divide(found: Mapping[str, images.StudyImage], recorded: gaze.Gaze) -> dict[str, set[str]]:
    """A split of ours: every class 4 to 1, in the order of the SHA-256 of the stems."""
    classes = {stem: found[stem].class_name for stem in recorded.by_stem}
    parts = own_layout.divide(classes, OWN_SPLIT)
    return {split: stems for split, stems in parts.items() if stems}


def _sigma_px(
    found: Mapping[str, images.StudyImage], recorded: gaze.Gaze, facts: recording.Recording
) -> float:
    if recorded.form == "maps":
        return 0.0
    if facts.sigma_px is not None:
        return float(facts.sigma_px)
    if facts.pixels_per_degree is not None:
        return float(facts.pixels_per_degree) * recorded.scale
    sides = []
    for stem in recorded.by_stem:
        try:
            with Image.open(found[stem].path) as image:
                sides.append(max(image.size))
        except (OSError, SyntaxError):
            continue  # the build names it
    return _SIGMA_SHARE * float(np.median(sides)) if sides else 0.0
