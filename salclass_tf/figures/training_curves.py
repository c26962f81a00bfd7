"""The curves of a training stage."""

import os

from matplotlib.figure import Figure

from salclass_tf.figures import canvas


def curves(
    rows: list[dict[str, float]], kept_epoch: int, title: str, path: str | os.PathLike
) -> None:
    """Draws what a stage reported per epoch, training and validation, and marks the kept epoch.

    Args:
        rows: of the stage's history; without any, which were lost, nothing is drawn.
        kept_epoch: epoch of the kept network, counted from 1.
        title: above everything.
        path: PNG file.
    """
    labels = {
        "loss": "loss",
        "classification_loss": "class error $L_C$",
        "saliency_loss": "map error $L_S$",
        "accuracy": "accuracy",
        "cc": "CC",
    }
    names = [name for name in labels if rows and name in rows[-1]]
    if not names:
        return
    figure = Figure(figsize=(2.8 * len(names), 2.6), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axis, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, label, style in ((name, "training", "o-"), (f"val_{name}", "validation", "s--")):
            points = [(row["epoch"], row[key]) for row in rows if key in row]
            if points:
                axis.plot(*zip(*points, strict=True), style, markersize=3, label=label)
        axis.axvline(kept_epoch, color="0.6", linewidth=1, linestyle=":", label="kept")
        axis.set_title(labels[name], fontsize=9)
        axis.set_xlabel("epoch", fontsize=8)
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axis.set_xlim(rows[0]["epoch"] - 0.5, rows[-1]["epoch"] + 0.5)
        axis.tick_params(labelsize=7)
    axis.legend(fontsize=7)
    canvas.write(figure, path)
