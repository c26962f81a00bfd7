"""A copy of a report for a repository: the text, and pictures that are small."""

import pathlib
import re
import shutil

from salclass_tf.figures.palettes import save_with_palette

_LINK = re.compile(r"!\[[^]]*\]\(([^)]+\.png)\)")


def copy(report: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies a Markdown report with the pictures that it shows; these keep few colours.

    Raises:
        ValueError: if the folder of the copy is that of the report itself.
        OSError: if something cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.samefile(report.parent):
        raise ValueError(
            f"--copy_to must be another folder than that of the report; got {folder}, whose "
            "pictures would lose their colours"
        )
    for link in _LINK.findall(report.read_text(encoding="utf-8")):
        save_with_palette(report.parent / link, folder / link)
    shutil.copyfile(report, folder / report.name)
    print(f"copied to {folder / report.name}")
