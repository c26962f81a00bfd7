"""Pictures of several sizes with fixations, as a source of examples and as batches."""

import io

import numpy as np
import PIL.Image
import tensorflow as tf

from salclass_tf.data import pipeline
from salclass_tf.data.geometry import Geometry

GEOMETRY = Geometry(image_size=24, short_side=32)


def encode(image, form="PNG"):
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, form)
    return buffer.getvalue()


def source_of(examples):
    """A dataset of ragged examples, of known number like those of TFDS."""
    signature = {
        "image": tf.TensorSpec([], tf.string),
        "image/id": tf.TensorSpec([], tf.string),
        "fixations": {"x": tf.TensorSpec([None]), "y": tf.TensorSpec([None])},
    }
    if "label" in examples[0]:
        signature["label"] = tf.TensorSpec([], tf.int64)
    dataset = tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(examples)))


def example(number, image, xy):
    """A picture with a number, and fixations on it."""
    xy = np.asarray(xy, np.float32).reshape(-1, 2)
    return {
        "image": encode(image),
        "image/id": f"image_{number}",
        "label": number,
        "fixations": {"x": xy[:, 0], "y": xy[:, 1]},
    }


def random_examples(count, fixations=5, seed=0):
    """Noise images of several shapes, with fixations anywhere on them."""
    rng = np.random.default_rng(seed)
    shapes = [(40, 64), (70, 48), (33, 37)]
    examples = []
    for number in range(count):
        height, width = shapes[number % 3]
        xy = rng.random((fixations, 2)) * [width, height]
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        examples.append(example(number, image, xy))
    return examples


def training(examples, **changes):
    """Batches of training, with other arguments where some are given."""
    arguments = dict(geometry=GEOMETRY, sigma_px=3.0, batch_size=4, seed=7, epoch=0)
    return pipeline.training_batches(source_of(examples), **(arguments | changes))


def all_of(batches):
    """All batches behind one another."""
    batches = list(batches.as_numpy_iterator())
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def assert_same(first, second):
    """Checks that two sources give the same bytes."""
    first, second = (list(batches.as_numpy_iterator()) for batches in (first, second))
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)
