"""Checks a folder of recordings before anything is built from it.

python -m tfds_builders.gaze_folder check DIR [--out=FOLDER]
"""

import argparse
import pathlib
import sys

from tfds_builders.gaze_folder import contact_sheet, report, study


def check(root: pathlib.Path, out: pathlib.Path) -> int:
    """Prints a report on a folder and draws its contact sheet.

    Args:
        root: the folder of recordings.
        out: where to write `<name of the folder>_contact_sheet.png`; made if it is absent.

    Returns:
        0 if a data set can be built from the folder, otherwise 1.
    """
    if out.resolve().is_relative_to(root.resolve()):
        print(f"ERROR: --out must lie outside {root}, whose pictures are data; got {out}")
        return 1
    try:
        found = study.open_study(root)
    except (OSError, ValueError, ImportError) as error:
        print(f"ERROR: {error}\nThis folder would not build.")
        return 1
    outcome = report.examine(found)
    if found.gaze.by_stem:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{root.resolve().name}_contact_sheet.png"
        contact_sheet.draw(found).save(path)
        print(f"contact sheet: {path}")
    print(outcome)
    return int(bool(outcome.problems))


def main(arguments: list[str]) -> int:
    """Runs the command line.

    Args:
        arguments: those behind the program's name.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tfds_builders.gaze_folder", description=__doc__.splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    checker = commands.add_parser("check", help="print a report, draw a contact sheet")
    checker.add_argument("root", metavar="DIR", type=pathlib.Path, help="the folder")
    checker.add_argument(
        "--out",
        metavar="FOLDER",
        type=pathlib.Path,
        default=pathlib.Path("."),
        help="where to write the contact sheet; default: the working directory",
    )
    given = parser.parse_args(arguments)
    return check(given.root, given.out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
