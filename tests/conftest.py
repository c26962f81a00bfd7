"""Fixtures that several test modules share."""

import os
import pathlib

import pytest
import tensorflow as tf

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_SHARED = pathlib.Path(os.environ.get("SALCLASS_REAL_DATA", _ROOT.parent / "shared"))


# Two devices on one CPU, before anything else uses it: for tests of distribution strategies.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy of two replicas on this machine's CPU."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def _shared_folder(name: str) -> pathlib.Path:
    """Returns a folder of real files kept beside the checkout, or skips the test."""
    folder = _SHARED / name
    if not folder.is_dir():
        pytest.skip(f"real files are not there: {folder} (set SALCLASS_REAL_DATA to their folder)")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder with original data sets: `osie/`, `cub_gha/`, `figrim/`, `poet/`."""
    return _shared_folder("data")


@pytest.fixture(scope="session")
def shared_weights() -> pathlib.Path:
    """The folder with trained VGG-16 convolutions."""
    return _shared_folder("weights")
