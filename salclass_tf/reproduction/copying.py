"""A copy of a report for a repository: the text, and pictures that are small."""

import pathlib
import re
import shutil

from PIL import Image

_LINK = re.compile(r"!\[[^]]*\]\(([^)]+\.png)\)")
_COLOURS = 96


def copy(report: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies a report with the pictures that it shows; each of these keeps few colours.

    Args:
        report: Markdown file.
        folder: of the copy; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for link in _LINK.findall(report.read_text(encoding="utf-8")):
        target = folder / link
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(report.parent / link) as picture:
            small = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT)
            small.save(target, optimize=True)
    shutil.copyfile(report, folder / report.name)
    print(f"copied to {folder / report.name}")
