"""Networks of keras.applications against the stock ones, which are built once for each test."""

import functools
import hashlib
import pathlib
import re
import sys
from unittest import mock

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.applications import imagenet_utils
from keras.src.utils import file_utils

from salclass_tf import config, weights
from salclass_tf.classifiers import (
    applications,
    build_classifier,
    channels,
    list_classifiers,
    pixels,
    stock_weights,
)
from salclass_tf.classifiers.public_files import public_file
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, SalClassNet
from salclass_tf.optimization import optimizers
from salclass_tf.serving import folding
from salclass_tf.training import networks

CLASSES = 5
SIZE = 75  # the least that every one of them takes
QUICK = ["convnext_tiny", "densenet121", "efficientnet_b0", "mobilenet_v3_small", "resnet50"]
#: one of every other family, and of every other way with pixels
OTHERS = [
    "efficientnet_v2_b0",
    "efficientnet_v2_s",
    "inception_resnet_v2",
    "mobilenet",
    "mobilenet_v2",
    "nasnet_mobile",
    "resnet50_v2",
    "xception",
]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in OTHERS]


@pytest.fixture(scope="module", autouse=True)
def stock():
    """Gives the stock network of a name with logits for `CLASSES`; all builds share it."""
    real = applications.NETWORKS
    with pytest.MonkeyPatch.context() as patch:
        for name, network in real.items():
            patch.setitem(real, name, functools.cache(network))

        def build(name):
            keras.utils.set_random_seed(0)
            shape = (SIZE, SIZE, 3)
            return real[name](
                weights=None, input_shape=shape, classes=CLASSES, classifier_activation=None
            )

        yield build


@functools.cache
def narrow(name):
    """A network of a sixteenth of the width."""
    keras.utils.set_random_seed(0)
    classifier = build_classifier(name, CLASSES, image_size=SIZE, width=1 / 16)
    randomise(classifier)
    calibrate(classifier, inputs(16))
    return classifier


def inputs(batch=2):
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (batch, SIZE, SIZE, 3), np.uint8),
        "saliency": rng.random((batch, SIZE, SIZE, 1), dtype=np.float32),
    }


def randomise(model):
    """Gives normalisations values of a trained network, and layer scales that let values pass."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable, low, high in (
                (layer.beta, -0.2, 0.4),
                (layer.moving_mean, -0.1, 0.1),
                (layer.moving_variance, 0.5, 1.5),
            ):
                variable.assign(rng.uniform(low, high, variable.shape))
        elif type(layer).__name__ == "LayerScale":
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
        elif isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.adapt_mean.assign(np.reshape([0.485, 0.456, 0.406], layer.adapt_mean.shape))
            deviation = np.reshape([0.229, 0.224, 0.225], layer.adapt_mean.shape)
            layer.adapt_variance.assign(deviation**2)
            layer.finalize_state()


def calibrate(network, seen):
    """Gives normalisations the statistics of images; without them some networks see hardly any."""
    layers = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    network(seen, training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def class_layer(classifier):
    return [layer for layer in classifier.layers if layer.weights][-1]


def first_convolution(classifier):
    return next(layer for layer in classifier.layers if isinstance(layer, keras.layers.Conv2D))


def preprocessed(name, image):
    """An image as Keras' own network of a name takes it."""
    preprocess = sys.modules[applications.NETWORKS[name].__module__].preprocess_input
    return preprocess(image.astype(np.float32))


def stock_logits(network, name, image):
    """What Keras' own network makes of an image, by its own preprocessing."""
    return network(preprocessed(name, image)).numpy()


def documented():
    """The rows of the table in docs/classifiers.md."""
    text = (pathlib.Path(__file__).parents[2] / "docs/classifiers.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| ([\d ]+) \| ([\d ]+) \|", text, re.M)
    return {name: tuple(int(x.replace(" ", "")) for x in numbers) for name, *numbers in rows}


