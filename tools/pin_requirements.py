"""Pins what pyproject.toml names: `python tools/pin_requirements.py [EXTRA ...] [--upgrade]`.

Writes `requirements.txt` and one `requirements-<extra>.txt` for each extra, or those of the extras
that are named, with the same versions for every Python that the project supports. A pin that still
fits stays; `--upgrade` takes the newest of all. Needs uv (`pip install uv`), which asks the index
that it is set up for; the files name none.
"""

import argparse
import pathlib
import subprocess
import sys
import tomllib
from collections.abc import Iterable

ROOT = pathlib.Path(__file__).resolve().parents[1]

#: Not written here: what users install without TensorFlow and the rest. `client` and `hub` have no
#: file, `requirements-recording.txt` is kept by hand (docs/serving.md, docs/recording.md).
UNPINNED = {"client", "hub", "recording"}


def extras() -> list[str]:
    """Returns the names of the extras that get a file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(set(project["optional-dependencies"]) - UNPINNED)


def file_of(extra: str | None) -> str:
    """Returns the name of the file for an extra; None: of the package without any."""
    return f"requirements-{extra}.txt" if extra else "requirements.txt"


def pin(chosen: Iterable[str | None], upgrade: bool) -> None:
    """Writes the files of some extras.

    Args:
        chosen: names of extras; None is the package without any.
        upgrade: whether to take the newest versions, in place of those pinned so far.

    Raises:
        subprocess.CalledProcessError: if uv finds no versions that fit together, or is missing.
    """
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    lowest = python.removeprefix(">=").partition(",")[0]
    for extra in chosen:
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
        command += ["--universal", f"--python-version={lowest}", "--fork-strategy=fewest"]
        command += ["--no-annotate", f"--output-file={file_of(extra)}"]
        command += ["--custom-compile-command=python tools/pin_requirements.py"]
        command += [f"--extra={extra}"] if extra else []
        command += ["--upgrade"] if upgrade else []
        subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extra", nargs="*", help="default: every extra, and the package itself")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    given = parser.parse_args()
    unknown = set(given.extra) - set(extras())
    if unknown:
        parser.error(f"no extra {sorted(unknown)[0]!r}; there are {', '.join(extras())}")
    try:
        pin(given.extra or [None, *extras()], given.upgrade)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
