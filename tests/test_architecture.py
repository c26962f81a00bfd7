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


_INTERNALS = ("salclass_tf/keras_internals.py", "tfds_builders/common/tfds_internals.py")
# Public, in spite of the underscore.
_OF_NAMED_TUPLES = {"_replace", "_asdict", "_fields"}


def defined_names(tree: ast.Module) -> set[str]:
    """Functions, classes, variables and attributes that a module makes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def private_names_of_others(tree: ast.Module, own: set[str]) -> set[str]:
    """Names with one underscore that the package itself does not define; private modules."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and str(node.value).startswith("keras.src"):
            found.add("keras.src")
        elif isinstance(node, ast.ImportFrom | ast.Import):
            modules = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            found |= {m for m in modules if m.startswith(("keras.src", "tensorflow.python"))}
    return {name for name in found - own - _OF_NAMED_TUPLES if not name.startswith("__")}


@pytest.mark.parametrize("package", ["salclass_tf", "tfds_builders"])
def test_private_names_of_libraries_are_in_one_module(package):
    trees = {path: ast.parse(path.read_text()) for path in (ROOT / package).rglob("*.py")}
    own = set().union(*map(defined_names, trees.values()))
    users = {path for path, tree in trees.items() if private_names_of_others(tree, own)}
    [internals] = (ROOT / name for name in _INTERNALS if name.startswith(package))
    assert users == {internals}
