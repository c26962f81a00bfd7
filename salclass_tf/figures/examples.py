"""Examples with maps and answers, as a training stage shows them."""

import dataclasses
import os
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from salclass_tf.figures import canvas

_CELL_INCHES, _GAP_INCHES = 2.1, 0.06
_TITLES_INCHES, _BAR_INCHES = 0.6, 0.6


@dataclasses.dataclass(frozen=True)
class Example:
    """One row of an example grid.

    Attributes:
        image: uint8 [s, s, 3].
        xy: fixations on the image, pixels, [n, 2].
        maps: one map per column, [s, s] each; None leaves the cell empty.
        truth: name of the true class, or "".
        guesses: (who, class name) pairs: what each classifier answered.
    """

    image: np.ndarray
    xy: np.ndarray
    maps: tuple[np.ndarray | None, ...]
    truth: str = ""
    guesses: tuple[tuple[str, str], ...] = ()


def example_grid(
    examples: list[Example], map_titles: tuple[str, ...], title: str, path: str | os.PathLike
) -> None:
    """Draws examples under each other: the image with its fixations, its maps, the answers.

    All maps share one scale, 0 to 1, so that their heights can be compared.

    Args:
        examples: one per row.
        map_titles: heading of each map column.
        title: above everything.
        path: PNG file.
    """
    answers = any(example.truth for example in examples)
    columns = 1 + len(map_titles) + int(answers)
    figure, axes = _square_cells(len(examples), columns, _BAR_INCHES if map_titles else 0)
    figure.suptitle(title, fontsize=10, y=1 - _GAP_INCHES / figure.get_figheight(), va="top")
    for row, example in zip(axes, examples, strict=True):
        row[0].imshow(example.image)
        canvas.draw_fixations(row[0], example.xy)
        for cell, saliency in zip(row[1:], example.maps, strict=False):
            if saliency is not None:
                shown = cell.imshow(saliency, cmap=canvas.MAP_COLOURS, vmin=0, vmax=1)
        if answers:
            _write_answers(row[-1], example)
        for cell in row:
            cell.set_axis_off()
    seen = any(len(example.xy) for example in examples)
    first = "image and fixations" if seen else "image"
    for cell, heading in zip(axes[0], (first, *map_titles), strict=False):
        cell.set_title(heading, fontsize=9)
    if map_titles:
        height = figure.get_figheight()
        place = figure.add_axes((0.35, 0.4 / height, 0.3, 0.1 / height))
        bar = figure.colorbar(shown, cax=place, orientation="horizontal")
        bar.ax.tick_params(labelsize=7)
        bar.set_label("saliency", fontsize=8)
    canvas.write(figure, path)


def _square_cells(rows: int, columns: int, below_inches: float) -> tuple[Figure, np.ndarray]:
    """A figure of cells in fixed places, with room for titles above and for a bar below.

    Matplotlib's own layouts draw everything to measure it: half the time of a picture.
    """
    width, height = columns * _CELL_INCHES, rows * _CELL_INCHES + _TITLES_INCHES + below_inches
    figure = Figure(figsize=(width, height))
    places = {
        "left": _GAP_INCHES / width,
        "right": 1 - _GAP_INCHES / width,
        "bottom": below_inches / height,
        "top": 1 - _TITLES_INCHES / height,
        "wspace": _GAP_INCHES / _CELL_INCHES,
        "hspace": _GAP_INCHES / _CELL_INCHES,
    }
    return figure, figure.subplots(rows, columns, squeeze=False, gridspec_kw=places)


def strips(
    images: np.ndarray,
    maps: Sequence[np.ndarray] = (),
    answers: Sequence[tuple[str, str]] = (),
) -> np.ndarray:
    """Puts images, their maps and a classifier's answers side by side, for TensorBoard.

    Args:
        images: RGB in [0, 255], [n, s, s, 3].
        maps: arrays of maps in [0, 1], each [n, s, s, 1]; what lies outside is clipped.
        answers: true class and answered class of each image, or nothing.

    Returns:
        uint8 [n, s, s * (1 + number of maps + whether there are answers), 3].
    """
    images = np.asarray(images)
    colours = matplotlib.colormaps[canvas.MAP_COLOURS]
    painted = [colours(np.clip(np.asarray(values)[..., 0], 0, 1))[..., :3] for values in maps]
    columns = [np.round(values * 255).astype(np.uint8) for values in (images / 255, *painted)]
    if answers:
        columns.append(np.stack([_answer_cell(*answer, images.shape[1]) for answer in answers]))
    return np.concatenate(columns, axis=2)


def _answer_cell(truth: str, guess: str, side: int) -> np.ndarray:
    """True class, and the answer in the colour for right or wrong, uint8 [side, side, 3]."""
    cell = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(cell)
    style = {"font_size": max(side // 13, 7), "spacing": side // 50}
    lines = [textwrap.fill(text, 20) for text in (f"true: {truth}", f"answer: {guess}")]
    draw.multiline_text((side // 25, side // 12), lines[0], "black", **style)
    colour = canvas.BLUE if guess == truth else canvas.VERMILION
    draw.multiline_text((side // 25, side // 2), lines[1], colour, **style)
    return np.asarray(cell)


def _write_answers(axis: Axes, example: Example) -> None:
    """True class, and the answers in colours for right and wrong."""
    axis.text(0.0, 0.85, f"true: {example.truth}", fontsize=7, transform=axis.transAxes)
    for line, (who, guess) in enumerate(example.guesses):
        right = guess == example.truth
        text = f"{who}:\n{guess} {'✓' if right else '✗'}"
        place = 0.58 - 0.3 * line
        axis.text(
            0.0,
            place,
            text,
            fontsize=7,
            color=canvas.BLUE if right else canvas.VERMILION,
            transform=axis.transAxes,
        )
