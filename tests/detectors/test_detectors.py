import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector, list_detectors, output_of
from salclass_tf.model import DetectorModel, SalClassNet


def _images(size, batch=2):
    return np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "convolutions", "parameters"),
    [("vgg19", None, 20_024_897), ("vgg16", None, 14_715_201), ("vgg19", 13, 12_945_473)],
)
def test_published_networks_have_their_parameter_counts(name, convolutions, parameters):
    detector = build_detector(name, image_size=32, convolutions=convolutions)
    assert detector.count_params() == parameters
    kept = [layer for layer in detector.layers if "_conv" in layer.name]
    assert len(kept) == (convolutions or {"vgg19": 16, "vgg16": 13}[name])


def test_299_pixels_give_ten_by_ten_cells_and_a_map_of_the_images_size():
    detector = build_detector()
    assert detector.get_layer("block5_pool").output.shape == (None, 10, 10, 512)
    assert detector.get_layer("saliency_score").output.shape == (None, 10, 10, 1)
    assert detector.output_shape == (None, 299, 299, 1)


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_features_equal_stock_keras_where_both_pool_alike(name):
    stock = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name](
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    detector = build_detector(name, image_size=64)
    for layer in stock.layers:
        detector.get_layer(layer.name if layer.weights else "block1_pool")
        if layer.weights:
            detector.get_layer(layer.name).set_weights(layer.get_weights())
    images = _images(64)
    features = keras.Model(detector.input, detector.get_layer("block5_pool").output)
    expected = stock(keras.applications.vgg19.preprocess_input(images.astype(np.float32)))
    assert float(tf.reduce_max(expected)) > 1e-3
    np.testing.assert_allclose(features(images), expected, rtol=1e-3, atol=1e-5)


def test_map_is_the_scores_resized_with_aligned_corners_or_half_pixels():
    images = _images(70)
    for half_pixel in (False, True):
        detector = build_detector("vgg16", image_size=70, width=0.05, half_pixel=half_pixel)
        scores = keras.Model(detector.input, detector.get_layer("saliency_score").output)(images)
        assert scores.shape == (2, 3, 3, 1)  # 70, 35, 18, 9, 5, 3: rounded up
        saliency = detector(images)
        if half_pixel:
            expected = tf.image.resize(scores, (70, 70))
            np.testing.assert_allclose(saliency, expected, rtol=1e-4, atol=1e-4)
        else:
            corners = tf.gather(tf.gather(saliency, [0, 69], axis=1), [0, 69], axis=2)
            np.testing.assert_allclose(corners, scores[:, ::2, ::2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", list_detectors())
def test_bytes_and_floats_give_one_map_that_survives_saving(tmp_path, name):
    detector = build_detector(name, image_size=65, width=0.1)
    images = _images(65)
    saliency = detector(images)
    assert saliency.dtype == tf.float32 and saliency.shape == (2, 65, 65, 1)
    assert np.ptp(saliency) > 0
    np.testing.assert_array_equal(detector(images.astype(np.float32)), saliency)
    detector.save(tmp_path / "detector.keras")
    loaded = keras.models.load_model(tmp_path / "detector.keras")
    np.testing.assert_array_equal(loaded(images), saliency)
    rebuilt = detector.from_config(detector.get_config())
    rebuilt.set_weights(detector.get_weights())
    np.testing.assert_array_equal(rebuilt(images), saliency)


def test_sigmoid_head_is_the_sigmoid_of_the_linear_one():
    keras.utils.set_random_seed(0)
    images = _images(33)
    linear = build_detector("vgg16", image_size=33, width=0.1)
    squashed = build_detector("vgg16", image_size=33, width=0.1, head_activation="sigmoid")
    squashed.set_weights(linear.get_weights())
    scores = keras.Model(linear.input, linear.get_layer("saliency_score").output)(images)
    resized = linear.get_layer("saliency")(tf.sigmoid(scores))
    assert float(tf.reduce_min(scores)) < 0
    np.testing.assert_allclose(squashed(images), resized, atol=1e-6)


def test_width_scales_every_channel_count():
    detector = build_detector(image_size=32, width=0.125)
    channels = [layer.filters for layer in detector.layers if "_conv" in layer.name]
    assert channels == [8] * 2 + [16] * 2 + [32] * 4 + [64] * 8
    thinnest = build_detector(image_size=32, width=0.001)
    assert {layer.filters for layer in thinnest.layers if "_conv" in layer.name} == {1}


@pytest.mark.parametrize("name", list_detectors())
def test_mixed_precision_gives_a_float32_map_close_to_the_exact_one(name, bfloat16):
    exact = build_detector(name, image_size=65, width=0.1)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build_detector(name, image_size=65, width=0.1)
    finally:
        keras.config.set_dtype_policy(policy)
    mixed.set_weights(exact.get_weights())
    images = _images(65)
    second = [x for x in mixed.layers if isinstance(x, keras.layers.Conv2D)][1]
    assert second.compute_dtype == "bfloat16"
    assert mixed(images).dtype == tf.float32
    scale = float(tf.reduce_max(tf.abs(exact(images))))
    np.testing.assert_allclose(mixed(images), exact(images), atol=0.1 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("name", list_detectors())
def test_gradients_compiled_by_xla_equal_plain_ones(name):
    keras.utils.set_random_seed(1)
    detector = build_detector(name, image_size=65, width=0.1)
    images = tf.constant(_images(65), tf.float32)

    def gradients(images):
        with tf.GradientTape() as tape:
            error = tf.reduce_mean(tf.square(detector(images, training=False) - 0.1))
        return tape.gradient(error, detector.trainable_variables)

    shape = tf.TensorSpec([None, 65, 65, 3])
    plain = gradients(images)
    compiled = tf.function(gradients, input_signature=[shape], jit_compile=True)(images)
    largest = max(float(tf.reduce_max(tf.abs(one))) for one in plain)
    for variable, one, other in zip(detector.trainable_variables, plain, compiled, strict=True):
        # A softmax takes the biases before it out again: of them there are rounding errors alone.
        scale = max(float(tf.reduce_max(tf.abs(one))), 1e-3 * largest)
        if (name, variable.path) == ("msi_net", "saliency_score/bias"):
            scale = 0.1 * largest  # the stretch takes it out again: there are rounding errors alone
        np.testing.assert_allclose(other, one, atol=1e-3 * scale, err_msg=variable.path)


@pytest.mark.parametrize("name", list_detectors())
def test_every_variable_learns_alone_and_within_salclassnet(name, bfloat16):
    """In bfloat16; in float32 every loss does so, see test_detector_losses.py."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        detector = build_detector(name, image_size=65, width=0.05)
        for part in ("alone", "joint"):
            _assert_every_variable_learns(detector, part)
    finally:
        keras.config.set_dtype_policy("float32")


def _assert_every_variable_learns(detector, part):
    batch = {
        "image": tf.constant(_images(65), tf.float32),
        "saliency": tf.random.stateless_uniform((2, 65, 65, 1), (0, 0)),
        "label": tf.constant([0, 2]),
    }
    if part == "joint":
        classifier = build_classifier("vgg16", 3, image_size=65, width=0.05, top="pool")
        model = SalClassNet(detector, classifier)
    else:
        model = DetectorModel(detector)
    # Adam's first step moves whatever has a gradient, however small, by the rate.
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-30))
    before = [variable.numpy() for variable in detector.trainable_variables]
    assert np.isfinite(float(model.train_step(batch)["step_loss"]))
    for variable, old in zip(detector.trainable_variables, before, strict=True):
        new = variable.numpy()
        assert np.isfinite(new).all() and np.any(new != old), variable.path


def test_the_same_seed_gives_the_same_network():
    first, second = [], []
    for kernels in (first, second):
        keras.utils.set_random_seed(7)
        kernels += build_detector(image_size=32, width=0.05).get_weights()
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_names_are_listed_and_unknown_ones_refused():
    of_table_1 = ["deep_fix", "deep_gaze", "deep_gaze_2", "edn", "junting", "ml_net", "pdp"]
    own_and_baselines = ["msi_net", "salicon", "salnet", "vgg16", "vgg19"]
    assert list_detectors() == sorted(of_table_1 + own_and_baselines)
    for ask in (build_detector, output_of):
        with pytest.raises(ValueError, match="salicon, salnet, vgg16, vgg19; got 'vgg11'"):
            ask("vgg11")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 31}, "at least 32 pixels for detector vgg19; got 31"),
        ({"image_size": 64.5}, "integer of at least 32"),
        ({"width": 0}, "width must be above 0"),
        ({"width": -1.0}, "width must be above 0"),
        ({"convolutions": 12}, "convolutions must be 13 to 16 for vgg19; got 12"),
        ({"convolutions": 17}, "convolutions must be 13 to 16"),
        ({"head_activation": "relu"}, "head_activation must be"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_detector("vgg19", **arguments)