@pytest.mark.parametrize("name", ["convnext_tiny", "mobilenet_v3_small", "resnet50", *SLOW])
def test_rgbs_network_without_its_saliency_slice_is_the_stock_network(name, stock, tmp_path):
    network = stock(name)
    randomise(network)
    calibrate(network, preprocessed(name, inputs(16)["image"]))
    network.save_weights(tmp_path / "stock.weights.h5")
    classifier = build_classifier(
        name, CLASSES, image_size=SIZE, weights=tmp_path / "stock.weights.h5"
    )
    seen = inputs()
    expected = stock_logits(network, name, seen["image"])
    spread = expected.std()
    assert np.abs(expected[0] - expected[1]).max() > 0.05 * spread  # logits tell images apart
    with_map = classifier(seen)
    assert with_map.dtype == tf.float32
    assert np.abs(with_map - expected).max() > 1e-3 * spread  # the random slice counts
    first = first_convolution(classifier)
    kernel, *bias = first.get_weights()
    kernel[:, :, 3] = 0
    first.set_weights([kernel, *bias])
    np.testing.assert_allclose(classifier(seen), expected, rtol=1e-3, atol=2e-3 * spread)
    added = kernel[:, :, 3].size + 4  # scale, offset, mean and variance of the map
    normalisation = sum(
        layer.count_params() for layer in network.layers if pixels.is_normalisation(layer.name)
    )
    assert classifier.count_params() == network.count_params() - normalisation + added
    class_kernel = class_layer(classifier).get_weights()[0]
    more_classes = (120 - CLASSES) * (class_kernel.shape[-2] + 1)
    _, _, rgb, rgbs = documented()[name]
    assert (rgb + added, rgbs) == (rgbs, classifier.count_params() + more_classes)


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_network_learns_jointly_with_a_detector(name):
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    classifier = narrow(name)
    untrained = classifier.get_weights()
    model = SalClassNet(detector, classifier)
    model.compile(keras.optimizers.SGD(1e-2, global_clipnorm=1.0))
    first = first_convolution(model.classifier)
    before = first.get_weights()[0]
    batch = {key: tf.constant(value) for key, value in inputs().items()}
    for _ in range(2):
        logs = model.train_step(batch | {"label": tf.constant([0, 3])})
        assert all(np.isfinite(value) for value in logs.values())
    moved = np.abs(first.get_weights()[0] - before).max(axis=(0, 1, 3))
    assert moved.shape == (4,) and moved.min() > 0
    classifier.set_weights(untrained)  # other tests see the same network


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_class_error_reaches_the_map_and_every_variable(name):
    classifier = narrow(name)
    batch = {key: tf.constant(value) for key, value in inputs().items()}
    with tf.GradientTape() as tape:
        tape.watch(batch["saliency"])
        logits = classifier(batch)
        loss = tf.reduce_sum(logits**2)
    sources = [batch["saliency"], *classifier.trainable_variables]
    gradients = tape.gradient(loss, sources)
    assert logits.dtype == tf.float32 and logits.shape == (2, CLASSES)
    assert all(gradient is not None for gradient in gradients)
    assert float(tf.reduce_max(tf.abs(gradients[0]))) > 0


@pytest.mark.parametrize("name", [*QUICK, "mobilenet", *SLOW])
def test_what_is_new_learns_at_its_own_rate(name):
    model = ClassifierModel(narrow(name))
    optimizer = optimizers.SGD(0.1, lr_multipliers=networks.untrained_multipliers(model, 50.0))
    optimizer.build(model.trainable_variables)
    rates = zip(model.trainable_variables, optimizer._multipliers, strict=True)
    fast = {variable.path: np.ravel(rate).tolist() for variable, rate in rates if np.any(rate != 1)}
    head, first = class_layer(model.classifier).name, first_convolution(model.classifier).name
    assert fast == {
        f"{first}/kernel": [1, 1, 1, 50],
        "saliency_normalization/gamma": [50],
        "saliency_normalization/beta": [50],
        f"{head}/kernel": [50],
        f"{head}/bias": [50],
    }


def test_classifier_that_cannot_read_a_map_is_refused():
    image, saliency = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 1), name="saliency")
    both = keras.layers.Flatten()(keras.layers.Concatenate()([image, saliency]))
    dense = keras.Model({"image": image, "saliency": saliency}, keras.layers.Dense(2)(both))
    with pytest.raises(ValueError, match="has no convolution that could read the map"):
        networks.untrained_multipliers(ClassifierModel(dense), 50.0)


