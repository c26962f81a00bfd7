"""Draws a picture of every gaze set that is built, and writes the table of all.

python -m tfds_builders.gallery --data_dir=DIR --output=FOLDER --document=FILE
"""

import argparse
import os
import pathlib
import sys

import tensorflow_datasets as tfds
from PIL import Image

import tfds_builders  # noqa: F401  registers the names
from tfds_builders.gallery import picture, table
from tfds_builders.gallery.permitted import PERMITTED
from tfds_builders.gallery.published import PUBLISHED


def make(data_dir: str | None, output: pathlib.Path, document: pathlib.Path | None) -> str:
    """Draws the pictures and writes the table into a document.

    Args:
        data_dir: folder of prepared sets; None for that of TFDS.
        output: folder of the pictures, `<set>.jpg` each; made if it is absent.
        document: file in which to replace the table; None to leave all as they are.

    Returns:
        The table.

    Raises:
        ValueError: if the document lacks the marks between which the table belongs.
    """
    builders = {name: tfds.builder(name, data_dir=data_dir) for name in PUBLISHED}
    text = table.markdown({name: table.measured(found) for name, found in builders.items()})
    if document is not None:
        changed = table.insert(document.read_text(encoding="utf-8"), text)
    output.mkdir(parents=True, exist_ok=True)
    for name, builder in builders.items():
        if builder.is_prepared():
            drawn = picture.draw(builder, PERMITTED.get(name, ()))
            _save(drawn, output / f"{name.replace('/', '_')}.jpg")
    if document is not None:
        document.write_text(changed, encoding="utf-8")
    return text


def _save(drawn: Image.Image, path: pathlib.Path) -> None:
    """Writes a JPEG, or nothing."""
    temporary = path.with_suffix(".tmp")
    drawn.save(temporary, "JPEG", quality=80, optimize=True)
    os.replace(temporary, path)


def main(arguments: list[str]) -> None:
    """Runs the command line and prints the table.

    Args:
        arguments: those behind the program's name.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tfds_builders.gallery", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data_dir", metavar="DIR", help="folder of prepared TFDS sets")
    parser.add_argument(
        "--output", metavar="FOLDER", type=pathlib.Path, required=True, help="for the pictures"
    )
    parser.add_argument(
        "--document",
        metavar="FILE",
        type=pathlib.Path,
        help="Markdown file that the table goes into; without it the table is printed only",
    )
    given = parser.parse_args(arguments)
    print(make(given.data_dir, given.output, given.document))


if __name__ == "__main__":
    main(sys.argv[1:])
