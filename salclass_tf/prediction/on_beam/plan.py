"""The plan of a job: which images, in which shards, and which of those are there already.

`images.jsonl` lists the images, `job.json` says what the job is; both lie beside `shards/`, so that
workers read their part of the list, and the same command goes on where it was stopped.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from salclass_tf import prediction_shards
from salclass_tf.prediction import inputs
from salclass_tf.prediction.on_beam import places

IMAGES, JOB, SHARDS = "images.jsonl", "job.json", "shards"


class Shard(NamedTuple):
    """A shard to be made.

    Attributes:
        number: of the shard, from 0.
        count: how many images it has.
        start: of its part of the list, in bytes.
        length: of that part.
    """

    number: int
    count: int
    start: int
    length: int


class Picture(NamedTuple):
    """An image of the list.

    Attributes:
        image: its path, as it was found.
        name: the path from the common folder on.
    """

    image: str
    name: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job that is divided.

    Attributes:
        folder: place of all that it writes.
        root: place of the folder that holds all images.
        shards: all of them.
    """

    folder: str
    root: str
    shards: tuple[Shard, ...]

    @property
    def shards_folder(self) -> str:
        """Place of the shards."""
        return places.join(self.folder, SHARDS)

    def place(self, shard: Shard) -> str:
        """Returns where a shard is written."""
        name = prediction_shards.file_name(shard.number, len(self.shards))
        return places.join(self.shards_folder, name)

    def pictures(self, shard: Shard) -> list[Picture]:
        """Reads the images of a shard from the list."""
        part = places.read_part(places.join(self.folder, IMAGES), shard.start, shard.length)
        return [Picture(*json.loads(line)) for line in part.decode().splitlines()]

    def finished(self) -> set[int]:
        """Numbers of the shards that are there."""
        return prediction_shards.numbers(places.names(self.shards_folder), len(self.shards))


def find(
    arguments: Sequence[str], listed: Sequence[str], out_dir: str
) -> tuple[str, list[Picture]]:
    """Finds the images that are meant.

    Args:
        arguments: files, folders and patterns on disk, see `inputs.find_images`; or addresses,
            which may hold `*`.
        listed: paths or addresses of files, see `inputs.read_list`.
        out_dir: where predictions are written.

    Returns:
        Place of the folder that holds all of them; the images.

    Raises:
        ValueError: if something stands for nothing, or some lie on disk and others elsewhere, or
            in several buckets.
    """
    named = [*arguments, *listed]
    kinds = {places.is_address(place) for place in named}
    if len(kinds) > 1:
        raise ValueError("images must all lie on disk, or all at addresses; got both")
    if kinds == {True}:
        return _at_addresses(arguments, listed)
    found = inputs.find_images(arguments, out_dir, listed)
    root = str(inputs.common_folder(arguments, listed))
    return root, [
        Picture(str(path), os.path.relpath(os.path.abspath(path), root)) for path in found
    ]


def make(
    folder: str, root: str, pictures: Sequence[Picture], facts: Mapping[str, Any], size: int
) -> Plan:
    """Divides a job, and writes the plan where it is not there.

    Args:
        folder: place of all that it writes.
        root: place of the folder that holds all images.
        pictures: the images.
        facts: what else decides the content of the shards, plain types.
        size: images of a shard.

    Raises:
        ValueError: if the folder is that of another job.
    """
    lines = [json.dumps(picture).encode() + b"\n" for picture in pictures]
    content = b"".join(lines)
    listed = {"images": len(lines), "list_sha256": hashlib.sha256(content).hexdigest()}
    job = {**facts, "shard_images": size, "root": root, **listed}
    plan = Plan(folder, root, tuple(_divided(lines, size)))
    path = places.join(folder, JOB)
    if places.exists(path):
        _check_same(json.loads(places.read(path)), job, folder)
    elif places.names(plan.shards_folder):
        raise ValueError(f"{plan.shards_folder} holds files of no job: name another --out_dir")
    else:
        places.write(places.join(folder, IMAGES), content)
        places.write(path, json.dumps(job, indent=2).encode() + b"\n")
    return plan


def _divided(lines: Sequence[bytes], size: int) -> list[Shard]:
    shards, start = [], 0
    for number, first in enumerate(range(0, len(lines), size)):
        part = lines[first : first + size]
        length = sum(map(len, part))
        shards.append(Shard(number, len(part), start, length))
        start += length
    return shards


def _check_same(before: dict, now: dict, folder: str) -> None:
    """Refuses to add shards of one job to those of another."""
    differing = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if differing:
        key = differing[0]
        raise ValueError(
            f"{folder} holds predictions of another job: its {key} is {before.get(key)!r}, here "
            f"{now.get(key)!r}; give the command of that job, or name another --out_dir"
        )


def _at_addresses(arguments: Sequence[str], listed: Sequence[str]) -> tuple[str, list[Picture]]:
    """Images at addresses, and what all of the addresses begin with."""
    found = {}
    for argument in arguments:
        matches = places.match(argument)
        if not matches:
            raise ValueError(f"no file matches {argument!r}")
        found |= dict.fromkeys(matches)
    found |= dict.fromkeys(listed)
    fixed = [argument.partition("*")[0] for argument in arguments] + list(listed)
    root = os.path.commonprefix([place.rpartition("/")[0] + "/" for place in fixed])
    root = root.rpartition("/")[0]
    if not places.is_address(root):
        raise ValueError("images at addresses must lie in one bucket; got several")
    return root, [Picture(place, place.removeprefix(root).lstrip("/")) for place in found]
