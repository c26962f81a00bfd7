"""Rows of Table 4 that need no model, by the names of `--baselines`."""

from collections.abc import Callable, Sequence

from salclass_tf.evaluation.baselines.spectral_residual import opencv
from salclass_tf.evaluation.methods import baselines, image_baselines
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method

_MAKERS: dict[str, Callable[[], Method]] = {
    "true_maps": baselines.own_maps,
    "human": baselines.each_viewer,
    "centre": baselines.centre_bias,
    "uniform": image_baselines.uniform,
    "gaussian": image_baselines.gaussian,
    "spectral_residual": image_baselines.spectral_residual,
}

#: what no maintained Python package computes -> whose code does
_ELSEWHERE = {
    "itti": "Itti, Koch and Niebur's model, in MATLAB by Harel",
    "gbvs": "Graph-Based Visual Saliency, in MATLAB by Harel",
}

#: what a table has where nothing else is asked for
USUAL = ("true_maps", "human", "centre")


def check(names: Sequence[str]) -> None:
    """Checks a choice of baselines.

    Raises:
        ValueError: for a name that there is not, or one whose package is not installed.
    """
    for name in names:
        if name in _ELSEWHERE:
            raise ValueError(
                f"no maintained Python package computes {name} ({_ELSEWHERE[name]}); compute its "
                "maps there and name their folder, "
                f"--model={name}=FOLDER. Here are {', '.join(_MAKERS)}"
            )
        if name not in _MAKERS:
            raise ValueError(f"baselines are some of {', '.join(_MAKERS)}; got {name!r}")
    if "spectral_residual" in names:
        opencv()


def of(dataset: EvaluatedSet, names: Sequence[str] = USUAL) -> list[Method]:
    """Returns the baselines that a data set has what it takes for; none without gaze.

    Args:
        dataset: the images.
        names: some of `true_maps`, `human`, `centre`, `uniform`, `gaussian`, `spectral_residual`.
    """
    if not dataset.has_maps:
        return []
    return [_MAKERS[name]() for name in dict.fromkeys(names) if _lacks(name, dataset) is None]


def left_out(dataset: EvaluatedSet, names: Sequence[str]) -> list[str]:
    """Says which baselines a data set with gaze cannot have, and why."""
    if not dataset.has_maps:
        return []
    reasons = {name: _lacks(name, dataset) for name in names}
    return [f"{name} on {dataset.title}: {why}" for name, why in reasons.items() if why]


def _lacks(name: str, dataset: EvaluatedSet) -> str | None:
    """Why a data set cannot have a baseline; None where it can."""
    return "no fixation points" if name == "human" and not dataset.has_points else None
