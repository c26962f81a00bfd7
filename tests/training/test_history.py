"""The record of a stage is kept twice; what is damaged is named, and does not stop a run."""

import os

import pytest
import tensorflow as tf

from salclass_tf.training import history
from salclass_tf.training.history import History

ROWS = [{"epoch": n, "step": 4 * n, "loss": 1 / n} for n in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path):
    """A stage's folder with three epochs."""
    record = History(tmp_path, 0)
    for row in ROWS:
        record.add(row)
    return tmp_path


DAMAGES = [
    b"",
    b"\0" * 50,
    b"\xff\xfe\xfd,\n",
    b"a,b\n1,2\n",
    b"epoch,step\nx,y\n",
    b"epoch,step\n1",
]
DAMAGES += [b"epoch,step\n1,2,3\n", b"epoch,step,loss\n1,4,1.0\n2,8\n"]


@pytest.mark.parametrize("content", DAMAGES)
def test_copy_is_taken_for_a_damaged_file(folder, content, caplog):
    (folder / "history.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"history\.csv is damaged \(.+\); restore it"):
        history.read(folder / "history.csv")
    assert History(folder, 2).rows == ROWS[:2]
    assert "takes the other copy" in caplog.text and str(folder / "history.csv") in caplog.text


def test_file_that_has_lost_its_last_lines_is_not_taken(folder):
    path = folder / "history.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert History(folder, 3).rows == ROWS


def test_lost_file_is_restored_with_the_next_epoch(folder):
    (folder / "history.csv").unlink()
    again = History(folder, 2)
    again.add(ROWS[2])
    assert history.read(folder / "history.csv") == ROWS


def test_run_goes_on_without_its_record(folder, caplog):
    for path in folder.rglob("history.csv"):
        path.write_text("no,epochs\n1,2\n")
    assert History(folder, 2).rows == [] and caplog.text.count("is damaged") == 2


def test_full_disk_names_the_logs(tmp_path, monkeypatch):
    def full(*given, **options):
        raise tf.errors.UnknownError(None, None, f"/events; {os.strerror(28)}")

    record = History(tmp_path, 0)
    monkeypatch.setattr(tf.summary, "scalar", full)
    with pytest.raises(OSError, match="cannot write the logs .*tensorboard: .*; make room, then"):
        record.add(ROWS[0])
    assert history.read(tmp_path / "history.csv") == ROWS[:1]
    monkeypatch.setattr(tf.summary, "create_file_writer", full)
    with pytest.raises(OSError, match="cannot write the logs .*tensorboard"):
        History(tmp_path, 0)
