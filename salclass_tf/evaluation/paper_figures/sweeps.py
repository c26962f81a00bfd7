"""What `train.py --sweep_alpha` has left in a run: the points of Fig. 4."""

import json
import pathlib

from salclass_tf import figures


def read(folder: pathlib.Path) -> tuple[list[figures.Trial], figures.Trial | None, str]:
    """Reads a sweep.

    Args:
        folder: of the run.

    Returns:
        A trial for each finished alpha, rising; the parts before joint training, if that is known;
        the data set, its part, the loss of the maps and the seed, as text.

    Raises:
        ValueError: if there is none, or the file is damaged.
    """
    path = folder / "sweep" / "alpha.json"
    if not path.is_file():
        raise ValueError(
            f"there is no sweep at {path}; make one with "
            f"python train.py --stage=joint --workdir={folder} --sweep_alpha=0,0.1,0.2,0.5,1"
        )
    try:
        found = json.loads(path.read_text())
        trials = [_trial(row) for row in found["rows"]]
        before = _trial(found["before_joint"]) if found["before_joint"] else None
        facts = f"{found['dataset']} {found['split']}, {trials[0].images} images" if trials else ""
        facts += f", L_S {found['saliency_loss']}, seed {found['seed']}"
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); give the sweep again") from None
    if not trials:
        raise ValueError(f"the sweep at {path} has finished no value yet; let it go on")
    return trials, before, facts


def _trial(row: dict) -> figures.Trial:
    """A row of a sweep."""
    return figures.Trial(row["accuracy"], row["mse"], row["images"], row["alpha"])