@pytest.mark.parametrize("name", ["convnext_tiny", "mobilenet_v3_small", SLOW[0], SLOW[-1]])
def test_network_survives_saving_and_is_built_with_the_same_names(name, tmp_path):
    classifier, seen = narrow(name), inputs()
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.models.load_model(tmp_path / "classifier.keras")
    np.testing.assert_array_equal(loaded(seen), classifier(seen))
    again = build_classifier(
        name, CLASSES, image_size=SIZE, width=1 / 16, weights=tmp_path / "classifier.keras"
    )
    np.testing.assert_array_equal(again(seen), classifier(seen))
    names = [[layer.name for layer in model.layers] for model in (classifier, loaded, again)]
    assert names[0] == names[1] == names[2]


def test_configuration_gives_the_same_network():
    classifier, seen = narrow("mobilenet_v3_small"), inputs()
    rebuilt = classifier.from_config(classifier.get_config())
    rebuilt.set_weights(classifier.get_weights())
    np.testing.assert_array_equal(rebuilt(seen), classifier(seen))


@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v3_small", "resnet50"])
def test_folded_network_gives_the_same_logits(name):
    classifier, seen = narrow(name), inputs()
    folded = folding.fold(classifier, classifier)
    expected = classifier(seen).numpy()
    np.testing.assert_allclose(folded(seen), expected, atol=1e-4 * np.abs(expected).max())
    counts = [
        sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
        for model in (classifier, folded)
    ]
    # What stays: the map's; DenseNet's before convolutions; MobileNet's after depthwise ones.
    assert (
        counts
        == {
            "densenet121": [122, 63],
            "mobilenet_v3_small": [35, 12],
            "resnet50": [54, 1],
        }[name]
    )


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("name", ["convnext_tiny", "mobilenet_v3_small"])
def test_mixed_precision_computes_in_bfloat16_and_gives_float32_logits(name, stock):
    real = applications.NETWORKS[name].__wrapped__
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with mock.patch.dict(applications.NETWORKS, {name: real}):
            classifier = build_classifier(name, CLASSES, image_size=SIZE, width=1 / 16)
    finally:
        keras.config.set_dtype_policy(policy)
    classifier.set_weights(narrow(name).get_weights())
    seen = inputs()
    logits, exact = classifier(seen), narrow(name)(seen).numpy()
    assert logits.dtype == tf.float32
    assert first_convolution(classifier).compute_dtype == "bfloat16"
    assert class_layer(classifier).compute_dtype == "float32"
    assert np.sqrt(np.mean((logits - exact) ** 2)) < 0.3 * exact.std()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext_tiny", "efficientnet_b0", "mobilenet_v3_small"])
def test_network_compiles(name):
    classifier = narrow(name)
    seen = {key: tf.constant(value) for key, value in inputs().items()}
    compiled = tf.function(lambda batch: classifier(batch, training=False), jit_compile=True)
    np.testing.assert_allclose(compiled(seen), classifier(seen), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layout", ["convnext_tiny", "mobilenet_v3_small", "resnet50"])
def test_older_files_are_taken_by_order_where_their_names_differ(layout, stock, tmp_path):
    """Keras' public ConvNeXt has its stem as one layer, MobileNetV3 names from before Keras 3."""
    network, path = stock(layout), tmp_path / "public.h5"
    randomise(network)
    network.save(path)
    expected = stock_logits(network, layout, inputs()["image"])
    with h5py.File(path, "r+") as file:
        root = file["model_weights"]
        names = [n if isinstance(n, str) else n.decode() for n in root.attrs["layer_names"]]
        if "predictions" in names:  # ResNet's files call the class layer alone otherwise
            root.move("predictions", "probs")
            root.attrs["layer_names"] = ["probs" if n == "predictions" else n for n in names]
        elif "conv_1" in names:
            root.move("conv_1", "Conv_1")
            root.attrs["layer_names"] = ["Conv_1" if n == "conv_1" else n for n in names]
    for layer in network.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    # Of other classes, the class layer alone starts anew.
    two = build_classifier(layout, 2, False, image_size=SIZE, weights=path)
    assert class_layer(two).get_weights()[0].std() > 0
    five = build_classifier(layout, CLASSES, False, image_size=SIZE, weights=path)
    np.testing.assert_allclose(
        five(inputs()["image"]), expected, rtol=1e-3, atol=2e-3 * expected.std()
    )
    features = [
        keras.Model(model.input, class_layer(model).input)(inputs()["image"])
        for model in (two, five)
    ]
    np.testing.assert_array_equal(*features)


def test_file_of_another_network_is_refused(tmp_path, stock):
    narrow("mobilenet_v3_small").save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(ValueError, match="another network than mobilenet_classifier.* only one"):
        build_classifier(
            "mobilenet", CLASSES, image_size=SIZE, weights=tmp_path / "small.weights.h5"
        )
    with pytest.raises(ValueError, match="another architecture, width or input: layer conv"):
        build_classifier(
            "mobilenet_v3_small", CLASSES, image_size=SIZE, weights=tmp_path / "small.weights.h5"
        )
    stock("mobilenet_v3_small").save(tmp_path / "small.h5")
    with pytest.raises(ValueError, match="small.h5 is of another network than mobilenet_class"):
        build_classifier("mobilenet", CLASSES, image_size=SIZE, weights=tmp_path / "small.h5")


@pytest.mark.parametrize(
    ("variance", "known"),
    [([0.229, 0.224, 0.225], True), ([0.0524, 0.0502, 0.0506], True), ([1.0, 1.0, 1.0], False)],
)
def test_file_for_other_pixels_is_refused(variance, known, tmp_path):
    path = tmp_path / "any.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/normalization/vars")
        group.attrs["name"] = "normalization_3"
        group["0"], group["1"], group["2"] = [0.485, 0.456, 0.406], variance, 0
    if known:
        pixels.check_file(path)
    else:
        with pytest.raises(
            ValueError, match=r"ImageNet's means .* has .* \[1.0, 1.0, 1.0\]; train"
        ):
            pixels.check_file(path)


