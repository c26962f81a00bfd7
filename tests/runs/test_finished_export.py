"""Exports are read by one reader, which names what is damaged."""

import json
import pathlib

import demo_export
import pytest

from salclass_tf import prediction
from salclass_tf.runs import finished_export
from salclass_tf.runs.files import hash_files
from salclass_tf.serving import versions


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Content of the files of an export."""
    version = demo_export.write(tmp_path_factory.mktemp("export") / "1")
    card = json.loads((version / "model_card.json").read_text())
    card["export"]["graph_sha256"] = hash_files([version / "saved_model.pb"])
    (version / "model_card.json").write_text(json.dumps(card))
    paths = (path for path in version.rglob("*") if path.is_file())
    return {path.relative_to(version): path.read_bytes() for path in paths}


@pytest.fixture
def folder(written, tmp_path):
    """A folder of versions with number 1."""
    for name, content in written.items():
        path = tmp_path / "1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_what_has_a_number_and_is_no_version_is_passed_over(folder):
    (folder / "2").write_text("a stray file")
    (folder / "3").mkdir()  # an empty folder
    (folder / "notes.txt").touch()
    (folder / "٤").mkdir()  # a number, but none of TensorFlow Serving's
    assert finished_export.find(folder).version == folder / "1"
    assert prediction.load_export(folder).name.startswith(f"export {folder / '1'}:")
    assert finished_export.find(folder).class_names == demo_export.COLOURS
    with versions.unfinished(folder) as unfinished:
        assert versions.publish(unfinished).name == "4"  # no name that is taken


def flip(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("saved_model.pb", flip, r"cannot read the export .*saved_model\.pb: .*checksum"),
        ("saved_model.pb", cut, r"cannot read the export .*saved_model\.pb"),
        ("variables/variables.index", cut, "cannot read the export"),
        ("model_card.json", cut, r"model_card\.json is damaged"),
        ("model_card.json", lambda path: path.write_text("{}"), r"model_card\.json is damaged"),
        ("model_card.json", pathlib.Path.unlink, r"has no model_card\.json"),
    ],
)
def test_damaged_export_is_named_with_the_remedy(folder, name, damage, said):
    damage(folder / "1" / name)
    with pytest.raises(ValueError, match=rf"{said}.* python export\.py --export_dir="):
        prediction.load_export(folder)


def test_older_export_without_a_checksum_is_read(folder):
    card = json.loads((folder / "1" / "model_card.json").read_text())
    del card["export"]["graph_sha256"]
    (folder / "1" / "model_card.json").write_text(json.dumps(card))
    assert prediction.load_export(folder).makes_maps
