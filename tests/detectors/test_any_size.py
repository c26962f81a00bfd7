"""Detectors of square images, run at other sizes."""

import keras
import numpy as np
import pytest

from salclass_tf import detectors
from salclass_tf.detectors import any_size


def trained(name: str, size: int = 32) -> keras.Model:
    """A detector whose weights, priors among them, are no start values."""
    keras.utils.set_random_seed(1)
    found = detectors.build_detector(name, size, 1 / 32)
    rng = np.random.default_rng(2)
    for variable in found.variables:
        if "centre_bias" in variable.path or "prior" in variable.path:
            variable.assign(rng.normal(0, 0.5, variable.shape))
        elif "saliency_score" in variable.path and len(variable.shape) > 1:
            variable.assign(rng.uniform(0, 1, variable.shape))
    return found


# Together they have every layer that is tied to a size.
@pytest.mark.parametrize("name", ["deep_fix", "deep_gaze_2", "ml_net", "msi_net", "vgg16"])
def test_at_its_own_size_a_detector_gives_the_same_maps(name):
    detector = trained(name)
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    expected = detector(image).numpy()
    resizable = any_size.at_any_size(detector)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(resizable(image).numpy(), expected, atol=2e-4 * expected.max())
    wide = np.tile(image, (1, 1, 2, 1))[:, :, :45]
    assert resizable(wide).shape == (2, 32, 45, 1)


def test_a_detector_follows_the_aspect_of_its_image():
    """Rebuilt for a larger square it gives what it gives, without being built, for that image."""
    small, large = trained("vgg16", 32), trained("vgg16", 64)
    large.set_weights(small.get_weights())
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    expected = large(image).numpy()
    found = any_size.at_any_size(small)(image).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_a_network_with_dense_layers_is_refused():
    detector = detectors.build_detector("junting", 32, 1 / 32)
    assert not any_size.is_fully_convolutional(detector)
    with pytest.raises(ValueError, match="junting_detector is not fully conv.*resize them"):
        any_size.at_any_size(detector)
