"""Every detector learns by every saliency loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import losses
from salclass_tf.detectors import build_detector, list_detectors, output_of
from salclass_tf.model import DetectorModel

SIZE = 65

# What is added to every pixel does not matter to a z-score.
CONSTANTS = ("saliency_score/bias", "conv9/bias")
# What is added to every pixel goes when the network brings its map to the range from 0 to 1, or in
# a softmax; a readout whose units are all active adds the same everywhere.
CANCELLED = {
    "msi_net": ("saliency_score/bias",),
    "deep_gaze_2": ("readout1/bias", "readout2/bias", "readout3/bias"),
}


def _batch():
    rng = np.random.default_rng(0)
    return {
        "image": tf.constant(rng.integers(0, 256, (2, SIZE, SIZE, 3)), tf.uint8),
        "saliency": tf.constant(rng.random((2, SIZE, SIZE, 1)) ** 4, tf.float32),
        "fixation_counts": tf.constant(rng.poisson(0.01, (2, SIZE, SIZE, 1)), tf.float32),
    }


@pytest.mark.parametrize("name", list_detectors())
def test_every_loss_reaches_every_variable(name):
    batch = _batch()
    keras.utils.set_random_seed(1)
    detector = build_detector(name, image_size=SIZE, width=0.05)
    variables, found = detector.trainable_variables, {}
    with tf.GradientTape(persistent=True) as tape:
        out = {"saliency": detector(batch["image"], training=True)}
        for loss in losses.list_saliency_losses():
            found[loss] = DetectorModel(detector, loss, output_of(name)).track(batch, out)
    for loss, value in found.items():
        assert np.isfinite(float(value)), loss
        without = CANCELLED.get(name, ()) + (CONSTANTS if loss in ("cc", "nss") else ())
        for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
            assert np.isfinite(gradient).all(), (loss, variable.path)
            if variable.path not in without:
                assert np.any(gradient != 0), (loss, variable.path)


@pytest.mark.parametrize("name", CANCELLED)
def test_what_the_networks_own_rescaling_cancels_changes_no_map(name):
    """Their gradient is 0 but for rounding, which moves them on some CPUs and not on others."""
    keras.utils.set_random_seed(1)
    detector = build_detector(name, image_size=SIZE, width=0.05)
    image = _batch()["image"]
    before = detector(image).numpy()
    for variable in detector.trainable_variables:
        if variable.path in CANCELLED[name]:
            variable.assign_add(0.05 * tf.ones_like(variable))
    np.testing.assert_allclose(detector(image), before, atol=1e-5)
    assert np.ptp(before) > 0.5
