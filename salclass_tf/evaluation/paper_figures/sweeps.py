"""What `train.py --sweep_alpha` has left in a run: the points of Fig. 4."""

import json
import pathlib

from salclass_tf import figures
from salclass_tf.runs.seeds import seeds_in


def read(folder: pathlib.Path) -> tuple[list[figures.Sweep], str]:
    """Reads a sweep, or those of several seeds.

    Args:
        folder: of the run, or of the runs of several seeds.

    Returns:
        A sweep for each seed, of the alphas that are finished; the data set, its part, the loss of
        the maps and the seed, as text.

    Raises:
        ValueError: if there is none, a file is damaged, or seeds do not differ in the seed alone.
    """
    found = [_of_run(one) for one in seeds_in(folder).values() or [folder]]
    texts = list(dict.fromkeys(text for _, text, _ in found))
    if len(texts) > 1:
        raise ValueError(
            f"the sweeps of the seeds in {folder} differ: {'; '.join(texts)}; give each the same "
            "train.py --sweep_alpha with its --seed and --workdir, or draw one of them"
        )
    seeds = ", ".join(str(seed) for *_, seed in found)
    return [sweep for sweep, *_ in found], f"{texts[0]}, seed{'s'[: len(found) - 1]} {seeds}"


def _of_run(folder: pathlib.Path) -> tuple[figures.Sweep, str, int]:
    """The sweep of a run, what it is of, and its seed."""
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
        facts += f", L_S {found['saliency_loss']}"
        seed = found["seed"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); give the sweep again") from None
    if not trials:
        raise ValueError(f"the sweep at {path} has finished no value yet; let it go on")
    return figures.Sweep(trials, before), facts, seed


def _trial(row: dict) -> figures.Trial:
    """A row of a sweep."""
    return figures.Trial(row["accuracy"], row["mse"], row["images"], row["alpha"])
