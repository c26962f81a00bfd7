"""Two jobs that prepare one set: one does it, the other one waits and takes it."""

import concurrent.futures
import contextlib
import errno
import os
import threading
import time

import builder_case
import numpy as np
import pytest
import tensorflow as tf
from dotted_sets import DottedNoise
from PIL import Image

from salclass_tf.data import sets
from tfds_builders.common import preparing
from tfds_builders.gaze_folder import gaze_folder_dataset_builder


@pytest.mark.parametrize("fails", [False, True])
def test_second_job_waits_and_takes_the_set_or_makes_it_itself(fails, tmp_path, caplog):
    builders = [DottedNoise(data_dir=tmp_path) for _ in range(2)]
    begun, go_on, made = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        assert go_on.wait(60)
        if fails:
            raise OSError("stopped")
        builders[0].download_and_prepare()

    def quick():
        made.append("second")
        builders[1].download_and_prepare()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(preparing.prepare, builders[0], slow)
        assert begun.wait(60)
        second = pool.submit(preparing.prepare, builders[1], quick)
        while "another process prepares" not in caplog.text:
            time.sleep(0.01)
        go_on.set()
    assert bool(first.exception()) == fails
    assert made == (["second"] if fails else []) and second.result() == (not fails)
    assert builders[1].info.splits["train"].num_examples == 12
    assert builders[1].info.features["label"].names == ["red", "green", "blue"]
    assert builders[1].info.metadata["sigma_px"] == 4.0
    assert len(list(builders[1].as_dataset(split="test"))) == 6
    assert [path.name for path in (tmp_path / "dotted_noise").iterdir()] == ["1.0.0"]


def test_only_what_was_long_abandoned_is_removed(tmp_path):
    for name, written in (("long", 0), ("slow", 0), ("new", time.time())):
        folder = tmp_path / f"incomplete.{name}_1.0.0"
        folder.mkdir()
        if name == "slow":
            (folder / "part").touch()  # a file that grows leaves its folder's time as it was
        os.utime(folder, (written, written))
    preparing._remove_abandoned(tmp_path / "1.0.0")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"incomplete.slow_1.0.0", "incomplete.new_1.0.0"}


def test_lock_of_another_user_is_opened_for_reading(tmp_path, monkeypatch):
    def refuse(*given):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "lock").touch()
    monkeypatch.setattr(preparing.os, "open", refuse)
    with preparing._opened(tmp_path / "lock") as file:
        assert file.mode == "r"
    with pytest.raises(PermissionError):
        preparing._opened(tmp_path / "none")


def test_file_system_without_locks_is_worked_on_without(tmp_path, monkeypatch, caplog):
    def without(*given):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(preparing.fcntl, "flock", without)
    builder = DottedNoise(data_dir=tmp_path)
    assert preparing.prepare(builder, builder.download_and_prepare) is False
    assert builder.info.splits["train"].num_examples == 12 and "no lock" in caplog.text


@pytest.fixture(params=["waiting", "opened"])
def overtaken(request, monkeypatch):
    """Has another job finish the set after ours was opened; to be called with what it does."""

    def overtake(make):
        if request.param == "opened":
            make()
            return

        @contextlib.contextmanager
        def alone(builder):
            monkeypatch.undo()
            make()
            yield

        monkeypatch.setattr(preparing, "_alone", alone)

    return overtake


def test_set_of_any_builder_is_taken(tmp_path, overtaken):
    found = sets.find_set("dotted_noise", str(tmp_path))
    overtaken(DottedNoise(data_dir=tmp_path).download_and_prepare)
    assert sets.prepare(found).size("train") == 12


def study(folder, seed):
    """Ten pictures with a fixation each."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number in range(10):
        pixels = rng.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"picture_{number}.png")
        lines.append(f"picture_{number},0,0,{number},{7 + seed},200")
    (folder / "fixations.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("same", [True, False])
def test_study_is_taken_unless_it_is_of_another_folder(same, tmp_path, overtaken):
    ours, other = study(tmp_path / "ours", 0), study(tmp_path / "other", 1)
    builders = [gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets") for _ in range(2)]
    overtaken(lambda: builder_case.prepare(builders[1], ours if same else other))
    if not same:
        with pytest.raises(ValueError, match="was built from .*other"):
            builder_case.prepare(builders[0], ours)
        return
    builder_case.prepare(builders[0], ours)
    splits = builders[0].info.splits
    assert sum(split.num_examples for split in splits.values()) == 10
    assert builders[0].info.metadata["folder"] == str(ours)


def test_full_disk_is_one_line_with_the_remedy_and_the_next_try_works(tmp_path, monkeypatch):
    full = tf.errors.ResourceExhaustedError(None, None, "/x.tfrecord; No space left on device")
    write = tf.io.TFRecordWriter.write

    def refuse(self, record):
        raise full

    monkeypatch.setattr(tf.io.TFRecordWriter, "write", refuse)
    with pytest.raises(OSError, match=r"^cannot write dotted_noise/1\.0\.0 in .*; make room, then"):
        sets.open_set("dotted_noise", str(tmp_path))
    monkeypatch.setattr(tf.io.TFRecordWriter, "write", write)
    assert sets.open_set("dotted_noise", str(tmp_path)).size("train") == 12
    assert [path.name for path in (tmp_path / "dotted_noise").iterdir()] == ["1.0.0"]
