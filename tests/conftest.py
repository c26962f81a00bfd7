"""Fixtures that several test modules share."""

import os
import pathlib

import numpy as np
import pytest

import salclass_tf as salclass_tf  # before TensorFlow: it chooses the kernels, as in the scripts

# isort: split
import tensorflow as tf
import tensorflow_datasets as tfds

from tfds_builders import schema

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_SHARED = pathlib.Path(os.environ.get("SALCLASS_REAL_DATA", _ROOT.parent / "shared"))


# Two devices on one CPU, before anything else uses it: for tests of distribution strategies.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests that take minutes first: as the last ones they would keep one core waiting."""
    longest = ("test_reproduction.py", "test_survival.py", "test_export.py")
    items.sort(key=lambda item: item.path.name not in longest)


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


class DottedNoise(tfds.core.GeneratorBasedBuilder):
    """Twelve pictures of noise with a bright dot where somebody looked; three classes of hue."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(tfds.features.ClassLabel(names=["red", "green", "blue"])),
            metadata=tfds.core.MetadataDict({"sigma_px": 4.0}),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 12), "test": self._generate_examples(1, 6)}

    def _generate_examples(self, split, count):
        for index in range(count):
            rng = np.random.default_rng([split, index])
            image = rng.integers(0, 100, (44, 52, 3), np.uint8)
            image[..., index % 3] += 100
            x, y = rng.integers(10, 34, 2)
            image[y - 3 : y + 4, x - 3 : x + 4] = 255
            fixations = {"x": [x], "y": [y], "duration_ms": [200.0], "viewer": [0]}
            yield (
                index,
                {
                    "image": image,
                    "image/id": str(index),
                    "label": index % 3,
                    "fixations": fixations,
                },
            )


class DottedMaps(DottedNoise):
    """The same pictures with maps in place of points, and no classes."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=schema.gaze_features(heatmap=True))

    def _generate_examples(self, split, count):
        for index, example in super()._generate_examples(split, count):
            [x], [y] = example["fixations"]["x"], example["fixations"]["y"]
            heatmap = np.zeros((44, 52, 1), np.uint8)
            heatmap[y - 4 : y + 5, x - 4 : x + 5] = 200
            del example["label"]
            yield index, example | {"fixations": schema.no_fixations(), "heatmap": heatmap}


@pytest.fixture(scope="session")
def tiny_data_dir(tmp_path_factory) -> str:
    """A data folder in which `dotted_noise` and `dotted_maps` are prepared."""
    folder = str(tmp_path_factory.mktemp("data"))
    DottedNoise(data_dir=folder).download_and_prepare()
    DottedMaps(data_dir=folder).download_and_prepare()
    return folder