def test_public_files_are_those_of_keras(monkeypatch):
    """Runs Keras' own builders on layers that do nothing, up to where they fetch a file."""

    class Asked(Exception):
        pass

    def get_file(name, origin, **kwargs):
        raise Asked(origin, kwargs.get("file_hash"))

    monkeypatch.setattr(file_utils, "get_file", get_file)
    for name, network in applications.NETWORKS.items():
        network, family = network.__wrapped__, network.__module__.rpartition(".")[2]
        for module in {network.__module__, "keras.src.applications.resnet"}:
            for part in ("layers", "Functional", "Sequential", "LayerScale", "StochasticDepth"):
                if hasattr(sys.modules[module], part):
                    monkeypatch.setattr(sys.modules[module], part, mock.MagicMock())
            if hasattr(sys.modules[module], "_depth"):  # compares numbers that are mocks here
                monkeypatch.setattr(sys.modules[module], "_depth", lambda *_: 8)
            if hasattr(sys.modules[module], "CustomScaleLayer"):
                monkeypatch.setattr(sys.modules[module], "CustomScaleLayer", mock.MagicMock())
        with pytest.raises(Asked) as asked:
            network(weights="imagenet")
        file = public_file(name, family, 224)
        assert asked.value.args == (file.url, file.sha256 or file.md5), name
        assert len(file.sha256 or "") in (0, 64) and len(file.md5 or "") in (0, 32)


