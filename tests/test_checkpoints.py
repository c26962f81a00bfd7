"""What a checkpoint brings back, and what it refuses."""

import keras
import numpy as np
import pytest

from salclass_tf import optimizers
from salclass_tf.model import ClassifierModel
from salclass_tf.training.checkpoints import Checkpoints


def model(classes, fill):
    image = keras.Input((4, 4, 3))
    logits = keras.layers.Dense(classes, kernel_initializer=keras.initializers.Constant(fill))(
        keras.layers.Flatten()(image)
    )
    made = ClassifierModel(keras.Model(image, logits))
    made.compile(optimizers.SGD(0.1, momentum=0.9))
    made.optimizer.build(made.trainable_variables)
    return made


def test_newest_checkpoint_brings_back_weights_and_position(tmp_path):
    for step, fill in enumerate((1.0, 2.0, 3.0), start=1):
        Checkpoints(tmp_path, model(3, fill), keep=2).save(step, {"step": step})
    fresh = model(3, 0.0)
    assert Checkpoints(tmp_path, fresh).restore() == {"step": 3}
    np.testing.assert_array_equal(fresh.trainable_variables[0].numpy(), 3.0)


def test_no_checkpoint_is_no_position(tmp_path):
    assert Checkpoints(tmp_path, model(3, 0.0)).restore() is None


def test_checkpoint_of_another_class_count_is_refused(tmp_path, caplog):
    Checkpoints(tmp_path, model(3, 1.0)).save(1, {"step": 1})
    with pytest.raises(ValueError, match="no checkpoint in .* reads; remove"):
        Checkpoints(tmp_path, model(4, 0.0)).restore()
    assert "ckpt-1" in caplog.text and "48" in caplog.text  # the shape that does not fit
