"""The command `salclass`: what it lists, what it runs, and what it says of a mistake."""

import pathlib
import re

import commands
import pytest

from salclass_tf.__main__ import COMMANDS

ROOT = pathlib.Path(__file__).resolve().parents[1]


def salclass(*arguments):
    return commands.run("-m", "salclass_tf", *arguments)


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_lists_each_command_with_a_line(arguments):
    done = salclass(*arguments)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for name, does in COMMANDS.items():
        assert [line.split(maxsplit=1) for line in lines].count([name, does]) == 1


def test_each_command_has_a_module_and_imports_no_other():
    assert {path.stem for path in (ROOT / "salclass_tf/commands").glob("[!_]*.py")} == set(COMMANDS)
    done = salclass("export", "--help")
    assert "salclass export:" in done.stdout
    assert "--top_k" in done.stdout
    assert "--alpha" not in done.stdout


def test_unknown_command_suggests_the_nearest():
    done = salclass("trian")
    assert done.returncode == 2
    assert done.stderr == "error: unknown command 'trian'; did you mean 'train'?\n"


def test_unknown_command_that_is_like_none_names_them_all():
    done = salclass("xyz")
    assert done.returncode == 2
    assert all(name in done.stderr for name in COMMANDS)


@pytest.mark.parametrize(
    "script", ["train", "evaluate", "predict", "export", "reproduce", "demo", "record"]
)
def test_script_and_command_take_the_same_flags(script):
    python = commands.run(f"{script}.py", "--help")
    own = salclass(script, "--help")
    listed = own.stdout.partition(f"salclass {script}:\n")[2]
    assert listed.startswith("  --")
    assert listed == python.stdout.partition(f"{script}.py:\n")[2]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_flag_stands_in_the_documentation(command):
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    documented = set(re.findall(r"--(?:no)?(\w+)", "".join(page.read_text() for page in pages)))
    source = (ROOT / f"salclass_tf/commands/{command}.py").read_text()
    flags = re.findall(r'flags\.DEFINE_\w+\(\s*"(\w+)"', source)
    assert flags or command == "gaze"
    assert set(flags) <= documented


def test_checks_a_folder_of_recordings(tmp_path):
    done = salclass("gaze", "check", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "ERROR" in done.stdout
    assert salclass("gaze").stderr.startswith("usage: salclass gaze ")


def test_mistake_in_a_flag_is_no_traceback():
    done = salclass("train", "--alpha=-1")
    assert done.returncode != 0
    assert "alpha" in done.stderr
    assert "Traceback" not in done.stderr