@pytest.mark.parametrize(
    ("name", "size", "file"),
    [
        ("mobilenet", 160, "mobilenet_1_0_160_tf.h5"),
        ("mobilenet", 299, "mobilenet_1_0_224_tf.h5"),
        ("mobilenet_v2", 96, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96.h5"),
    ],
)
def test_mobilenets_take_the_file_of_their_image_size(name, size, file):
    assert public_file(name, name, size).name == file


def test_imagenet_comes_from_the_cache_and_its_absence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    public = weights.PublicFile("file:///nowhere/net.h5", sha256=hashlib.sha256(b"ok").hexdigest())
    monkeypatch.setattr(stock_weights, "public_file", lambda *args: public)
    place = tmp_path / "models" / "net.h5"
    with pytest.raises(OSError, match=f"net.h5 .*fetch file:///nowhere/net.h5 .*put it at {place}"):
        build_classifier("xception", weights="imagenet")
    place.write_bytes(b"ok")
    assert weights.download(public) == place
    place.write_bytes(b"cut")
    with pytest.raises(ValueError, match="its SHA256 sum must be .* delete it"):
        build_classifier("xception", weights="imagenet")
    with pytest.raises(ValueError, match='"imagenet" exist for width 1.0 only; got width 0.5'):
        build_classifier("xception", width=0.5, weights="imagenet")


def test_every_network_of_keras_is_there():
    own = {"inception_v3", "vgg16", "vgg19"}
    functions = [name for name in vars(keras.applications) if name[0].isupper()]
    assert len(functions) == len(list_classifiers()) and own < set(list_classifiers())
    assert {re.sub("[^a-z0-9]", "", name.lower()) for name in functions} == {
        name.replace("_", "") for name in list_classifiers()
    }


def test_documented_networks_are_those_that_are_there(monkeypatch):
    """Image sizes too: Keras asks for them before it builds anything."""

    class Asked(Exception):
        pass

    def obtain_input_shape(shape, default_size, min_size, **kwargs):
        raise Asked(min_size, default_size)

    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", obtain_input_shape)
    table = documented()
    assert list(table) == list_classifiers()
    for name, network in applications.NETWORKS.items():
        smallest, size = table[name][:2]
        assert applications.smallest_image(name) == smallest, name
        if name.startswith("mobilenet_v3"):  # asks nobody, and has no size of its own
            with pytest.raises(ValueError, match=f"at least {smallest}x{smallest}"):
                network.__wrapped__(weights=None, input_shape=(smallest - 1, smallest - 1, 3))
            assert f"_{size}_" in public_file(name, "mobilenet_v3", 299).name
            continue
        with pytest.raises(Asked) as asked:
            network.__wrapped__(weights=None)
        assert asked.value.args == (smallest, size), name


@pytest.mark.parametrize(("name", "smallest"), [("resnet50", 32), ("xception", 71)])
def test_too_small_images_are_refused(name, smallest):
    message = f"at least {smallest} pixels for classifier {name}; got {smallest - 1}"
    with pytest.raises(ValueError, match=message):
        build_classifier(name, image_size=smallest - 1)


def test_scaled_sums_fit():
    """1 + 2 channels of two scaled convolutions meet one that would have 2 by itself."""
    image = keras.Input((4, 4, 2))
    parts = [
        keras.layers.Conv2D(count, 1, name=name)(image) for count, name in ((3, "a"), (6, "b"))
    ]
    both = keras.layers.BatchNormalization()(keras.layers.Concatenate()(parts))
    other = keras.layers.SeparableConv2D(9, 1, name="c")(image)
    total = keras.layers.Add()([keras.layers.ReLU()(other), both])
    more = total + keras.layers.Dense(9, name="d")(image)
    network = keras.Model(image, keras.layers.Conv2D(7, 1, name="e")(more))
    assert channels.plan(network, 1.0) == {"a": 3, "b": 6, "c": 9, "d": 9, "e": 7}
    assert channels.plan(network, 0.25) == {"a": 1, "b": 2, "c": 3, "d": 3, "e": 2}


def test_options_reach_the_layers():
    options = {"bn_momentum": 0.8, "dropout": 0.4, "saliency_spread": 3.0}
    classifier = build_classifier(
        "efficientnet_b0", CLASSES, image_size=SIZE, width=1 / 16, **options
    )
    kinds = keras.layers.BatchNormalization, keras.layers.Dropout
    norms, drops = ([x for x in classifier.layers if isinstance(x, kind)] for kind in kinds)
    rates = {layer.name: layer.momentum for layer in norms}
    assert rates.pop("saliency_normalization") == 0.9 and set(rates.values()) == {0.8}
    assert [x.rate for x in drops if x.noise_shape is None] == [0.4]
    assert len({x.rate for x in drops}) == len(drops) == 10  # those of the paths stay
    assert classifier.get_layer("saliency_normalization").gamma.numpy().item() == 3.0


def test_running_means_of_every_network_keep_up_with_the_demo():
    options = config.build_config("demo").classifier_options
    slow = {name for name in applications.NETWORKS if not name.startswith("convnext")}
    assert {name for name, given in options.items() if "bn_momentum" in given} == {
        "inception_v3", *slow
    }  # fmt: skip
    for name in ("convnext_tiny", "mobilenet_v3_small"):  # without and with normalisations
        built = build_classifier(name, CLASSES, True, SIZE, 1 / 16, **options.get(name, {}))
        norms = [x for x in built.layers if isinstance(x, keras.layers.BatchNormalization)]
        assert {x.momentum for x in norms if x.name != "saliency_normalization"} == (
            set() if name == "convnext_tiny" else {0.95}
        )
