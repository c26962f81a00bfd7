"""A copy of a report for a repository: the text, and pictures that are small."""

import pathlib
import re
import shutil

from PIL import Image

_LINK = re.compile(r"!\[[^]]*\]\(([^)]+\.png)\)")
# The palette that covers all colours, brought to the means of what they stand for: palettes that
# follow how often colours come leave the rare ends of colour maps to a handful, in visible steps.
_COLOURS, _PALETTE, _ROUNDS = 256, Image.Quantize.MAXCOVERAGE, 3


def copy(report: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies a report with the pictures that it shows; each of these keeps few colours.

    Args:
        report: Markdown file.
        folder: of the copy; made if it is not there.

    Raises:
        ValueError: if that is the folder of the report itself.
        OSError: if something cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.samefile(report.parent):
        raise ValueError(
            f"--copy_to must be another folder than that of the report; got {folder}, whose "
            "pictures would lose their colours"
        )
    for link in _LINK.findall(report.read_text(encoding="utf-8")):
        target = folder / link
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(report.parent / link) as picture:
            colours = picture.convert("RGB")
            palette = colours.quantize(_COLOURS, _PALETTE, kmeans=_ROUNDS)
            # Dithered: a map in bands would look like a map of steps.
            small = colours.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            small.save(target, optimize=True)
    shutil.copyfile(report, folder / report.name)
    print(f"copied to {folder / report.name}")
