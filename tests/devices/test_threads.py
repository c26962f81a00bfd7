"""Who shares an operation: one thread of narrow networks on a CPU."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from salclass_tf.devices import Placement, threads

_ASKED = """
import tensorflow as tf
from salclass_tf import devices

placement = devices.choose_placement()
print(devices.choose_threads({width}, placement))
print("threads", tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.parametrize(
    ("width", "said", "found"), [(0.125, "one an operation", 1), (0.25, "None", 0)]
)
def test_narrow_networks_have_one_thread_an_operation(width, said, found):
    # A process of its own: threads are set before TensorFlow computes, and once.
    command = [sys.executable, "-c", _ASKED.format(width=width)]
    environment = {k: v for k, v in os.environ.items() if k != "TF_NUM_INTRAOP_THREADS"}
    out = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
    assert said in out and f"threads {found}" in out  # 0 is TensorFlow's own choice: all cores


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    placement = Placement(tf.distribute.get_strategy(), "as it is")
    before = tf.config.threading.get_intra_op_parallelism_threads()
    assert threads.choose(0.125, placement) == "3 an operation, as TF_NUM_INTRAOP_THREADS says"
    assert tf.config.threading.get_intra_op_parallelism_threads() == before


def test_a_process_that_has_computed_stays_as_it_is():
    placement = Placement(tf.distribute.get_strategy(), "as it is")
    assert float(tf.constant(1.0) + 1.0) == 2.0
    before = tf.config.threading.get_intra_op_parallelism_threads()
    said = threads.choose(0.125, placement)
    assert before == 1 or said == "as TensorFlow was started"
    assert tf.config.threading.get_intra_op_parallelism_threads() == before


def test_replicas_keep_their_threads():
    mirrored = Placement(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "as asked")
    assert not threads.is_narrow(0.05, mirrored)
