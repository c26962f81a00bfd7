"""Checks a folder of recordings before anything is built from it.

python -m tfds_builders.gaze_folder check DIR [--out=FOLDER] [--filter=NAME]
"""

import argparse
import pathlib
import sys

from tfds_builders.gaze_folder import contact_sheet, recording, report, study


def check(root: pathlib.Path, out: pathlib.Path, filter_name: str | None = None) -> int:
    """Prints a report on a folder and draws its contact sheet.

    Args:
        root: the folder of recordings.
        out: where to write `<name of the folder>_contact_sheet.png`; made if it is absent.
        filter_name: how fixations are found; it is written into `recording.json`, so that building
            uses the same. None for what stands there, or else the default.

    Returns:
        0 if a data set can be built from the folder, otherwise 1.
    """
    if out.resolve().is_relative_to(root.resolve()):
        print(f"ERROR: --out must lie outside {root}, whose pictures are data; got {out}")
        return 1
    try:
        if filter_name:
            recording.set_filter(root, filter_name)
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


def main(arguments: list[str], program: str = "python -m tfds_builders.gaze_folder") -> int:
    """Runs the command line.

    Args:
        arguments: those behind the program's name.
        program: that name, for its help.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog=program, description=__doc__.splitlines()[0])
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
    checker.add_argument(
        "--filter",
        choices=recording.FILTERS,
        help=f"how to find fixations in samples; it is kept in {recording.FILE} for the build too; "
        "default: the tracker's own, or ivt with what rate and noise ask for",
    )
    given = parser.parse_args(arguments)
    return check(given.root, given.out, given.filter)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
