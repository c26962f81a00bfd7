"""Files appear whole or not at all, and one module alone gives them their names."""

import errno
import os
import pathlib
import re

import pytest

from salclass_tf.runs import files

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The weights lie below run folders and may not import them: they move what they have unpacked.
# Campaigns put what a job has left aside, to compare it. At addresses Beam's file systems rename.
ELSEWHERE = {
    "salclass_tf/weights/loading.py": ["shutil.move("],
    "salclass_tf/prediction/on_beam/places.py": [".rename("],
    "benchmarks/campaigns/full_disk.py": [".rename(", ".rename("],
    "benchmarks/campaigns/tiny_inputs.py": ["shutil.move("],
}


def test_no_other_module_gives_finished_files_their_names():
    found = {}
    for path in (
        p for room in ("salclass_tf", "demo", "benchmarks") for p in (ROOT / room).rglob("*.py")
    ):
        calls = re.findall(
            r"os\.replace\(|os\.rename\(|shutil\.move\(|\.rename\(", path.read_text()
        )
        if calls:
            found[path.relative_to(ROOT).as_posix()] = calls
    assert found.pop("salclass_tf/runs/files.py") == ["os.replace(", ".rename("]
    assert found == ELSEWHERE


def test_file_is_written_with_its_folder_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "table.csv"
    files.write_text(path, "café\n")
    files.write_text(path, "thé\n")
    assert path.read_bytes() == "thé\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_half_way_leaves_the_file_before_and_no_debris(tmp_path):
    path = tmp_path / "network.keras"
    files.write_bytes(path, b"whole")
    with pytest.raises(KeyboardInterrupt), files.whole(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".keras")
        temporary.write_bytes(b"ha")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [True, False])
def test_content_is_on_the_disk_before_the_name_where_that_is_asked_for(
    tmp_path, monkeypatch, durable
):
    order, replace = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: order.append("content"))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("name"), replace(*paths)))
    files.write_bytes(tmp_path / "file", b"x", durable=durable)
    assert order == (["content", "name"] if durable else ["name"])


def test_full_disk_is_named_with_the_file_and_the_remedy(tmp_path, monkeypatch):
    def full(*paths):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(
        OSError, match=r"cannot write .*a\.json: No space left on device; make room"
    ):
        files.write_json(tmp_path / "a.json", {})
    assert not list(tmp_path.iterdir())


def test_finished_folder_takes_no_place_that_is_taken(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "of").write_text(name)
    with pytest.raises(OSError):
        files.put_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "of").read_text() == "old"
    assert files.put_folder(tmp_path / "new", tmp_path / "free") == tmp_path / "free"
    assert (tmp_path / "free" / "of").read_text() == "new"


@pytest.mark.parametrize("content", ["[1]", "{", "\xff"])
def test_damaged_json_is_named_with_the_remedy(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"config\.json is damaged .*; restore it, or remove"):
        files.read_json(path)
