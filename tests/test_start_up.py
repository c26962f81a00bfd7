"""What TensorFlow prints before it does anything: kept back, but not an error, nor asked for."""

import os
import subprocess
import sys

import pytest

_IMPORT = "from salclass_tf import start_up; start_up.quiet(); import tensorflow as tf"


def python(code, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean | environment
    )


@pytest.fixture(scope="module")
def quiet_import():
    return python(f"{_IMPORT}; print(tf.reduce_sum([1, 2]).numpy(), tf.__spec__.name)")


def test_import_of_tensorflow_prints_nothing(quiet_import):
    assert quiet_import.stderr == ""
    assert quiet_import.stdout == "3 tensorflow\n"


def test_others_may_look_whether_it_is_there_before():
    code = """
import importlib.util, sys
from salclass_tf import start_up

start_up.quiet()
assert importlib.util.find_spec("tensorflow") and importlib.util.find_spec("tensorflow")
import tensorflow
print(any("QuietImport" in str(finder) for finder in sys.meta_path))
"""
    done = python(code)
    assert (done.stderr, done.stdout) == ("", "False\n")


def test_notes_that_a_user_asks_for_are_printed():
    done = python(_IMPORT, TF_CPP_MIN_LOG_LEVEL="0")
    assert "oneDNN" in done.stderr


def test_what_c_code_writes_is_kept_back_until_an_error():
    code = """
import os
from salclass_tf import start_up
with start_up.held_back_stderr():
    os.write(2, b"a note\\n")
os.write(2, b"after\\n")
with start_up.held_back_stderr():
    os.write(2, b"the reason\\n")
    raise ImportError("no library")
"""
    done = python(code)
    assert done.returncode == 1
    assert "a note" not in done.stderr
    assert done.stderr.startswith("after\nthe reason\nTraceback")
    assert done.stderr.endswith("ImportError: no library\n")


def test_other_modules_are_imported_as_ever():
    code = "from salclass_tf import start_up; start_up.quiet(); start_up.quiet(); import json, sys"
    done = python(f"{code}; print(sum('QuietImport' in str(f) for f in sys.meta_path))")
    assert done.stdout == "1\n"


def test_garbage_is_looked_for_less_often_and_what_was_imported_left_out():
    code = "import gc; from salclass_tf import start_up; start_up.spare_collections()"
    done = python(f"{code}; print(gc.get_freeze_count() > 1000, gc.get_threshold()[0])")
    assert done.stdout == "True 50000\n"
