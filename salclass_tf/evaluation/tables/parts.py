"""Finished parts of an evaluation, kept in its folder, so that the same command goes on."""

import functools
import hashlib
import json
import logging
import pathlib
import re
from typing import Protocol, Self, TypeVar

from salclass_tf.runs import package

_log = logging.getLogger(__name__)

#: of the files; another number and all parts are computed again
FORMAT = 2

# What decides the numbers: a change of it makes parts from before worthless.
_SCORING = ("heatmaps.py", "hdf5_maps.py", "prediction_shards.py") + (
    *("metrics", "data", "layers", "model"),
    *("detectors/any_size.py", "training/final_scores.py", "training/map_use.py"),
    *(f"evaluation/{name}" for name in ("maps", "methods", "baselines", "activations")),
    *(f"evaluation/tables/{name}.py" for name in ("scoring", "guesses", "frozen_features")),
)


class Part(Protocol):
    """What can be written and read back: scores, guesses."""

    def save(self, path: pathlib.Path) -> None:
        """Writes everything."""

    @classmethod
    def load(cls, path: pathlib.Path) -> Self:
        """Reads what `save` wrote; a ValueError says that it is something else."""


_Part = TypeVar("_Part", bound=Part)


@functools.cache
def _code() -> str:
    """Changes with the code that scores, whether or not the version of the package does."""
    root = pathlib.Path(__file__).parents[2]
    files = [path for name in _SCORING for path in (root / name).rglob("*.py")]
    files += [root / name for name in _SCORING if name.endswith(".py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


class Parts:
    """The folder of finished parts.

    Args:
        folder: made if it is not there.
    """

    def __init__(self, folder: pathlib.Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def find(self, kind: type[_Part], facts: dict) -> _Part | None:
        """Returns the part that was made from the same facts, None if there is none.

        Args:
            kind: class of the part.
            facts: everything that decides its numbers, as plain types.
        """
        path = self._path(kind, facts)
        if not path.is_file():
            return None
        try:
            return kind.load(path)
        except ValueError as error:
            _log.warning("%s; it is computed again", error)
            return None

    def keep(self, part: Part, facts: dict) -> None:
        """Writes a part, whole or not at all."""
        part.save(self._path(type(part), facts))

    def _path(self, kind: type, facts: dict) -> pathlib.Path:
        """A file whose name says what it is of, and changes with any of the facts."""
        made_by = {"format": FORMAT, "version": package.version(), "code": _code()}
        everything = facts | made_by
        digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
        what = f"{kind.__name__} {facts['data set']} {facts['method'][:12]}".lower()
        return self._folder / f"{re.sub(r'[^a-z0-9_]+', '-', what)}-{digest[:16]}.json"
