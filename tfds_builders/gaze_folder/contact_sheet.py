"""A picture of pictures: images with the gaze on them, to be looked at before training."""

import colorsys
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder.study import Study

_COLUMNS, _ROWS = 5, 4
_CELL, _MARGIN, _CAPTION = 256, 28, 18
_OUTSIDE = (230, 0, 0)
_DOT = 3
_ENOUGH = 4000  # points in the first cell; more would fill it

Colour = tuple[int, int, int]


def draw(study: Study) -> Image.Image:
    """Draws images with their gaze, a colour for each viewer.

    Points beside the image are red, in the grey margin.

    The first cell has the points of all images, each moved to one frame: the middle of gaze on
    many pictures is near their centre, so a shift or swapped axes show there.

    Args:
        study: the folder.

    Returns:
        RGB, up to 20 cells: images in even steps through the alphabet, as many of each class as
        comes out.
    """
    stems = list(study.gaze.by_stem)
    colours = {} if study.gaze.form == "maps" else viewer_colours(study.gaze.by_stem)
    cells = [] if study.gaze.form == "maps" else [_everything(study, colours)]
    room = _COLUMNS * _ROWS - len(cells)
    chosen = [stems[i] for i in np.unique(np.linspace(0, len(stems) - 1, room).astype(int))]
    cells += [_cell(study, stem, colours) for stem in chosen]
    rows = -(-len(cells) // _COLUMNS)
    step = (_CELL + 4, _CELL + _CAPTION + 4)
    sheet = Image.new("RGB", (min(len(cells), _COLUMNS) * step[0], rows * step[1]), "white")
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index % _COLUMNS * step[0], index // _COLUMNS * step[1]))
    return sheet


def viewer_colours(gaze: Mapping[str, fixation_table.Fixations]) -> dict[int, Colour]:
    """Chooses colours that differ from each other and from the red of points off the image.

    Args:
        gaze: fixations by stem.

    Returns:
        RGB by viewer, from yellow over green and blue to purple.
    """
    viewers = sorted({int(one) for value in gaze.values() for one in np.unique(value.viewer)})
    hues = np.linspace(0.15, 0.8, len(viewers))
    shades = [colorsys.hsv_to_rgb(hue, 0.9, 1) for hue in hues]
    return {
        viewer: tuple(round(255 * part) for part in shade)
        for viewer, shade in zip(viewers, shades, strict=True)
    }


def _cell(study: Study, stem: str, colours: Mapping[int, Colour]) -> Image.Image:
    """One image with its gaze."""
    image = study.images[stem]
    caption = f"{image.class_name}/{stem}".lstrip("/")
    value = study.gaze.by_stem[stem]  # from a disk, whose errors are not the picture's
    try:
        with Image.open(image.path) as opened:
            picture = opened.convert("RGB")
        if not isinstance(value, fixation_table.Fixations):
            return _frame(_overlay(picture, value), caption)[0]
    except (OSError, SyntaxError):  # the report names it
        return _frame(Image.new("RGB", (4, 3), "black"), f"{caption}: does not decode")[0]
    cell, corner, scale = _frame(picture, f"{caption}: {len(value.x)}")
    shades = [colours[int(viewer)] for viewer in value.viewer]
    _dots(cell, corner, scale, (value.x, value.y), picture.size, shades, _DOT)
    return cell


def _everything(study: Study, colours: Mapping[int, Colour]) -> Image.Image:
    """The points of all images in one square frame, or every n-th of many."""
    cell, corner, scale = _frame(Image.new("RGB", (1000, 1000), (60, 60, 60)), "all fixations")
    step = sum(len(value.x) for value in study.gaze.by_stem.values()) // _ENOUGH + 1
    for stem, value in study.gaze.by_stem.items():
        try:
            with Image.open(study.images[stem].path) as image:
                width, height = image.size
        except (OSError, SyntaxError):  # the report names it
            continue
        points = value.x[::step] * (1000 / width), value.y[::step] * (1000 / height)
        shades = [colours[int(viewer)] for viewer in value.viewer[::step]]
        _dots(cell, corner, scale, points, (1000, 1000), shades, 1)
    return cell


def _frame(picture: Image.Image, caption: str) -> tuple[Image.Image, tuple[int, int], float]:
    """A cell with a picture in it, the picture's corner, and how much it was shrunk."""
    scale = (_CELL - 2 * _MARGIN) / max(picture.size)
    small = picture.resize([max(round(side * scale), 1) for side in picture.size])
    cell = Image.new("RGB", (_CELL, _CELL + _CAPTION), (200, 200, 200))
    corner = ((_CELL - small.width) // 2, (_CELL - small.height) // 2)
    cell.paste(small, corner)
    text = caption if len(caption) <= 38 else "..." + caption[-35:]
    font = ImageFont.load_default(12)
    ImageDraw.Draw(cell).text((_CELL / 2, _CELL + 2), text, "black", font, anchor="ma")
    return cell, corner, scale


def _dots(
    cell: Image.Image,
    corner: tuple[int, int],
    scale: float,
    points: tuple[np.ndarray, np.ndarray],
    size: tuple[int, int],
    shades: Sequence[Colour],
    radius: int,
) -> None:
    """Draws points; those far from the image at the cell's edge."""
    pen = ImageDraw.Draw(cell)
    x, y = points
    inside = (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])
    columns = np.clip(corner[0] + (x + 0.5) * scale, radius, _CELL - radius)
    rows = np.clip(corner[1] + (y + 0.5) * scale, radius, _CELL - radius)
    outline = (0, 0, 0) if radius > 1 else None
    for column, row, is_inside, shade in zip(columns, rows, inside, shades, strict=True):
        pen.circle((column, row), radius, shade if is_inside else _OUTSIDE, outline)


def _overlay(picture: Image.Image, heatmap: pathlib.Path) -> Image.Image:
    """Reddens a picture where its heat map is bright."""
    with Image.open(heatmap) as opened:
        heat = opened.convert("L").resize(picture.size, Image.Resampling.BILINEAR)
    peak = max(heat.getextrema()[1], 1)
    mask = heat.point(lambda value: value * 200 // peak)
    return Image.composite(Image.new("RGB", picture.size, _OUTSIDE), picture, mask)
