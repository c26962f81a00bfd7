"""Accuracy and map error against the weight of the class error (Fig. 4)."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from salclass_tf.figures import canvas

#: the paper's choice (Sec. 5.2)
PAPERS_ALPHA = 0.2


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a network reached on a test part.

    Attributes:
        accuracy: share of images named right.
        mse: mean squared error of its maps (Eq. 3).
        images: number of images.
        alpha: weight of the class error that it was trained with; None before joint training.
    """

    accuracy: float
    mse: float
    images: int
    alpha: float | None = None


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What one run reached with several alphas.

    Attributes:
        trials: one for each alpha, rising.
        before: the parts before joint training; None where they are not known.
    """

    trials: Sequence[Trial]
    before: Trial | None = None


def alpha_curves(
    sweeps: Sequence[Sweep], title: str, path: str | os.PathLike
) -> list[pathlib.Path]:
    """Draws accuracy and map error against alpha, in two panels with one axis of alphas.

    The alphas stand side by side, evenly: they rise by factors, and 0 is one of them. Of one run,
    bars at the accuracies are 95 % intervals (Wilson's, of a share of the images). Of several
    seeds, thick lines are means and thin ones single seeds. Dashed lines are the parts before
    joint training.

    Args:
        sweeps: one for each seed, all of the same alphas.
        title: above everything.
        path: of both files, without their endings.

    Returns:
        The PNG and the PDF.

    Raises:
        ValueError: if seeds have other alphas.
    """
    alphas = [[trial.alpha for trial in sweep.trials] for sweep in sweeps]
    if any(one != alphas[0] for one in alphas):
        raise ValueError(
            f"sweeps of several seeds must have the same alphas; got {alphas}: finish each of them"
        )
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    figure.suptitle(title, fontsize=10)
    left, right = figure.subplots(1, 2)
    accuracies = np.array([[100 * trial.accuracy for trial in one.trials] for one in sweeps])
    errors = np.array([[trial.mse for trial in one.trials] for one in sweeps])
    places, alone = range(len(alphas[0])), len(sweeps) == 1
    style = {"color": canvas.BLUE, "marker": "o", "markersize": 5, "capsize": 3, "linewidth": 1.5}
    bars = _errors(sweeps[0].trials) if alone else None
    left.errorbar(places, accuracies.mean(axis=0), yerr=bars, **style)
    style = {"color": canvas.VERMILION, "marker": "s", "markersize": 5, "linewidth": 1.5}
    right.plot(places, errors.mean(axis=0), **style)
    if not alone:
        thin = {"linewidth": 0.6, "alpha": 0.6}
        left.plot(places, accuracies.T, color=canvas.BLUE, **thin)
        right.plot(places, errors.T, color=canvas.VERMILION, **thin)
    before = [one.before for one in sweeps if one.before]
    if len(before) == len(sweeps):
        dashed = {"color": "0.45", "linestyle": "--", "linewidth": 1, "label": "before joint"}
        left.axhline(100 * np.mean([one.accuracy for one in before]), **dashed)
        right.axhline(np.mean([one.mse for one in before]), **dashed)
    told = "95 % intervals" if alone else f"mean and {len(sweeps)} seeds"
    for axis, head in ((left, f"accuracy (%), {told}"), (right, "map error, MSE")):
        _finish(axis, head, sweeps[0].trials)
    right.legend(*left.get_legend_handles_labels(), fontsize=7)
    return canvas.publish(figure, path)


def _errors(trials: Sequence[Trial]) -> list[list[float]]:
    """How far the intervals of the accuracies reach down and up, in percent."""
    below, above = [], []
    for trial in trials:
        right = round(trial.accuracy * trial.images)
        ends = scipy.stats.binomtest(right, trial.images).proportion_ci(method="wilson")
        below.append(100 * (trial.accuracy - ends.low))
        above.append(100 * (ends.high - trial.accuracy))
    return [below, above]


def _finish(axis: Axes, head: str, trials: Sequence[Trial]) -> None:
    """Labels, and a line at the paper's choice."""
    alphas = [trial.alpha for trial in trials]
    axis.set_title(head, fontsize=9)
    axis.set_xticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
    axis.set_xlim(-0.5, len(alphas) - 0.5)
    axis.set_xlabel(r"weight $\alpha$ of the class error (Eq. 1)", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(axis="y", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    if PAPERS_ALPHA in alphas:
        place = alphas.index(PAPERS_ALPHA)
        axis.axvline(place, color="0.6", linewidth=1, linestyle=":", label="the paper's choice")
