"""The guard of the demo page: nothing is opened that nobody uploaded."""

import os

import pytest

from salclass_tf.demo_page.uploads import NotUploadedError, Uploads

LIMIT = 100


@pytest.fixture
def folder(tmp_path):
    """An upload folder with one upload, and what lies in it and beside it."""
    uploads = tmp_path / "uploads"
    (uploads / "0123").mkdir(parents=True)
    (uploads / "0123" / "cat.png").write_bytes(b"a cat")
    (uploads / "0123" / "full.png").write_bytes(b"x" * LIMIT)
    (uploads / "0123" / "large.png").write_bytes(b"x" * (LIMIT + 1))
    (tmp_path / "uploads_beside").mkdir()
    (tmp_path / "uploads_beside" / "note.txt").write_bytes(b"a note")
    (uploads / "0123" / "link.png").symlink_to(tmp_path / "uploads_beside" / "note.txt")
    (uploads / "0123" / "inner.png").symlink_to(uploads / "0123" / "cat.png")
    (uploads / "linked").symlink_to(tmp_path / "uploads_beside")
    os.mkfifo(uploads / "0123" / "pipe.png")
    return uploads


@pytest.fixture
def uploads(folder):
    return Uploads(folder, LIMIT)


def test_uploads_up_to_the_limit_are_read(uploads, folder):
    assert uploads.read(str(folder / "0123" / "cat.png")) == b"a cat"
    assert uploads.read(folder / "0123" / ".." / "0123" / "cat.png") == b"a cat"
    assert uploads.read(str(folder / "0123" / "full.png")) == b"x" * LIMIT


def test_folder_may_be_reached_by_a_link(folder, tmp_path):
    (tmp_path / "other_name").symlink_to(folder)
    renamed = Uploads(tmp_path / "other_name", LIMIT)
    assert renamed.read(str(tmp_path / "other_name" / "0123" / "cat.png")) == b"a cat"


@pytest.mark.parametrize(
    "name",
    [
        "../uploads_beside/note.txt",
        "../uploads_beside/absent.txt",
        "0123/../../uploads_beside/note.txt",
        "0123/absent.png",
        "0123/large.png",
        "0123/link.png",
        "0123/inner.png",
        "linked/note.txt",
        "0123/pipe.png",
        "0123",
        "",
        "0123/cat.png\0",
        "0123/" + "x" * 5000,
    ],
)
def test_everything_else_gets_one_answer(uploads, folder, name):
    with pytest.raises(NotUploadedError) as refusal:
        uploads.read(f"{folder}/{name}")
    assert str(refusal.value) == str(NotUploadedError())


@pytest.mark.parametrize("path", [None, 7, b"/tmp", ["a"], "", "cat.png", "http://localhost/a.png"])
def test_what_is_no_path_of_an_upload_gets_the_same_answer(uploads, path):
    with pytest.raises(NotUploadedError):
        uploads.read(path)


def test_files_elsewhere_are_not_even_looked_at(uploads, tmp_path, monkeypatch):
    looked_at = []
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: looked_at.append(path) or lstat(path))
    monkeypatch.setattr(os, "open", lambda *given: looked_at.append(given))
    with pytest.raises(NotUploadedError):
        uploads.read(tmp_path / "uploads_beside" / "note.txt")
    monkeypatch.undo()
    assert not looked_at


@pytest.mark.parametrize("name", ["0123/pipe.png", "0123/link.png", "0123"])
def test_only_regular_files_are_opened(uploads, folder, name, monkeypatch):
    opened = []
    monkeypatch.setattr(os, "open", lambda *given: opened.append(given))
    with pytest.raises(NotUploadedError):
        uploads.read(folder / name)
    monkeypatch.undo()
    assert not opened


@pytest.mark.parametrize("name", ["link.png", "pipe.png", "large.png"])
def test_what_takes_the_place_of_a_checked_file_is_not_read(uploads, folder, name, monkeypatch):
    monkeypatch.setattr(Uploads, "_checked", lambda self, path: path)
    with pytest.raises(NotUploadedError):
        uploads.read(folder / "0123" / name)
