"""Where the runs of several seeds lie: `workdir/seeds/seed_<number>/<stage>`."""

import pathlib
import re

#: folder in a workdir that holds a run for each seed
FAMILY = "seeds"

_NAME = re.compile(r"seed_(\d+)")


def seed_folder(seed: int) -> str:
    """Returns the name of the folder of a seed's run."""
    return f"seed_{seed}"


def seeds_in(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """Returns the runs of several seeds by rising seed; {} of a folder that holds none."""
    if not folder.is_dir():
        return {}
    found = ((_NAME.fullmatch(one.name), one) for one in folder.iterdir() if one.is_dir())
    return dict(sorted((int(match[1]), one) for match, one in found if match))
