"""The paper's other detectors: their published sizes, and what is special in each."""

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from salclass_tf import layers
from salclass_tf.detectors import (
    build_detector,
    deep_gaze,
    edn,
    junting,
    ml_net,
    msi_net,
    output_of,
    salnet,
)
from salclass_tf.layers import vgg_trunk
from salclass_tf.model import DetectorModel

# At width 1. The first three are the published ones; of the others the papers leave parts open.
PARAMETERS = {
    "junting": 34_864_384,
    "ml_net": 15_452_145,
    "msi_net": 24_934_209,
    "deep_fix": 29_221_505,
    "deep_gaze": 2_334_080 + 256 + 2 + 32 * 32,
    "deep_gaze_2": 20_024_384 + (2560 * 16 + 16) + (16 * 32 + 32) + (32 * 2 + 2) + 2 + 2 + 32 * 32,
    "edn": 621_075,
    "pdp": 14_714_688 + (9 * 512 * 512 + 512) + (9 * 512 * 256 + 256) + 9 * 256,
}
TINY = {"width": 1 / 32}


def _images(size, batch=2):
    return np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)


@pytest.fixture
def without_arrays():
    """Networks built here have shapes and no values, and cost neither time nor memory."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.backend.clear_session()  # it would initialize them later


@pytest.mark.parametrize("name", PARAMETERS)
def test_published_network_has_its_parameters(without_arrays, name):
    assert build_detector(name).count_params() == PARAMETERS[name]


def test_released_networks_have_their_shapes_at_the_published_input(without_arrays):
    image = keras.Input((480, 640, 3))
    network = keras.Model(image, ml_net.build_network(image))
    assert network.get_layer("levels").output.shape == (None, 60, 80, 1280)
    assert network.output.shape == (None, 60, 80, 1) and network.count_params() == 15_452_145
    image = keras.Input((240, 320, 3))
    network = keras.Model(image, msi_net.build_network(image))
    assert network.get_layer("levels").output.shape == (None, 30, 40, 1280)
    assert network.output.shape == (None, 240, 320, 1)
    image = keras.Input((96, 96, 3))
    network = keras.Model(image, junting.build_network(image))
    assert network.get_layer("pool3").output.shape == (None, 10, 10, 64)
    assert network.output.shape == (None, 48, 48, 1)
    image = keras.Input((227, 227, 3))  # AlexNet's own
    assert deep_gaze.build_features(image).shape == (None, 13, 13, 256)


@pytest.mark.parametrize(
    ("name", "layer", "side"),
    [
        ("deep_fix", "block5_pool", 38),
        ("deep_gaze", "map", 75),
        ("deep_gaze_2", "map", 150),
        ("edn", "features", 64),
        ("junting", "map", 48),
        ("ml_net", "prior", 38),
        ("msi_net", "saliency_score", 304),
        ("pdp", "saliency_score", 19),
    ],
)
def test_299_pixels_give_a_map_of_299_in_the_range_that_is_said(name, layer, side):
    keras.utils.set_random_seed(0)
    detector = build_detector(name, width=1 / 64)
    assert detector.get_layer(layer).output.shape[1:3] == (side, side)
    saliency = detector(_images(299, batch=1)).numpy()
    assert saliency.shape == (1, 299, 299, 1) and np.isfinite(saliency).all()
    if output_of(name) == "density":
        assert saliency.min() > 0 and saliency.max() == 1
    if name in ("ml_net", "msi_net"):
        assert saliency.min() >= 0


def vgg16_trunk(image, width):
    """What VGG's detectors, SALICON, PDP and, changed, DeepFix and DeepGaze II start with."""
    return vgg_trunk.build_trunk("vgg16", image, width, pool_padding="same")


def edn_hierarchy(image, width):
    seed = next(n for n in range(99) if len(edn.draw_hierarchy(n)) == 1)
    return edn._build_hierarchy(image, seed, width, "h")


@pytest.mark.parametrize(
    ("network", "sides"),
    [
        (ml_net.build_network, (4, 6, 1)),
        (msi_net.build_network, (32, 48, 1)),
        (salnet.build_network, (32, 48, 1)),
        (deep_gaze.build_features, (1, 2, 8)),
        (vgg16_trunk, (1, 2, 16)),
        (edn_hierarchy, (16, 24, 1)),
    ],
    ids=lambda x: getattr(x, "__module__", "").rpartition(".")[2],
)
def test_networks_take_images_that_are_not_square(network, sides):
    image = keras.Input((32, 48, 3))
    model = keras.Model(image, network(image, 1 / 32))
    wide = np.random.default_rng(1).normal(0, 50, (1, 32, 48, 3)).astype(np.float32)
    scores = model(wide)
    assert scores.shape == (1, *sides) and np.ptp(scores) > 0


