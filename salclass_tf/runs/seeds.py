"""Where the runs of several seeds lie: `workdir/seeds/seed_<number>/<stage>`."""

import pathlib
import re
from collections.abc import Sequence

#: folder in a workdir that holds a run for each seed
FAMILY = "seeds"

_NAME = re.compile(r"seed_(\d+)")


def check_seeds(seeds: Sequence[int]) -> None:
    """Checks the seeds of a family.

    Raises:
        ValueError: if there is none, one is below 0, or one is there twice.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"seeds are at least 0, each once; got {list(seeds)}")


def seed_run(workdir: pathlib.Path, seed: int) -> pathlib.Path:
    """Returns the folder of a seed's run."""
    return workdir / FAMILY / f"seed_{seed}"


def seeds_in(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """Returns the runs of several seeds by rising seed; {} of a folder that holds none."""
    if not folder.is_dir():
        return {}
    found = ((_NAME.fullmatch(one.name), one) for one in folder.iterdir() if one.is_dir())
    return dict(sorted((int(match[1]), one) for match, one in found if match))
