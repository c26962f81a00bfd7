"""The layers of docs/architecture.md hold."""

import ast
import pathlib

import pytest

import salclass_tf

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "salclass_tf"
# Entry points, which anybody may read and which name other rooms late.
_NO_ROOMS = ("__init__", "__main__")


def levels() -> list[list[str]]:
    """Rooms by level, from the bottom, as the page lists them."""
    text = (ROOT / "docs/architecture.md").read_text()
    listed = text.split("```")[1].strip().splitlines()
    return [line.split("  ")[0].split() for line in listed]


def room_of(path: pathlib.Path) -> str:
    """The folder or module at the root of the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: pathlib.Path, package: str) -> set[str]:
    """Full names of what a file imports of a package, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith(f"{package}.")}


def test_page_lists_every_room():
    listed = [room for level in levels() for room in level]
    there = {room_of(path) for path in PACKAGE.rglob("*.py")}
    assert len(listed) == len(set(listed))
    assert set(listed) | {"client", *_NO_ROOMS} == there


@pytest.mark.parametrize("room", [room for level in levels() for room in level])
def test_room_imports_only_rooms_below(room):
    number = next(i for i, level in enumerate(levels()) if room in level)
    allowed = {name for level in levels()[:number] for name in level} | {room}
    files = [path for path in PACKAGE.rglob("*.py") if room_of(path) == room]
    assert files
    for path in files:
        for name in imported(path, "salclass_tf"):
            target = name.split(".")[1]
            assert target in allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_client_knows_no_other_room():
    for path in (PACKAGE / "client").glob("*.py"):
        for name in imported(path, "salclass_tf"):
            assert name.startswith("salclass_tf.client."), f"{path} imports {name}"


def test_builders_know_heat_maps_alone():
    for path in (ROOT / "tfds_builders").rglob("*.py"):
        for name in imported(path, "salclass_tf"):
            assert name == "salclass_tf.heatmaps", f"{path} imports {name}"


def test_lowest_rooms_are_tensor_code():
    """They import no room at all, so that they serve by themselves."""
    for room in levels()[0]:
        for path in PACKAGE.rglob("*.py"):
            if room_of(path) == room:
                targets = {name.split(".")[1] for name in imported(path, "salclass_tf")}
                assert targets <= {room}, path


def test_front_of_the_package_is_asked_by_models_alone_and_for_its_doors():
    """`import salclass_tf` reaches every room, so nobody else has it."""
    askers = set()
    for path in PACKAGE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        plain = [a for n in nodes if isinstance(n, ast.Import) for a in n.names]
        if any(alias.name == "salclass_tf" for alias in plain):
            askers.add(path.relative_to(PACKAGE).as_posix())
            for node in nodes:
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    if node.value.id == "salclass_tf":
                        assert node.attr in salclass_tf._DOORS, f"{path} asks for {node.attr}"
    assert askers == {"model/gaze_model.py"}