def test_junting_stretches_and_maps_its_gray_values():
    detector = build_detector("junting", image_size=20, **TINY)
    images = _images(20)
    inner = keras.Model(detector.input, [detector.get_layer("preprocessing").output,
                                         detector.get_layer("map").output])  # fmt: skip
    pixels, cells = inner(images)
    expected = tf.image.resize(images.astype(np.float32), (96, 96)) / 255
    np.testing.assert_allclose(pixels, expected, atol=1e-5)
    expected = tf.image.resize((cells + 1) / 2, (20, 20))
    np.testing.assert_allclose(detector(images), expected, atol=1e-5)


def test_ml_net_lies_in_its_frame_and_is_cut_out_of_it():
    keras.utils.set_random_seed(0)
    framed = build_detector("ml_net", image_size=32, letterbox=(48, 64), **TINY)
    images = _images(32)
    parts = [framed.get_layer(name).output for name in ("letterbox", "positive")]
    seen, scores = keras.Model(framed.input, parts)(images)
    fitted = tf.image.resize(images.astype(np.float32), (48, 48))
    expected = np.pad(fitted, [(0, 0), (0, 0), (8, 8), (0, 0)])
    np.testing.assert_allclose(seen, expected, atol=1e-3)
    assert scores.shape == (2, 6, 8, 1)
    cut = tf.image.resize(scores, (48, 64))[:, :, 8:-8]
    np.testing.assert_allclose(framed(images), tf.image.resize(cut, (32, 32)), atol=1e-5)


def test_ml_net_weighs_its_prior_in_the_loss_where_that_is_asked_for():
    detector = build_detector("ml_net", image_size=16, prior_decay=1 / 48, **TINY)
    detector.get_layer("prior").set_weights([np.full((6, 8), 2.0)])
    detector(_images(16))
    np.testing.assert_allclose(detector.losses, [4.0], rtol=1e-6)


def test_msi_net_ends_with_a_stretch_of_each_map():
    detector = build_detector("msi_net", image_size=32, **TINY)
    saliency = detector(_images(32)).numpy()
    np.testing.assert_array_equal(saliency.min((1, 2, 3)), 0)
    np.testing.assert_allclose(saliency.max((1, 2, 3)), 1, atol=1e-3)


@pytest.mark.parametrize("name", ["deep_gaze", "deep_gaze_2"])
def test_frozen_features_stay_and_can_be_let_learn(name):
    keras.utils.set_random_seed(0)
    batch = {
        "image": tf.constant(_images(32), tf.float32),
        "saliency": tf.random.uniform((2, 32, 32, 1)),
    }
    conv = {"deep_gaze": "conv3", "deep_gaze_2": "block4_conv2"}[name]
    for frozen in (True, False):
        detector = build_detector(name, image_size=32, width=0.1, frozen=frozen)
        for layer in detector.layers:
            layer.trainable = True  # what a stage of training does that freezes nothing
        model = DetectorModel(detector)
        model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-30))
        before = detector.get_layer(conv).get_weights()[0]
        model.train_step(batch)
        after = detector.get_layer(conv).get_weights()[0]
        assert np.array_equal(before, after) == frozen


def test_deep_gaze_takes_a_centre_bias_and_a_sparsity(tmp_path):
    log_density = np.full((40, 50), -9.0)
    log_density[:20, :25] = 0
    np.save(tmp_path / "bias.npy", log_density)
    path = str(tmp_path / "bias.npy")
    detector = build_detector("deep_gaze", 32, 1 / 16, centre_bias=path, sparsity=0.5)
    kernel = detector.get_layer("saliency_score").get_weights()[0]
    saliency = detector(np.zeros((1, 32, 32, 3))).numpy()[0, ..., 0]
    assert saliency[:12, :12].min() > 100 * saliency[20:, 20:].max()
    np.testing.assert_allclose(detector.losses, [0.5 * np.abs(kernel).sum()], rtol=1e-5)
    with pytest.raises(FileNotFoundError, match='None, "learned" or a file; no file at absent'):
        build_detector("deep_gaze_2", 32, 1 / 16, centre_bias="absent.npy")


