"""Maps laid over their images, with the fixations."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from salclass_tf.figures import canvas
from salclass_tf.figures.comparison import Scale

_CELL_INCHES, _COLUMNS = 2.2, 4
_OPACITY = 0.75
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114])  # of luma, ITU-R BT.601


@dataclasses.dataclass(frozen=True, eq=False)
class Overlay:
    """One image, its map, where people looked.

    Attributes:
        image: uint8 [h, w, 3].
        saliency: map [h, w], in the units of the scale.
        xy: fixations, (column, row) pixels, [n, 2].
        caption: below the picture.
    """

    image: np.ndarray
    saliency: np.ndarray
    xy: np.ndarray
    caption: str


def overlays(
    pictures: Sequence[Overlay], title: str, path: str | os.PathLike, scale: Scale
) -> list[pathlib.Path]:
    """Draws maps over their images, which lose their colour so that only the map has one.

    The map is the more opaque the higher it is: at the low end of the scale the image alone shows.

    Args:
        pictures: in reading order.
        title: above everything.
        path: of both files, without their endings.
        scale: of all maps.

    Returns:
        The PNG and the PDF.
    """
    rows = -(-len(pictures) // _COLUMNS)
    columns = -(-len(pictures) // rows)
    height = _CELL_INCHES * canvas.tallest(picture.image for picture in pictures)
    size = (max(columns * _CELL_INCHES, 4.5), rows * (height + 0.25) + 1.0)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(rows, columns, squeeze=False)
    for cell in axes.flat:
        canvas.bare(cell)
    for cell, picture in zip(axes.flat, pictures, strict=False):
        grey = picture.image @ _GREY_WEIGHTS
        cell.imshow(grey, cmap="gray", vmin=0, vmax=255)
        height = (picture.saliency - scale.low) / (scale.high - scale.low)
        shown = cell.imshow(
            picture.saliency,
            cmap=scale.colours,
            vmin=scale.low,
            vmax=scale.high,
            alpha=_OPACITY * np.clip(height, 0, 1),
        )
        canvas.draw_fixations(cell, picture.xy)
        cell.set_xlabel(picture.caption, fontsize=7.5, labelpad=2)
    bar = figure.colorbar(
        shown, ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.01, extend="both"
    )
    bar.solids.set_alpha(1)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(scale.label, fontsize=7.5)
    return canvas.publish(figure, path)
