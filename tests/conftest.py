"""Fixtures that several test modules share."""

from __future__ import annotations

import gc
import importlib
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import salclass_tf as salclass_tf  # before TensorFlow: it chooses the kernels, as in the scripts

if TYPE_CHECKING:
    import tensorflow as tf

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SHARED = pathlib.Path(os.environ.get("SALCLASS_REAL_DATA", _ROOT.parent / "shared"))


def pytest_configure(config: pytest.Config) -> None:
    """Makes two devices of one CPU, before anything uses it: for distribution strategies.

    A process that only hands tests out to others need not wait for TensorFlow. One of several that
    run tests computes an operation by one thread, as do the processes that it starts: which tests
    came before, and might have chosen that, changes nothing then.
    """
    shared = hasattr(config, "workerinput")
    if config.getoption("numprocesses", None) and not shared:
        return
    if shared:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    importlib.import_module("dotted_sets")  # registers them


# Files of tests that take minutes, the longest first.
_LONGEST = (
    *("test_wheel.py", "test_training.py", "test_survival.py", "test_reproduction.py"),
    *("test_export.py", "test_applications.py", "test_evaluate_script.py", "test_page.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests that take minutes first: as the last ones they would keep one core waiting.

    For `--dist loadfile` that needs `--no-loadscope-reorder`.
    """
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """Has the collector of garbage pass over what was imported: a fifth of the time of tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def garbage_of_others() -> Iterator[None]:
    """Has it pass over what each module of tests leaves behind, too."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def without_graphs() -> Iterator[None]:
    """Runs functions eagerly: for a few steps, tracing takes longer than it saves."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy of two replicas on this machine's CPU."""
    import tensorflow as tf

    from salclass_tf.devices import placement

    devices = tf.config.list_logical_devices("CPU")
    return placement.mirrored_strategy(tuple(device.name for device in devices))


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


@pytest.fixture(scope="session")
def bfloat16() -> None:
    """Skips where bfloat16 cannot be computed.

    TensorFlow chooses its kernels by the CPU alone: with oneDNN held to an older instruction set
    (`ONEDNN_MAX_CPU_ISA`) those of a CPU with bfloat16 units do not run.
    """
    import tensorflow as tf

    try:
        tf.nn.conv2d(
            tf.zeros((1, 4, 4, 3), tf.bfloat16), tf.zeros((3, 3, 3, 4), tf.bfloat16), 1, "SAME"
        )
    except tf.errors.AbortedError:
        pytest.skip("oneDNN is held to an instruction set without bfloat16")


@pytest.fixture(scope="session")
def tiny_data_dir(tmp_path_factory) -> str:
    """A data folder in which `dotted_noise` and `dotted_maps` are prepared."""
    from dotted_sets import DottedMaps, DottedNoise

    folder = str(tmp_path_factory.mktemp("data"))
    DottedNoise(data_dir=folder).download_and_prepare()
    DottedMaps(data_dir=folder).download_and_prepare()
    return folder
