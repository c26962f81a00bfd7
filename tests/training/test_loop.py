"""The loop alone, without a run around it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.config import Stage
from salclass_tf.model import ClassifierModel
from salclass_tf.optimization import optimizers
from salclass_tf.training import loop


def test_validation_by_the_shared_answers_scores_as_the_models_own_step(tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 3), name="image")
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    model = ClassifierModel(keras.Model(image, keras.layers.Dense(3)(x)))
    model.compile(optimizers.SGD(0.1))
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.uniform(0, 2, (4, 6, 6, 3)).astype(np.float32),
        "label": rng.integers(0, 3, 4, np.int32),
    }
    data = tf.data.Dataset.from_tensors(batch).repeat(3)
    weighted = batch | {"weight": np.array([1, 1, 1, 0], np.float32)}  # the last one fills up
    validation = tf.data.Dataset.from_tensors(weighted)
    feed = loop.Feed(lambda epoch, skip: data, 3, validation)
    rows = loop.Loop(
        "classifier", Stage("none", batch_size=4, epochs=2), model, feed, tmp_path
    ).run()
    model.reset_metrics()
    expected = {name: float(value) for name, value in model.test_step(weighted).items()}
    for name, value in expected.items():
        assert rows[-1][f"val_{name}"] == pytest.approx(value, rel=1e-5)
    assert rows[0]["val_loss"] != rows[1]["val_loss"]
