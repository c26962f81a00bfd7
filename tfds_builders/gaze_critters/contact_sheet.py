"""Draws the picture of the README: six pictures of each configuration, with their fixations.

python -m tfds_builders.gaze_critters.contact_sheet contact_sheet.png
"""

import argparse

from PIL import Image, ImageDraw, ImageFont

from tfds_builders.gaze_critters.gaze_critters_dataset_builder import Builder, observe

_COLUMNS, _CELL, _CAPTION = 6, 224, 18
_DOT = 3


def _cell(config, split: str, index: int) -> Image.Image:
    """Returns one captioned picture with its fixations as yellow dots."""
    scene, fixations = observe(config, split, index)
    scale = _CELL / max(scene.picture.size)
    small = scene.picture.resize([round(side * scale) for side in scene.picture.size])
    cell = Image.new("RGB", (_CELL, _CELL + _CAPTION), "white")
    corner = ((_CELL - small.width) // 2, (_CELL - small.height) // 2)
    cell.paste(small, corner)
    draw = ImageDraw.Draw(cell)
    for x, y in zip(fixations["x"], fixations["y"], strict=True):
        at = (corner[0] + x * scale, corner[1] + y * scale)
        draw.circle(at, _DOT, (255, 235, 0), (0, 0, 0))
    caption = f"{config.name}: {config.class_names[index % len(config.class_names)]}"
    draw.text((_CELL / 2, _CELL + 2), caption, "black", ImageFont.load_default(12), anchor="ma")
    return cell


def contact_sheet() -> Image.Image:
    """Returns a row of six pictures for each configuration that has pictures of its own."""
    numbers = [config.number for config in Builder.BUILDER_CONFIGS]
    configs = [Builder.BUILDER_CONFIGS[numbers.index(number)] for number in dict.fromkeys(numbers)]
    height = _CELL + _CAPTION
    sheet = Image.new("RGB", (_COLUMNS * (_CELL + 4), len(configs) * (height + 4)), "white")
    for row, config in enumerate(configs):
        for column in range(_COLUMNS):
            # Five is coprime to 12, 18 and 11: each column shows another class.
            cell = _cell(config, "train", 5 * column)
            sheet.paste(cell, (column * (_CELL + 4), row * (height + 4)))
    return sheet


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="PNG file to write")
    # A palette keeps the file small enough for a repository.
    small = contact_sheet().quantize(64, dither=Image.Dither.NONE)
    small.save(parser.parse_args().out, optimize=True)
