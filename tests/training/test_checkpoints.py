"""What a checkpoint brings back, and what it refuses."""

import errno
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.model import ClassifierModel
from salclass_tf.optimization import optimizers
from salclass_tf.training.checkpoints import Checkpoints


def model(classes, fill):
    image = keras.Input((4, 4, 3))
    logits = keras.layers.Dense(classes, kernel_initializer=keras.initializers.Constant(fill))(
        keras.layers.Flatten()(image)
    )
    made = ClassifierModel(keras.Model(image, logits))
    made.compile(optimizers.SGD(0.1, momentum=0.9))
    made.optimizer.build(made.trainable_variables)
    return made


def test_newest_checkpoint_brings_back_weights_and_position(tmp_path):
    for step, fill in enumerate((1.0, 2.0, 3.0), start=1):
        Checkpoints(tmp_path, model(3, fill), keep=2).save(step, {"step": step})
    fresh = model(3, 0.0)
    assert Checkpoints(tmp_path, fresh).restore() == {"step": 3}
    np.testing.assert_array_equal(fresh.trainable_variables[0].numpy(), 3.0)


def test_no_checkpoint_is_no_position(tmp_path):
    assert Checkpoints(tmp_path, model(3, 0.0)).restore() is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip(path):
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content) // 3 + 8):
        content[place] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["ckpt-3.index", "ckpt-3.data-00000-of-00001"])
@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.write_bytes(b""), os.unlink])
def test_torn_newest_checkpoint_is_passed_over_with_a_warning(file, damage, tmp_path, caplog):
    saved = model(3, 0.0)
    kept = Checkpoints(tmp_path, saved, keep=3)
    for step in (1, 2, 3):
        saved.trainable_variables[0].assign(saved.trainable_variables[0] * 0.0 + step)
        kept.save(step, {"step": step})
    damage(tmp_path / "checkpoints" / file)
    is_there = (tmp_path / "checkpoints" / "ckpt-3.index").exists()  # without it, it is none
    fresh = model(3, 0.0)
    again = Checkpoints(tmp_path, fresh, keep=2)
    assert again.restore() == {"step": 2}
    np.testing.assert_array_equal(fresh.trainable_variables[0].numpy(), 2.0)
    assert ("ckpt-3 does not read" in caplog.text) == is_there
    again.save(3, {"step": 3})  # the torn one is none of the two that stay
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {f"ckpt-{n}.{e}" for n in (2, 3) for e in ("index", "data-00000-of-00001")}
    assert Checkpoints(tmp_path, fresh).restore() == {"step": 3}


def test_what_an_interrupted_write_left_is_removed_and_is_no_checkpoint(tmp_path):
    kept = Checkpoints(tmp_path, model(3, 1.0))
    kept.save(1, {"step": 1})
    folder = tmp_path / "checkpoints"
    (folder / "unfinished").mkdir()  # as a process leaves it that is killed while it writes
    (folder / "unfinished" / "ckpt-2.index").touch()
    (folder / "ckpt-2.data-00000-of-00001").write_bytes(b"moved, and then no index came")
    assert Checkpoints(tmp_path, model(3, 0.0), writes=False).restore() == {"step": 1}
    assert len(list(folder.iterdir())) == 4  # only the process that writes may remove
    assert Checkpoints(tmp_path, model(3, 0.0)).restore() == {"step": 1}
    assert {path.name for path in folder.iterdir()} == {
        "ckpt-1.index",
        "ckpt-1.data-00000-of-00001",
    }


def test_a_step_that_is_saved_twice_leaves_the_first_one_whole(tmp_path):
    kept = Checkpoints(tmp_path, model(3, 1.0), keep=3)
    for epoch in (0, 1):
        kept.save(10, {"step": 10, "epoch": epoch})
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.index"))
    assert names == ["ckpt-10-2.index", "ckpt-10.index"] and kept.newest.name == "ckpt-10-2"
    assert Checkpoints(tmp_path, model(3, 0.0)).restore() == {"step": 10, "epoch": 1}
    kept.save(9, {"step": 9})  # a lower number is older, also in text order
    assert kept.newest.name == "ckpt-10-2"


def test_no_more_stay_than_asked_for(tmp_path):
    kept = Checkpoints(tmp_path, model(3, 1.0), keep=2)
    for step in (8, 9, 10, 11):
        kept.save(step, {})
    assert {path.stem for path in (tmp_path / "checkpoints").iterdir()} == {"ckpt-10", "ckpt-11"}


def test_checkpoint_of_another_class_count_is_refused(tmp_path, caplog):
    Checkpoints(tmp_path, model(3, 1.0)).save(1, {"step": 1})
    with pytest.raises(ValueError, match=r"no checkpoint in .* reads; .*48.* another --workdir"):
        Checkpoints(tmp_path, model(4, 0.0)).restore()
    assert "ckpt-1" in caplog.text and "48" in caplog.text  # the shape that does not fit


def test_checkpoint_that_cannot_be_read_just_now_stays(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path, model(3, 1.0), keep=3)
    for step in (1, 2):
        kept.save(step, {"step": step})
    again = Checkpoints(tmp_path, model(3, 0.0))
    read = again._checkpoint.read

    def away(path):
        if path.endswith("ckpt-2"):
            raise tf.errors.UnavailableError(None, None, "network storage is away")
        return read(path)

    monkeypatch.setattr(again._checkpoint, "read", away)
    assert again.restore() == {"step": 1}
    assert Checkpoints(tmp_path, model(3, 0.0)).restore() == {"step": 2}


def test_those_that_go_are_older_than_one_on_the_disk(tmp_path, monkeypatch):
    """What is only in the machine's memory would be lost with its power."""
    kept, secured = Checkpoints(tmp_path, model(3, 1.0), keep=2), []
    monkeypatch.setattr(
        os, "fsync", lambda file: secured.append(os.readlink(f"/proc/self/fd/{file}"))
    )
    for step in (1, 2, 3):
        kept.save(step, {})
        assert {name.rsplit("/", 1)[1] for name in secured} == {
            f"ckpt-{n}.{end}" for n in range(1, step) for end in ("index", "data-00000-of-00001")
        }


@pytest.mark.parametrize("writes", [True, False])
def test_every_process_says_what_it_could_not_write(writes, tmp_path, monkeypatch):
    def full(self, path):
        raise tf.errors.UnavailableError(None, None, "storage is away")

    monkeypatch.setattr(tf.train.Checkpoint, "write", full)
    kept = Checkpoints(tmp_path, model(3, 1.0), writes=writes)
    with pytest.raises(OSError, match="cannot write .*storage is away.* make room"):
        kept.save(1, {})
    in_company = Checkpoints(tmp_path, model(3, 1.0), writes=writes, alone=False)
    with pytest.raises(tf.errors.UnavailableError):  # which names a lost worker, further up
        in_company.save(1, {})


def test_checkpoint_that_cannot_be_written_leaves_those_before_and_no_debris(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path, model(3, 1.0))
    kept.save(1, {"step": 1})
    moved, replace = [], os.replace

    def full_after_the_data(part, path):
        if moved:
            raise OSError(errno.ENOSPC, "No space left on device")
        moved.append(part.name)
        replace(part, path)

    monkeypatch.setattr(os, "replace", full_after_the_data)
    with pytest.raises(OSError, match=r"step 2 .*No space left.*before it are intact .*ckpt-1\)"):
        kept.save(2, {"step": 2})
    assert moved == ["ckpt-2.data-00000-of-00001"]
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"ckpt-1.index", "ckpt-1.data-00000-of-00001"}
