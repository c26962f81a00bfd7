"""Tables of rows, in memory and in files."""

import errno
import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.training.feature_tables import Layout, Table

LAYOUT = Layout(
    7,
    {
        "features_0": tf.TensorSpec([2, 3], tf.bfloat16),
        "label": tf.TensorSpec([], tf.int32),
        "image": tf.TensorSpec([4], tf.uint8),
    },
)
ORIGIN = {"weights": "abc"}


def columns():
    rng = np.random.default_rng(0)
    return {
        "features_0": tf.cast(rng.normal(size=(7, 2, 3)), tf.bfloat16),
        "label": tf.range(7, dtype=tf.int32),
        "image": tf.constant(rng.integers(0, 256, (7, 4)), tf.uint8),
    }


def batches():
    for start in range(0, 7, 3):
        yield {name: value[start : start + 3] for name, value in columns().items()}


@pytest.fixture(params=["memory", "disk"])
def folder(request, tmp_path):
    return tmp_path / "table" if request.param == "disk" else None


def test_rows_come_back_in_any_order_bit_by_bit(folder):
    table = Table(LAYOUT, folder)
    table.fill(batches(), ORIGIN)
    rows = tf.data.Dataset.from_tensors(tf.constant([6, 0, 3, 3], tf.int64)).map(table.read)
    [found] = rows
    for name, value in columns().items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], tf.gather(value, [6, 0, 3, 3]))
    assert rows.element_spec["features_0"].shape == [4, 2, 3]
    assert LAYOUT.bytes == 7 * (2 * 3 * 2 + 4 + 4)


def test_files_are_taken_again_only_where_they_are_complete_and_of_the_same_origin(tmp_path):
    folder = tmp_path / "table"
    assert not Table(LAYOUT, folder).reopen(ORIGIN)
    Table(LAYOUT, folder).fill(batches(), ORIGIN)
    again = Table(LAYOUT, folder)
    assert again.reopen(ORIGIN)
    np.testing.assert_array_equal(again.read(tf.constant([5], tf.int64))["label"], [5])
    assert not Table(LAYOUT, folder).reopen({"weights": "other"})
    assert not Table(Layout(6, LAYOUT.columns), folder).reopen(ORIGIN)
    file = folder / "image.bin"
    file.write_bytes(file.read_bytes()[:-1])
    assert not Table(LAYOUT, folder).reopen(ORIGIN)
    again.remove()
    assert not folder.exists()


def test_what_is_broken_off_is_not_complete(tmp_path):
    def broken():
        yield next(batches())
        raise KeyboardInterrupt

    folder = tmp_path / "table"
    Table(LAYOUT, folder).fill(batches(), {"weights": "before"})
    with pytest.raises(KeyboardInterrupt):
        Table(LAYOUT, folder).fill(broken(), ORIGIN)
    for origin in (ORIGIN, {"weights": "before"}):
        assert not Table(LAYOUT, folder).reopen(origin)


@pytest.mark.parametrize("given", [0, 2, 4])
def test_another_number_of_rows_is_never_complete(folder, given):
    table = Table(LAYOUT, folder)
    few = [*batches(), *batches()][:given]
    with pytest.raises(RuntimeError, match="a table of 7 rows was given"):
        table.fill(few, ORIGIN)
    assert not table.reopen(ORIGIN)


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "open", lambda path, mode: Full())
    with pytest.raises(OSError, match=r"cannot write .*table: No space.*make room"):
        Table(LAYOUT, tmp_path / "table").fill(batches(), ORIGIN)
