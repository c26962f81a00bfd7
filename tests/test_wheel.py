"""The package as it is installed: what its wheel holds, and its commands outside of a checkout."""

import email
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import venv
import zipfile

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ("salclass_tf", "tfds_builders")
REPOSITORY = "https://example.org/somebody/salclass"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

#: what tells a user nothing: notes of libraries in their own formats, and Python's of values
NOISE = re.compile(
    r"^[IWEF]\d{4} |WARNING|Unknown size|not loaded|retracing|Generating |\{'|Traceback|Warning:",
    re.MULTILINE,
)


def pinned(name):
    """Package -> version, as a file of requirements pins them."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    pins = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}


def directly_needed(extra):
    """Requirements of an extra and of the extras that it names; None: of the package itself."""
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, listed):
        if requirement.name != PROJECT["name"]:
            yield requirement
            continue
        for inner in requirement.extras:
            yield from directly_needed(inner)


@pytest.mark.parametrize(
    "extra", [None, *sorted({*PROJECT["optional-dependencies"]} - {"client", "hub"})]
)
def test_what_is_needed_is_pinned_within_its_bounds(extra):
    pins = pinned(f"requirements-{extra}.txt" if extra else "requirements.txt")
    for requirement in directly_needed(extra):
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement}: {version} is pinned"


def test_files_of_requirements_name_no_index():
    files = list(ROOT.glob("requirements*.txt"))
    # One for the package itself; `client` and `hub` have none.
    assert len(files) == len(PROJECT["optional-dependencies"]) - 1
    for path in files:
        assert not re.search(r"://|^ *--?(i|f|index|extra-index|find-links)\b", path.read_text())


def run(command, folder):
    """Runs a command outside of the checkout."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def succeed(command, folder):
    done = run(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without a network."""
    if int(importlib.metadata.version("setuptools").partition(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or later: pip install -r requirements-dev.txt")
    folder = tmp_path_factory.mktemp("built")
    script = [sys.executable, str(ROOT / "tools/build_release.py"), REPOSITORY, f"--out={folder}"]
    printed = succeed(script, folder).stdout.split()
    built, archive = sorted(folder.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert (built.suffix, archive.suffix) == (".whl", ".gz")
    assert sorted(printed) == sorted(map(str, folder.iterdir()))
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment with the wheel; its libraries are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    # With its requirements: pip checks the bounds of pyproject.toml against what is there.
    pip = [sys.executable, "-m", "pip", f"--python={folder}", "install", "--quiet", "--no-index"]
    succeed([*pip, f"salclass-tf[evaluation] @ {wheel.as_uri()}"], folder)
    return folder / "bin"


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_packages(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(PACKAGES)}
    files = (path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file())
    wanted = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert {name for name in held if "dist-info" not in name} == wanted


@pytest.mark.slow
def test_page_on_an_index_has_addresses_and_pictures(wheel):
    [name] = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA")]
    found = email.message_from_bytes(zipfile.ZipFile(wheel).read(name))
    pages = dict(page.split(", ") for page in found.get_all("Project-URL"))
    assert {"Paper", "Repository", "Documentation", "Issues"} <= set(pages)
    assert pages["Repository"] == REPOSITORY
    relative = re.findall(r"(!?)\[[^\]]*\]\(((?!https?:)[^)]+)\)", (ROOT / "README.md").read_text())
    page = found.get_payload()
    for picture, path in relative:
        kind = "raw" if picture else "blob"
        assert f"]({REPOSITORY}/{kind}/v{PROJECT['version']}/{path})" in page
        assert (ROOT / path.partition("#")[0]).exists()
    assert len(relative) > 10 and f"]({relative[0][1]})" not in page


@pytest.mark.slow
def test_package_is_imported_from_the_environment(installed, tmp_path):
    code = "import salclass_tf as m; print(m.__file__, m.SalClassNet.__name__)"
    file, name = succeed([installed / "python", "-c", code], tmp_path).stdout.split()
    assert pathlib.Path(file).is_relative_to(installed.parent)
    assert name == "SalClassNet"


@pytest.mark.slow
def test_demo_page_explains_its_flags(installed, tmp_path):
    done = run([installed / "salclass", "demo", "--help"], tmp_path)
    assert "--max_megabytes" in done.stdout
    assert done.stderr == ""


def write_study(folder):
    """Pictures of a user's own in two classes, a bright and a dark spot, and looks at the spots."""
    rng = np.random.default_rng(0)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number in range(48):
        name = ("bright", "dark")[number % 2]
        x, y = rng.integers(20, 100, 2)
        picture = rng.integers(100, 150, (120, 120, 3), np.uint8)
        picture[y - 10 : y + 10, x - 10 : x + 10] = 255 * (name == "bright")
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"spot_{number}.png")
        lines += [f"spot_{number},{v},0,{x + v},{y - v},200" for v in range(3)]
    (folder / "fixations.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.slow
def test_the_demos_set_is_rendered_from_the_environment(installed, tmp_path):
    code = """
import sys
from tfds_builders.gaze_critters import gaze_critters_dataset_builder as critters
critters._TASK.images.update(train=2, validation=2, test=2)
builder = critters.Builder(config="task", data_dir=sys.argv[1])
builder.download_and_prepare()
print(critters.__file__, builder.info.splits["test"].num_examples)
"""
    printed = succeed([installed / "python", "-c", code, tmp_path], tmp_path).stdout
    file, images = printed.splitlines()[-1].split()
    assert pathlib.Path(file).is_relative_to(installed.parent) and images == "2"


@pytest.mark.slow
def test_commands_work_outside_of_a_checkout_and_print_what_matters(installed, tmp_path):
    write_study(tmp_path / "study")
    place = ["--data_dir=data"]
    commands = {
        # On a small study: the demo's sets take as long to render as all the rest.
        "train": ["--stage=joint", "--steps=2", "--nopretrain_detector", "--image_size=100"]
        + ["--dataset=gaze_folder", "--manual_dir=study", "--workdir=run"],
        "evaluate": ["--model=run/joint", "--split=test[:6]", "--output=evaluation"],
        "export": ["--workdir=run", "--export_dir=export"],
        "predict": ["study/dark/spot_1.png", "--workdir=run", "--out_dir=predictions"],
    }
    for name, flags in commands.items():
        done = succeed([installed / "salclass", name, *flags, *place], tmp_path)
        printed = done.stderr + done.stdout
        assert not NOISE.search(printed), printed
        assert done.stdout
    for made in ("run/joint/model.keras", "evaluation/report.md", "export/1/saved_model.pb"):
        assert (tmp_path / made).stat().st_size
    assert (tmp_path / "predictions/predictions.csv").read_text().count("\n") == 2


@pytest.mark.slow
def test_client_over_rest_needs_three_packages(wheel, tmp_path):
    """In an environment that has these alone, each with what it needs itself."""
    venv.create(tmp_path / "environment", symlinks=True)
    [packages] = (tmp_path / "environment").glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", f"--python={tmp_path / 'environment'}", "install"]
    succeed([*pip, "--quiet", "--no-index", "--no-deps", str(wheel)], tmp_path)
    wanted = [requirement.name for requirement in directly_needed("client")]
    assert sorted(wanted) == ["numpy", "pillow", "requests"]
    for name in closure(wanted):
        link_distribution(name, packages)
    code = "from salclass_tf import client; client.Client('http://127.0.0.1:1'); print('ready')"
    done = succeed([tmp_path / "environment/bin/python", "-c", code], tmp_path)
    assert done.stdout == "ready\n"


def closure(names):
    """Names of packages and of all that they need without extras."""
    found, waiting = set(), {canonicalize_name(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        needed = map(Requirement, importlib.metadata.requires(name) or ())
        plain = {canonicalize_name(r.name) for r in needed if not r.marker}
        waiting |= plain - found
    return found


def link_distribution(name, packages):
    """Makes a package of this environment importable from another one."""
    distribution = importlib.metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files if file.parts[0] not in ("..", "bin")}
    for top in tops - {"__pycache__"}:
        (packages / top).symlink_to(distribution.locate_file(top))
