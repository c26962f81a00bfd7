"""Fixtures of the tests of what is trained in processes of its own."""

import pytest
import tensorflow as tf

from salclass_tf.devices import Placement, cores

GIB = 2**30


@pytest.fixture
def one_device():
    return Placement(tf.distribute.get_strategy(), "as it is")


@pytest.fixture
def machine(monkeypatch):
    """Sets the cores and the free memory that are found."""

    def set_to(number, gib):
        monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
        monkeypatch.setattr(cores, "count", lambda: number)
        monkeypatch.setattr(cores, "free_memory", lambda: gib * GIB)

    return set_to
