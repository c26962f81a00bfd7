import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from salclass_tf.detectors import build_detector

TINY = {"width": 0.05}


def _shape(detector, name):
    return detector.get_layer(name).output.shape[1:]


def test_published_network_has_its_parameters():
    assert build_detector("salicon", image_size=64).count_params() == 29_430_401


@pytest.mark.parametrize(
    ("image_size", "fine_size", "fine", "coarse"),
    [(299, None, 10, 5), (64, None, 2, 1), (299, 600, 19, 10), (64, 1200, 38, 19)],
)
def test_trunks_see_two_scales(image_size, fine_size, fine, coarse):
    """1200 and 600 pixels give the 38 and 19 cells of OpenSALICON."""
    detector = build_detector("salicon", image_size=image_size, fine_size=fine_size, **TINY)
    assert _shape(detector, "block5_pool") == (fine, fine, 26)
    assert _shape(detector, "coarse_block5_pool") == (coarse, coarse, 26)
    assert _shape(detector, "both_scales") == (fine, fine, 52)
    assert detector.output_shape == (None, image_size, image_size, 1)


def test_map_is_what_two_vgg_trunks_and_scipy_make_of_it():
    keras.utils.set_random_seed(3)
    detector = build_detector("salicon", image_size=70, fine_size=140, **TINY)
    head = detector.get_layer("saliency_score")
    head.set_weights([np.random.default_rng(0).normal(0, 1, head.kernel.shape), np.full(1, 0.3)])
    images = np.random.default_rng(1).integers(0, 256, (2, 70, 70, 3)).astype(np.float32)
    features = {}
    for prefix, size in (("", 140), ("coarse_", 70)):
        trunk = build_detector("vgg16", image_size=size, **TINY)
        for layer in trunk.layers:
            if layer.weights and layer.name != "saliency_score":
                layer.set_weights(detector.get_layer(prefix + layer.name).get_weights())
        pool = keras.Model(trunk.input, trunk.get_layer("block5_pool").output)
        features[prefix] = pool(tf.image.resize(images, (size, size))).numpy()
    factors = np.array(features[""].shape) / features["coarse_"].shape
    enlarged = scipy.ndimage.zoom(features["coarse_"], factors, order=1)
    stack = np.concatenate([enlarged, features[""]], axis=-1)  # the coarse scale comes first
    kernel, bias = head.get_weights()
    scores = 1 / (1 + np.exp(-(stack @ kernel[0, 0] + bias)))
    expected = scipy.ndimage.zoom(scores, (1, 70 / 5, 70 / 5, 1), order=1)
    assert np.ptp(scores) > 0.01
    np.testing.assert_allclose(detector(images), expected, atol=1e-4)


def test_first_map_is_dark():
    detector = build_detector("salicon", image_size=64, **TINY)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    np.testing.assert_allclose(detector(images), 0.1, atol=0.02)


def test_one_vgg16_fills_both_trunks_and_own_files_each(tmp_path):
    donor = build_detector("vgg16", image_size=32, **TINY)
    donor.save_weights(tmp_path / "vgg.weights.h5")
    path = tmp_path / "vgg.weights.h5"
    detector = build_detector("salicon", image_size=64, weights=path, **TINY)
    head = detector.get_layer("saliency_score").get_weights()[0]
    assert 0 < np.abs(head).max() < 0.01  # the donor's has other features and is left alone
    for layer in donor.layers:
        if layer.weights and layer.name != "saliency_score":
            for prefix in ("", "coarse_"):
                twin = detector.get_layer(prefix + layer.name)
                np.testing.assert_array_equal(twin.get_weights()[0], layer.get_weights()[0])
    coarse = detector.get_layer("coarse_block1_conv1")
    coarse.set_weights([w + 1 for w in coarse.get_weights()])
    detector.save(tmp_path / "own.keras")
    copy = build_detector("salicon", image_size=64, weights=tmp_path / "own.keras", **TINY)
    for one, other in zip(detector.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.real_data
def test_trained_vgg16_fills_both_trunks(shared_weights):
    path = shared_weights / "vgg16_imagenet_features_f16.weights.h5"
    detector = build_detector("salicon", image_size=64, weights=path)
    vgg = build_detector("vgg16", image_size=32, weights=path)
    for name in ("block1_conv1", "block5_conv3"):
        kernel = vgg.get_layer(name).get_weights()[0]
        for prefix in ("", "coarse_"):
            got = detector.get_layer(prefix + name).get_weights()[0]
            np.testing.assert_array_equal(got, kernel)


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 64 pixels for detector salicon; got 63"):
        build_detector("salicon", image_size=63)
    with pytest.raises(ValueError, match="at least 64 pixels for the fine trunk.*got 0"):
        build_detector("salicon", image_size=64, fine_size=0)
    path = tmp_path / "deep.weights.h5"
    build_detector("vgg19", image_size=32, **TINY).save_weights(path)
    with pytest.raises(ValueError, match="deeper network than salicon_detector"):
        build_detector("salicon", image_size=64, weights=path, **TINY)
