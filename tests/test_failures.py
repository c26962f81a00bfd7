"""A full disk is known in whatever form it comes, and told in one line."""

import errno
import os

import pytest
import tensorflow as tf
from absl import flags

from salclass_tf import commandline, failures

FULL = os.strerror(errno.ENOSPC)


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, FULL), True),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), True),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), False),
        (tf.errors.ResourceExhaustedError(None, None, f"/a; {FULL}"), True),  # a file's
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"), False),  # a GPU's
        (RuntimeError(f"(file write failed: errno = 28, error message = '{FULL}')"), True),  # HDF5
        (caused(RuntimeError("split failed"), OSError(errno.ENOSPC, FULL)), True),  # TFDS
        (ValueError("nothing of the kind"), False),
    ],
)
def test_full_disk_is_told_from_other_errors(error, full):
    assert failures.is_full_disk(error) == full
    with pytest.raises(OSError if full else type(error)) as raised:
        with failures.full_disk_named("the table"):
            raise error
    if full:
        assert str(raised.value).startswith("cannot write the table: ")
        assert str(raised.value).endswith(f"; {failures.MAKE_ROOM}")


def test_names_of_operations_are_no_reason():
    text = "{{function_node __wrapped__Next}} truncated record at 7 [Op:IteratorGetNext] name: "
    assert failures.reason(ValueError(f"{text}\nand more")).strip() == "truncated record at 7"
    assert failures.reason(KeyError()) == "KeyError()"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (tf.errors.UnknownError(None, None, f"/logs; {FULL}"), f"/logs; {FULL}; make room"),
        (OSError(errno.ENOSPC, FULL, "/run/x"), f"{FULL}: '/run/x'; make room, then the same"),
        (ValueError("wrong number"), "error: wrong number\n"),
        (TypeError("a mistake of ours"), None),
    ],
)
def test_commands_end_in_a_line(error, said, monkeypatch, capsys):
    def main():
        raise error

    monkeypatch.setattr(commandline.app, "run", lambda guarded: guarded(["train.py"]))
    monkeypatch.setattr(commandline, "_list_in_help", lambda module: None)
    flags.FLAGS.mark_as_parsed()
    codes = []
    fail = commandline._fail
    monkeypatch.setattr(commandline, "_fail", lambda text: codes.append(fail(text)))
    if said is None:
        with pytest.raises(TypeError):
            commandline.run(main)
        return
    commandline.run(main)
    written = capsys.readouterr().err
    assert said in written and written.count("\n") == 1 and codes == [commandline.BAD_INPUT]
