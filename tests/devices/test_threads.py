"""Who shares an operation: one thread of narrow networks on a CPU."""

import dataclasses
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from salclass_tf import config
from salclass_tf.devices import Placement, threads

_ASKED = """
import tensorflow as tf
from salclass_tf import config, devices

placement = devices.choose_placement()
demo = config.build_config()
for width in {widths}:
    chosen = devices.choose_threads(demo.override("joint", {{"width": width}}, {{}}), placement)
    print(f"{{chosen}}, {{tf.config.threading.get_intra_op_parallelism_threads()}} threads")
"""


DEMO = config.build_config()


def threads_after(widths):
    """What is said of runs of some widths in a new process, and the threads that they leave."""
    # Threads are set before TensorFlow computes, and once.
    command = [sys.executable, "-c", _ASKED.format(widths=widths)]
    environment = {k: v for k, v in os.environ.items() if k != threads.VARIABLE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_narrow_networks_have_one_thread_an_operation_and_wide_ones_tensorflows_choice():
    first, narrow, later = threads_after((0.25, 0.125, 0.25))
    assert first == "None, 0 threads"
    assert narrow.startswith("one an operation: narrow") and narrow.endswith(", 1 threads")
    assert "as this process began" in later


@pytest.fixture
def one_device(monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    return Placement(tf.distribute.get_strategy(), "as it is")


def test_what_the_user_has_set_stays(monkeypatch, one_device):
    monkeypatch.setenv(threads.VARIABLE, "3")
    before = tf.config.threading.get_intra_op_parallelism_threads()
    assert threads.choose(DEMO, one_device) == "3 an operation, as TF_NUM_INTRAOP_THREADS says"
    assert tf.config.threading.get_intra_op_parallelism_threads() == before
    assert not threads.has_one_an_operation(DEMO, one_device)


def test_a_process_that_has_computed_stays_as_it_is(one_device):
    assert float(tf.constant(1.0) + 1.0) == 2.0
    before = tf.config.threading.get_intra_op_parallelism_threads()
    said = threads.choose(DEMO, one_device)
    assert before == 1 or said == "as TensorFlow was started"
    assert tf.config.threading.get_intra_op_parallelism_threads() == before


def test_what_all_threads_share_is_left_to_them(one_device):
    assert threads.has_one_an_operation(DEMO, one_device)
    compiled = dataclasses.replace(DEMO, compile="xla")
    assert not threads.has_one_an_operation(compiled, one_device)
    mirrored = Placement(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "as asked")
    assert not threads.has_one_an_operation(DEMO, mirrored)
