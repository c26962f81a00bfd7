import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.classifiers import build_classifier, list_classifiers

CLASSES = 5


def _inputs(size, batch=2):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (batch, size, size, 3), np.uint8)
    return {"image": image, "saliency": rng.random((batch, size, size, 1), dtype=np.float32)}


def _settle_statistics(model, image):
    """Lets every batch normalisation fit these images, so that logits depend on the image."""
    norms = [la for la in model.layers if isinstance(la, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
        layer.beta.assign(np.random.default_rng(1).normal(0.2, 0.2, layer.beta.shape))
    model(image, training=True)
    for layer in norms:  # the last blocks have one cell, whose variance may be next to nothing
        layer.moving_variance.assign_add(tf.fill(layer.moving_variance.shape, 0.1))


@pytest.fixture(scope="module")
def stock_inception(tmp_path_factory):
    """Keras' Inception-v3 with logits, its logits, and its weights as a file of each layout."""
    folder = tmp_path_factory.mktemp("stock")
    stock = keras.applications.InceptionV3(
        weights=None, input_shape=(75, 75, 3), classes=CLASSES, classifier_activation=None
    )
    image = _inputs(75)["image"].astype(np.float32)
    image = keras.applications.inception_v3.preprocess_input(image)
    _settle_statistics(stock, image)
    stock.save_weights(folder / "new.weights.h5")
    stock.save(folder / "old.h5")
    return stock, stock(image).numpy(), folder


@pytest.fixture(scope="module")
def narrow_inception():
    return build_classifier("inception_v3", CLASSES, image_size=75, width=0.05, bn_momentum=0.9)


def test_inception_has_the_published_parameter_count():
    classifier = build_classifier("inception_v3", 120)
    normalization = 4  # scale, offset, mean and variance of the saliency channel
    assert classifier.count_params() == 22_048_952 + normalization
    assert classifier.get_layer("batch_normalization_93").momentum == 0.99
    assert classifier.get_layer("mixed2").output.shape == (None, 35, 35, 288)
    assert classifier.get_layer("mixed10").output.shape == (None, 8, 8, 2048)


@pytest.mark.parametrize("file", ["new.weights.h5", "old.h5"])
def test_inception_with_stock_weights_gives_stock_logits(stock_inception, file):
    stock, expected, folder = stock_inception
    image = _inputs(75)["image"]
    classifier = build_classifier(
        "inception_v3", CLASSES, False, image_size=75, weights=str(folder / file)
    )
    assert classifier.count_params() == stock.count_params()
    np.testing.assert_allclose(classifier(image), expected, rtol=1e-3, atol=1e-3)
    assert np.abs(expected[0] - expected[1]).max() > 0.1  # logits tell images apart


def test_rgbs_inception_without_its_saliency_slice_is_the_stock_network(stock_inception):
    _, expected, folder = stock_inception
    classifier = build_classifier(
        "inception_v3", CLASSES, image_size=75, weights=folder / "new.weights.h5"
    )
    inputs = _inputs(75)
    assert np.abs(classifier(inputs) - expected).max() > 0.03  # the random slice counts
    stem = classifier.get_layer("conv2d")
    kernel = stem.get_weights()[0]
    assert np.abs(kernel[:, :, 3]).max() > 0.01
    kernel[:, :, 3] = 0
    stem.set_weights([kernel])
    np.testing.assert_allclose(classifier(inputs), expected, rtol=1e-3, atol=1e-3)


def test_inception_names_its_convolutions_from_zero_in_every_build(narrow_inception):
    layers = narrow_inception.layers
    convolutions = [layer.name for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert set(convolutions) == {"conv2d", *(f"conv2d_{number}" for number in range(1, 94))}


def test_vgg_equals_stock_keras_where_the_saliency_slice_is_zero():
    stock = keras.applications.VGG19(
        weights=None, input_shape=(47, 47, 3), classes=CLASSES, classifier_activation=None
    )
    inputs = _inputs(47)
    expected = stock(keras.applications.vgg19.preprocess_input(inputs["image"].astype(np.float32)))
    rgb = build_classifier("vgg19", CLASSES, False, image_size=47)
    assert rgb.count_params() == stock.count_params()
    rgb.set_weights(stock.get_weights())
    np.testing.assert_allclose(rgb(inputs["image"]), expected, rtol=1e-3, atol=1e-4)
    rgbs = build_classifier("vgg19", CLASSES, image_size=47)
    assert rgbs.count_params() == stock.count_params() + 576 + 4
    for layer in stock.layers[2:]:
        if layer.weights:
            rgbs.get_layer(layer.name).set_weights(layer.get_weights())
    kernel, bias = stock.get_layer("block1_conv1").get_weights()
    widened = np.concatenate([kernel, np.zeros((3, 3, 1, 64))], axis=2)
    rgbs.get_layer("block1_conv1").set_weights([widened, bias])
    np.testing.assert_allclose(rgbs(inputs), expected, rtol=1e-3, atol=1e-4)


def test_pooled_vgg_averages_the_cells():
    classifier = build_classifier("vgg16", CLASSES, False, image_size=64, width=0.1, top="pool")
    image = _inputs(64)["image"]
    cells = keras.Model(classifier.input, classifier.get_layer("block5_pool").output)(image)
    kernel, bias = classifier.get_layer("predictions").get_weights()
    expected = np.mean(cells, axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(classifier(image), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "rates"),
    [
        ({}, [0.5, 0.5]),
        ({"dropout": 0.2}, [0.2, 0.2]),
        ({"top": "pool"}, [0.0]),
        ({"top": "pool", "dropout": 0.3}, [0.3]),
    ],
)
def test_vgg_drops_units_as_asked(options, rates):
    classifier = build_classifier("vgg16", CLASSES, image_size=32, width=0.1, **options)
    dropouts = [la for la in classifier.layers if isinstance(la, keras.layers.Dropout)]
    assert [layer.rate for layer in dropouts] == rates


def test_vgg_dropout_follows_its_seed_and_differs_between_layers():
    ones = tf.ones((1, 64))
    masks = []
    for _ in range(2):
        classifier = build_classifier("vgg16", CLASSES, image_size=32, width=0.02, seed=3)
        names = ("fc1_dropout", "fc2_dropout")
        masks.append([classifier.get_layer(n)(ones, training=True).numpy() for n in names])
    np.testing.assert_array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0][0], masks[0][1])


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_signal_of_a_vgg_from_scratch_reaches_its_last_convolution(name):
    """By He's start it stays as large as the pixels; by Glorot's it falls to a hundredth."""
    keras.utils.set_random_seed(0)
    network = build_classifier(name, 4, False, image_size=64, width=0.125, top="pool")
    images = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype(np.float32)
    features = keras.Model(network.inputs, network.get_layer("block5_conv3").output)(images)
    assert 20 < np.std(features) < 400
    assert np.abs(network(images)).max() < 20  # and what is guessed at first is not certain


@pytest.mark.parametrize("name", ["inception_v3", "vgg16", "vgg19"])
def test_class_error_reaches_the_saliency_map(name, narrow_inception):
    classifier = narrow_inception
    if name != "inception_v3":
        classifier = build_classifier(name, CLASSES, image_size=75, width=0.1)
    inputs = {key: tf.constant(value) for key, value in _inputs(75).items()}
    with tf.GradientTape() as tape:
        tape.watch(inputs["saliency"])
        logits = classifier(inputs, training=True)
        loss = tf.reduce_sum(logits**2)
    gradient = tape.gradient(loss, inputs["saliency"])
    assert gradient.shape == inputs["saliency"].shape
    assert float(tf.reduce_max(tf.abs(gradient))) > 0


@pytest.mark.parametrize(("name", "spread"), [("inception_v3", 1.0), ("vgg16", 57.0)])
def test_map_enters_the_first_convolution_normalised(name, spread, narrow_inception):
    classifier = narrow_inception
    if name != "inception_v3":
        classifier = build_classifier(name, CLASSES, image_size=75, width=0.05)
    inputs = _inputs(75, batch=3)
    stack = keras.Model(classifier.input, classifier.get_layer("rgbs").output)
    channels = stack(inputs, training=True).numpy()
    # A map whose own variance is 1e-4 comes out with unit deviation too: epsilon is small.
    faint = stack({**inputs, "saliency": inputs["saliency"] * 0.03 + 5}, training=True).numpy()
    for saliency in (channels[..., 3], faint[..., 3]):
        assert saliency.mean() == pytest.approx(0, abs=0.01 * spread)
        assert saliency.std() == pytest.approx(spread, rel=0.1)
    assert channels[..., :3].std() == pytest.approx(74 / (127.5 if spread == 1.0 else 1), rel=0.05)


@pytest.mark.usefixtures("bfloat16")
def test_mixed_precision_gives_float32_logits():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        classifier = build_classifier("inception_v3", CLASSES, image_size=75, width=0.05)
    finally:
        keras.config.set_dtype_policy(policy)
    logits = classifier(_inputs(75))
    assert logits.dtype == tf.float32 and logits.shape == (2, CLASSES)
    assert classifier.get_layer("rgbs").compute_dtype == "bfloat16"
    assert classifier.get_layer("saliency_normalization").compute_dtype == "float32"


@pytest.mark.parametrize("name", [pytest.param("inception_v3", marks=pytest.mark.slow), "vgg16"])
def test_classifier_survives_saving_and_its_configuration(name, tmp_path, narrow_inception):
    classifier = narrow_inception
    if name != "inception_v3":
        classifier = build_classifier(name, CLASSES, image_size=75, width=0.05)
    inputs = _inputs(75)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.models.load_model(tmp_path / "classifier.keras")
    np.testing.assert_array_equal(loaded(inputs), classifier(inputs))
    rebuilt = classifier.from_config(classifier.get_config())
    rebuilt.set_weights(classifier.get_weights())
    np.testing.assert_array_equal(rebuilt(inputs), classifier(inputs))


def test_width_and_momentum_reach_every_inception_layer(narrow_inception):
    assert narrow_inception.get_layer("conv2d").filters == 2
    assert narrow_inception.get_layer("mixed10").output.shape[-1] == 16 + 4 * 19 + 10
    assert narrow_inception.get_layer("batch_normalization_93").momentum == 0.9


def test_bytes_and_floats_give_the_same_logits(narrow_inception):
    classifier = narrow_inception
    inputs = _inputs(75)
    floats = {**inputs, "image": inputs["image"].astype(np.float32)}
    np.testing.assert_array_equal(classifier(inputs), classifier(floats))


def test_names_are_listed_and_unknown_ones_refused():
    names = list_classifiers()
    assert names == sorted(names)
    assert {"inception_v3", "vgg16", "vgg19", "mobilenet_v3_small", "resnet50"} <= set(names)
    with pytest.raises(ValueError, match=f"one of {', '.join(names)}; got 'resnet'"):
        build_classifier("resnet")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("inception_v3", {"num_classes": 1}, "num_classes must be at least 2; got 1"),
        ("inception_v3", {"image_size": 74}, "at least 75 pixels .* inception_v3; got 74"),
        ("vgg16", {"image_size": 31}, "at least 32 pixels for classifier vgg16; got 31"),
        ("vgg16", {"width": 0.0}, "width must be above 0"),
        ("vgg19", {"top": "max", "image_size": 32, "width": 0.1}, 'top must be "dense" or "pool"'),
    ],
)
def test_bad_settings_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        build_classifier(name, **arguments)