def test_features_of_alexnet_are_two_groups():
    """The second convolution again, in float64: each half of it reads half of the channels."""
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, deep_gaze.build_features(image, 1 / 24))
    parts = [model.get_layer(name).output for name in ("pool1", "conv2")]
    before, got = keras.Model(image, parts)(_images(32, 1).astype(np.float32))
    kernel, bias = (np.float64(w) for w in model.get_layer("conv2").get_weights())
    half = kernel.shape[-1] // 2
    for out in range(2 * half):
        group = before[0, ..., 2 * (out // half) : 2 * (out // half) + 2].numpy().astype(np.float64)
        planes = [
            scipy.signal.correlate(group[..., i], kernel[:, :, i, out], "same", "direct")
            for i in range(2)
        ]
        expected = np.maximum(sum(planes) + bias[out], 0)
        np.testing.assert_allclose(got[0, ..., out], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "smallest"),
    [("deep_fix", 8), ("deep_gaze", 23), ("deep_gaze_2", 16), ("edn", 8), ("junting", 1),
     ("ml_net", 8), ("msi_net", 8), ("pdp", 16)],
)  # fmt: skip
def test_smallest_image_works_and_a_smaller_one_is_refused(name, smallest):
    detector = build_detector(name, image_size=smallest, width=0.01)
    assert detector(_images(smallest, 1)).shape == (1, smallest, smallest, 1)
    with pytest.raises(ValueError, match=f"at least {smallest} pixels for detector {name}"):
        build_detector(name, image_size=smallest - 1)


def test_what_does_not_fit_is_refused(tmp_path):
    for name in ("deep_gaze", "edn", "junting"):
        with pytest.raises(FileNotFoundError, match="weights must be None.* or a file"):
            build_detector(name, 32, weights="imagenet")
    path = tmp_path / "deep.weights.h5"
    build_detector("vgg19", 32, **TINY).save_weights(path)
    for name in ("deep_fix", "ml_net", "msi_net", "pdp"):
        with pytest.raises(
            ValueError, match=f"deeper network than {name}_detector|another architecture"
        ):
            build_detector(name, 32, weights=path, **TINY)
    with pytest.raises(ValueError, match='weights="released" exist for width 1.0 only'):
        build_detector("ml_net", 32, weights="released", **TINY)
    with pytest.raises(ValueError, match="at least one hierarchy"):
        build_detector("edn", 32, seeds=())


def test_trunks_start_from_files_of_their_vgg(tmp_path):
    for donor, names in (
        ("vgg16", ("deep_fix", "ml_net", "msi_net", "pdp")),
        ("vgg19", ("deep_gaze_2",)),
    ):
        source = build_detector(donor, 32, **TINY)
        trunk = keras.Model(source.input, source.get_layer("block5_pool").output)
        trunk.save(tmp_path / f"{donor}.keras")
        for name in names:
            detector = build_detector(name, 32, weights=tmp_path / f"{donor}.keras", **TINY)
            for layer in ("block1_conv1", "block5_conv3"):
                kernels = [m.get_layer(layer).get_weights()[0] for m in (source, detector)]
                np.testing.assert_array_equal(*kernels)


def test_density_and_map_are_told_apart():
    assert {name: output_of(name) for name in ("pdp", "deep_gaze", "ml_net")} == {
        "pdp": "density", "deep_gaze": "density", "ml_net": "map",
    }  # fmt: skip
    for name in PARAMETERS:
        last = build_detector(name, 32, **TINY).get_layer("saliency")
        assert isinstance(last, layers.Density) == (output_of(name) == "density")


@pytest.mark.parametrize("name", ["deep_gaze", "deep_gaze_2"])
def test_features_stay_frozen_only_where_they_have_been_trained(name, tmp_path):
    path = tmp_path / "net.keras"
    learning = build_detector(name, 64, width=0.05)
    learning.save(path)
    frozen = build_detector(name, 64, width=0.05, weights=path)
    first = "conv1" if name == "deep_gaze" else "block1_conv1"
    variables = [
        {v.path.split("/")[0] for v in model.trainable_variables} for model in (learning, frozen)
    ]
    assert first in variables[0] and first not in variables[1]
    assert "saliency_score" in variables[1]


def test_frozen_features_that_a_file_lacks_are_refused(tmp_path):
    """VGG-16 has all of VGG-19's layers but three, which could never learn."""
    path, shallow = tmp_path / "vgg16.keras", build_detector("vgg16", 32, width=0.05)
    keras.Model(shallow.input, shallow.get_layer("block5_conv3").output).save(path)
    with pytest.raises(ValueError, match="lacks block3_conv4, .*file of VGG-19"):
        build_detector("deep_gaze_2", 64, width=0.05, weights=path)
    build_detector("deep_gaze_2", 64, width=0.05, weights=path, frozen=False)
