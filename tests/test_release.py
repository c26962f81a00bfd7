"""What a release changes in the texts that an index shows."""

import importlib.util
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools/build_release.py"
ADDRESS = "https://example.org/a/b"

specification = importlib.util.spec_from_file_location("build_release", SCRIPT)
build_release = importlib.util.module_from_spec(specification)
specification.loader.exec_module(build_release)


def test_relative_links_become_addresses_and_nothing_else_changes():
    text = (
        "![shot](docs/a.png) [page](docs/b.md#part) [out](https://c.org) [here](#part)\n"
        "`[code](d.md)`\n```sh\n[more](e.md)\n```\n[last](f.md)"
    )
    assert build_release.absolute(text, ADDRESS, "v1") == (
        f"![shot]({ADDRESS}/raw/v1/docs/a.png) [page]({ADDRESS}/blob/v1/docs/b.md#part) "
        "[out](https://c.org) [here](#part)\n`[code](d.md)`\n```sh\n[more](e.md)\n```\n"
        f"[last]({ADDRESS}/blob/v1/f.md)"
    )


def test_pages_are_added_to_those_of_the_project():
    before = (ROOT / "pyproject.toml").read_text()
    urls = tomllib.loads(build_release.with_urls(before, ADDRESS))["project"].pop("urls")
    assert urls == tomllib.loads(before)["project"]["urls"] | {
        "Repository": ADDRESS,
        "Documentation": f"{ADDRESS}/tree/HEAD/docs",
        "Issues": f"{ADDRESS}/issues",
    }


def test_what_is_no_address_is_refused(tmp_path):
    command = [sys.executable, str(SCRIPT), "github.com/a/b", f"--out={tmp_path / 'out'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "https://HOST/OWNER/NAME; got 'github.com/a/b'" in done.stderr
    assert not (tmp_path / "out").exists()
