"""Pictures of few colours, which are small files."""

import pathlib

from PIL import Image

# The palette that covers all colours, brought to the means of what they stand for: palettes that
# follow how often colours come leave the rare ends of colour maps to a handful, in visible steps.
_COLOURS, _PALETTE, _ROUNDS = 256, Image.Quantize.MAXCOVERAGE, 3


def save_with_palette(source: pathlib.Path, target: pathlib.Path) -> None:
    """Saves a picture as PNG with 256 colours of its own; the folder of `target` is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        colours = picture.convert("RGB")
    palette = colours.quantize(_COLOURS, _PALETTE, kmeans=_ROUNDS)
    # Dithered: a map in bands would look like a map of steps.
    small = colours.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(target, optimize=True)
