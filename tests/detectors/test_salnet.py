import keras
import numpy as np
import pytest
import scipy.signal

from salclass_tf import layers
from salclass_tf.detectors import build_detector, salnet

PARAMETERS = {
    "conv1": 14_208,
    "conv2": 614_656,
    "conv3": 1_180_160,
    "conv4": 6_554_112,
    "conv5": 6_554_112,
    "conv6": 6_422_784,
    "conv7": 3_965_056,
    "conv8": 495_648,
    "conv9": 5_409,
    "deconv1": 64,
}


def test_published_network_has_its_parameters_and_shapes():
    image = keras.Input((240, 320, 3))
    network = keras.Model(image, salnet.build_network(image))
    assert network.count_params() == 25_806_209
    assert {x.name: x.count_params() for x in network.layers if x.weights} == PARAMETERS
    for name, height in {"conv1": 240, "pool1": 120, "pool2": 60, "conv9": 60}.items():
        assert network.get_layer(name).output.shape[1:3] == (height, height * 4 // 3)
    assert network.output_shape == (None, 240, 320, 1)


def test_detector_has_the_published_parameters():
    detector = build_detector("salnet", image_size=32)
    assert detector.count_params() == 25_806_209
    assert detector.output_shape == (None, 32, 32, 1)


@pytest.mark.parametrize("sides", [(4, 5), (6, 7), (8, 9), (10, 11), (21, 22), (299, 300)])
def test_pools_round_as_caffe_does(sides):
    """Caffe's size is ceil((n - 3) / 2) + 1."""
    image = keras.Input((*sides, 3))
    network = keras.Model(image, salnet.build_network(image, width=0.02))
    once = [int(np.ceil((side - 3) / 2)) + 1 for side in sides]
    twice = [int(np.ceil((side - 3) / 2)) + 1 for side in once]
    assert list(network.get_layer("pool1").output.shape[1:3]) == once
    assert list(network.get_layer("pool2").output.shape[1:3]) == twice
    assert list(network.output_shape[1:3]) == [4 * side for side in twice]


def _convolve(x, kernel, bias):
    """Correlation with zeros around, [h, w, c], float64."""
    planes = [
        sum(
            scipy.signal.correlate(x[..., i], kernel[:, :, i, o], "same", "direct")
            for i in range(kernel.shape[2])
        )
        for o in range(kernel.shape[3])
    ]
    return np.stack(planes, axis=-1) + bias


def _normalise(x):
    """Caffe's LRN: n 5, alpha 1e-4, beta 0.75, k 1."""
    out = np.empty_like(x)
    for c in range(x.shape[-1]):
        energy = np.square(x[..., max(c - 2, 0) : c + 3]).sum(-1)
        out[..., c] = x[..., c] / (1 + 1e-4 / 5 * energy) ** 0.75
    return out


def _pool(x):
    """3x3 maximum at stride 2, windows that begin inside the image."""
    rows, columns = (int(np.ceil((n - 3) / 2)) + 1 for n in x.shape[:2])
    return np.array(
        [[x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((0, 1)) for j in range(columns)]
         for i in range(rows)]
    )  # fmt: skip


def _deconvolve(x, kernel, stride=4, pad=2):
    """Every cell adds the kernel times itself; then `pad` cells are cut off on each side."""
    side = kernel.shape[0]
    out = np.zeros([stride * (n - 1) + side for n in x.shape])
    for i, j in np.ndindex(*x.shape):
        out[stride * i : stride * i + side, stride * j : stride * j + side] += x[i, j] * kernel
    return out[pad:-pad, pad:-pad]


@pytest.mark.parametrize("size", [16, 22])
def test_network_computes_what_caffe_would(size):
    """The whole forward pass again, in float64 NumPy; large activations make the LRN matter."""
    keras.utils.set_random_seed(size)
    rng = np.random.default_rng(size)
    detector = build_detector("salnet", image_size=size, width=0.03)
    for layer in detector.layers:
        if layer.weights:
            noise = [rng.normal(0, 0.1, w.shape) for w in layer.get_weights()[1:]]
            kernel = layer.get_weights()[0] + rng.normal(0, 0.01, layer.kernel.shape)
            layer.set_weights([kernel * (200 if layer.name == "conv1" else 1), *noise])
    image = rng.integers(0, 256, (size, size, 3), np.uint8)
    x = (image[..., ::-1] - np.array([100.0, 110.0, 118.0])) / 127.5
    for index in range(1, 9):
        arrays = [np.float64(w) for w in detector.get_layer(f"conv{index}").get_weights()]
        x = np.maximum(_convolve(x, *arrays), 0)
        if index == 1:
            assert x.max() > 100
            x = _normalise(x)
        x = _pool(x) if index <= 2 else x
    x = _convolve(x, *(np.float64(w) for w in detector.get_layer("conv9").get_weights()))
    x = _deconvolve(
        x[..., 0], np.float64(detector.get_layer("deconv1").get_weights()[0][..., 0, 0])
    )
    x = (x * 128 + 127) / 255
    assert x.std() > 0.01 and len(x) == size // 4 * 4
    resize = np.float64(layers.interpolation_matrix(len(x), size, align_corners=False))
    expected = resize @ x @ resize.T
    np.testing.assert_allclose(detector(image[None])[0, ..., 0], expected, atol=1e-3 * x.std())


def test_first_map_is_smooth_and_dark():
    """The deconvolution starts as interpolation, the scores around a map of zeros."""
    keras.utils.set_random_seed(0)
    detector = build_detector("salnet", image_size=64, width=0.25)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    inner = detector(images).numpy()[:, 8:-8, 8:-8]
    assert abs(inner.mean()) < 0.2 and 0.001 < inner.std() < 1
    assert np.abs(np.diff(inner, axis=1)).max() < 0.3 * np.ptp(inner)


def test_images_beyond_320_pixels_are_reduced():
    detector = build_detector("salnet", image_size=400, width=0.02)
    assert detector.get_layer("conv1").output.shape[1:3] == (320, 320)
    assert detector.output_shape == (None, 400, 400, 1)
    unchanged = build_detector("salnet", image_size=320, width=0.02)
    assert "reduced" not in [layer.name for layer in unchanged.layers]


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 4 pixels for detector salnet; got 3"):
        build_detector("salnet", image_size=3)
    with pytest.raises(FileNotFoundError, match='None, "released" or a file; no file at imagenet'):
        build_detector("salnet", weights="imagenet")
    with pytest.raises(ValueError, match='weights="released" exist for width 1.0 only'):
        build_detector("salnet", width=0.5, weights="released")
    path = tmp_path / "vgg.weights.h5"
    build_detector("vgg16", image_size=32, width=0.05).save_weights(path)
    with pytest.raises(ValueError, match="has no layer of salnet_detector"):
        build_detector("salnet", width=0.05, weights=path)
