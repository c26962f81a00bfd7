"""Batches from `tfds.load` against the pipeline that training uses."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from dotted_sets import DottedNoise

from salclass_tf import data
from salclass_tf.data import pipeline

GEOMETRY = data.Geometry(16, 20)
ENCODED = {"image": tfds.decode.SkipDecoding()}


def load(folder, **kwargs):
    return tfds.load("dotted_noise", data_dir=folder, split="train", with_info=True, **kwargs)


def assert_equal(given, wanted):
    given, wanted = list(given.as_numpy_iterator()), list(wanted.as_numpy_iterator())
    assert len(given) == len(wanted)
    for one, other in zip(given, wanted, strict=True):
        assert set(one) == set(other)
        for key, value in other.items():
            np.testing.assert_array_equal(one[key], value)


def test_training_is_the_pipelines_epochs_one_after_the_other(tiny_data_dir):
    source, info = load(tiny_data_dir, decoders=ENCODED)
    made = data.batches(source, info, GEOMETRY, batch_size=4, epochs=2, seed=3, crops=1)
    split = pipeline.open_split(DottedNoise(data_dir=tiny_data_dir), "train")
    first, second = (
        pipeline.training_batches(
            split,
            geometry=GEOMETRY,
            sigma_px=info.metadata["sigma_px"],
            batch_size=4,
            seed=3,
            epoch=epoch,
            crops=1,
        )
        for epoch in (0, 1)
    )
    assert_equal(made, first.concatenate(second))
    assert len(made) == 2 * len(first)


def test_decoded_images_give_the_same_crops(tiny_data_dir):
    def crops(source, info):
        made = data.batches(source, info, GEOMETRY, batch_size=4, shuffle_views=1)
        return {image.tobytes() for batch in made for image in batch["image"].numpy()}

    assert crops(*load(tiny_data_dir)) == crops(*load(tiny_data_dir, decoders=ENCODED))


def test_evaluation_is_the_pipelines(tiny_data_dir):
    source, info = load(tiny_data_dir)
    made = data.batches(source, info, GEOMETRY, batch_size=4, training=False, sigma_px=2.0)
    split = pipeline.open_split(DottedNoise(data_dir=tiny_data_dir), "train")
    wanted = pipeline.evaluation_batches(split, geometry=GEOMETRY, sigma_px=2.0, batch_size=4)
    assert_equal(made, wanted)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"info": None}, "with_info=True"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": 2, "training": False}, "1 unless training"),
        ({"source": tf.data.Dataset.from_tensors((1, 2))}, "as_supervised"),
    ],
)
def test_mistakes_are_named(tiny_data_dir, change, match):
    source, info = load(tiny_data_dir)
    given = {"source": source, "info": info, "geometry": GEOMETRY} | change
    with pytest.raises(ValueError, match=match):
        data.batches(given.pop("source"), given.pop("info"), **given)


def test_batched_examples_are_named(tiny_data_dir):
    _, info = load(tiny_data_dir)
    several = tf.data.Dataset.from_tensors(
        {"image": tf.zeros([2, 9, 9, 3], tf.uint8), "image/id": tf.constant(["a", "b"])}
    )
    with pytest.raises(ValueError, match="batched already"):
        data.batches(several, info, GEOMETRY)
