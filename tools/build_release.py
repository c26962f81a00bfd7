"""Builds what is uploaded to a package index: `python tools/build_release.py REPOSITORY`.

REPOSITORY is the public address of the sources, such as https://github.com/OWNER/NAME. The README's
links and pictures, which are relative in a checkout, become addresses in it, at the tag of the
version, and it is named as the project's page. Wheel and source archive are written to `--out`.
Needs setuptools; nothing in the checkout changes.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]

#: what an archive of the sources holds
FOLDERS = ("salclass_tf", "tfds_builders")
FILES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff")

_URLS = "[project.urls]\n"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)]+)\)")


def absolute(text: str, repository: str, tag: str) -> str:
    """Turns the relative links of a text in Markdown into addresses.

    Args:
        text: the text; what is in code is left as it is.
        repository: address of the sources.
        tag: revision of the sources that is linked to.

    Returns:
        The text. Pictures get the address of their bytes, other links that of a page.
    """

    def address(link: re.Match) -> str:
        picture, label, path = link.groups()
        return f"{picture}[{label}]({repository}/{'raw' if picture else 'blob'}/{tag}/{path})"

    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("`") else _LINK.sub(address, part) for part in parts)


def with_urls(pyproject: str, repository: str) -> str:
    """Adds the pages of a repository to `pyproject.toml`.

    Args:
        pyproject: its text, with a table `[project.urls]`.
        repository: address of the sources.

    Returns:
        The text with them.
    """
    pages = {"Repository": "", "Documentation": "/tree/HEAD/docs", "Issues": "/issues"}
    lines = "".join(f'{name} = "{repository}{page}"\n' for name, page in pages.items())
    before, table, after = pyproject.partition(_URLS)
    return before + table + lines + after


def build(repository: str, out: pathlib.Path) -> list[pathlib.Path]:
    """Builds wheel and source archive.

    Args:
        repository: address of the sources.
        out: folder that gets them; made if it is absent.

    Returns:
        The two files.

    Raises:
        subprocess.CalledProcessError: if setuptools fails or is missing.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as name:
        copy = pathlib.Path(name)
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
        for file in FILES:
            shutil.copy(ROOT / file, copy)
        readme, project = copy / "README.md", copy / "pyproject.toml"
        readme.write_text(absolute(readme.read_text(), repository, f"v{version}"))
        project.write_text(with_urls(project.read_text(), repository))
        code = "from setuptools import build_meta as b; b.build_sdist('out'); b.build_wheel('out')"
        subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
        out.mkdir(parents=True, exist_ok=True)
        return sorted(pathlib.Path(shutil.copy(file, out)) for file in (copy / "out").iterdir())


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", help="public address of the sources")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist", help="default: dist/")
    given = parser.parse_args()
    if not re.fullmatch(r"https://[^\s/]+/\S*[^\s/]", given.repository):
        parser.error(f"REPOSITORY must be as https://HOST/OWNER/NAME; got {given.repository!r}")
    try:
        built = build(given.repository, given.out)
    except subprocess.CalledProcessError as error:
        sys.exit(f"setuptools could not build it:\n{error.stderr.decode(errors='replace')}")
    print("\n".join(map(str, built)))


if __name__ == "__main__":
    main()
