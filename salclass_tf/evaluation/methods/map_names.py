"""Which of the maps that were computed elsewhere is an image's, by their names."""

import collections
import pathlib
from collections.abc import Iterable, Mapping

from tfds_builders.common import user_files

_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def find(
    maps: Mapping[str, str],
    images: Iterable[str],
    source: str,
    title: str,
    *,
    more_folders: bool = True,
) -> dict[str, str]:
    """Finds the maps of images.

    A map is called as its image, with or without the extension of the image's file; one that has it
    is taken before one that has not. A map's name may lack the folders that the image's begins
    with, or have more before it, if no other has a better name. Accents may be written otherwise.

    Args:
        maps: where each map is -> its name.
        images: names of the images.
        source: where all the maps are, for errors.
        title: of the images, for errors.
        more_folders: False if a map's name may not have folders that its image's name lacks.

    Returns:
        Name of each image -> where its map is.

    Raises:
        ValueError: if images have no map, or several that could be their own, or a map is that of
            several images; it says how many, and which is the first.
    """
    by_last = collections.defaultdict(list)
    for place, name in maps.items():
        by_last[_parts(name)[-1]].append(place)
    candidates = {}
    for image in images:
        parts = _parts(image)
        alike = [
            place
            for place in by_last[parts[-1]]
            if _is_end(_parts(maps[place]), parts, more_folders)
        ]
        exact = [place for place in alike if _parts(maps[place]) == parts]
        candidates[image] = [place for place in exact if maps[place] == image] or exact or alike
    of = f"of {len(candidates)} images of {title}, the first"
    missing = [image for image, places in candidates.items() if not places]
    if missing:
        there = f", those here as {next(iter(maps))!r}" if maps else ""
        raise ValueError(
            f"{source} lacks the maps of {len(missing)} {of} is {missing[0]!r}; a map is called as "
            f"its image{there}"
        )
    doubtful = [image for image, places in candidates.items() if len(places) > 1]
    if doubtful:
        one, other = candidates[doubtful[0]][:2]
        raise ValueError(
            f"{source} has several maps for {len(doubtful)} {of} are {one} and {other}: keep one "
            "of them"
        )
    owners: dict[str, str] = {}
    for image, (place,) in candidates.items():
        if owners.setdefault(place, image) != image:
            raise ValueError(
                f"{source}: {place} could be the map of {owners[place]!r} and of {image!r}; name "
                "maps with the folders of their images"
            )
    return {image: place for image, (place,) in candidates.items()}


def _parts(name: str) -> tuple[str, ...]:
    """Folders and name without the extension of an image; what follows the dot in "a.2" is none."""
    path = pathlib.PurePosixPath(user_files.composed(name))
    return (path.with_suffix("") if path.suffix.lower() in _IMAGE_SUFFIXES else path).parts


def _is_end(one: tuple[str, ...], image: tuple[str, ...], more_folders: bool) -> bool:
    """Whether the shorter of two paths is the end of the longer one."""
    length = min(len(one), len(image))
    return one[-length:] == image[-length:] and (more_folders or len(one) == length)
