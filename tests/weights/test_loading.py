import hashlib
import os
import tarfile
import zipfile

import caffe_files
import h5py
import keras
import numpy as np
import pytest

from salclass_tf import weights
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.weights import loading

SMALL = {"image_size": 32, "width": 0.05}
VGG16_FILE = "vgg16_imagenet_features_f16.weights.h5"


def _save(model, folder, kind):
    """Saves a model in one of the three formats; returns the path."""
    path = folder / f"network{kind}"
    (model.save_weights if kind == ".weights.h5" else model.save)(path)
    return path


def _assert_same(layer, other):
    for one, two in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", [".weights.h5", ".keras", ".h5"])
@pytest.mark.parametrize("build", [build_detector, build_classifier])
def test_own_files_of_every_format_restore_the_whole_network(tmp_path, kind, build):
    original = build("vgg16", **SMALL)
    path = _save(original, tmp_path, kind)
    copy = build("vgg16", **SMALL, weights=str(path))
    assert not np.array_equal(
        build("vgg16", **SMALL).get_layer("block1_conv1").kernel,
        original.get_layer("block1_conv1").kernel,
    )
    for layer in original.layers:
        _assert_same(layer, copy.get_layer(layer.name))


def test_compiled_model_with_optimizer_state_loads(tmp_path):
    original = build_detector("vgg16", **SMALL)
    original.compile("adam", "mse")
    original.optimizer.build(original.trainable_variables)
    copy = build_detector("vgg16", **SMALL, weights=_save(original, tmp_path, ".keras"))
    _assert_same(original.get_layer("block5_conv3"), copy.get_layer("block5_conv3"))


def test_rgb_file_fills_the_rgb_part_of_a_widened_convolution(tmp_path):
    rgb = build_classifier("vgg16", 4, False, **SMALL)
    path = _save(rgb, tmp_path, ".weights.h5")
    rgbs = build_classifier("vgg16", 4, **SMALL)
    before = rgbs.get_layer("block1_conv1").get_weights()[0]
    report = weights.load(rgbs, path, widened="block1_conv1")
    kernel = rgbs.get_layer("block1_conv1").get_weights()[0]
    np.testing.assert_array_equal(kernel[:, :, :3], rgb.get_layer("block1_conv1").get_weights()[0])
    np.testing.assert_array_equal(kernel[:, :, 3], before[:, :, 3])
    assert report.missing == ("saliency_normalization",)
    with pytest.raises(ValueError, match="layer block1_conv1 must have the shapes"):
        weights.load(rgbs, path)


def test_file_of_a_widened_network_is_refused_by_an_rgb_network(tmp_path):
    path = _save(build_classifier("vgg16", 4, **SMALL), tmp_path, ".weights.h5")
    with pytest.raises(ValueError, match="layer block1_conv1"):
        build_classifier("vgg16", 4, False, **SMALL, weights=path)


def test_head_of_other_classes_stays_random_and_is_reported(tmp_path, caplog):
    path = _save(build_classifier("vgg16", 4, **SMALL), tmp_path, ".weights.h5")
    model = build_classifier("vgg16", 6, **SMALL)
    head = model.get_layer("predictions").get_weights()[0]
    report = weights.load(model, path, heads=("predictions",))
    assert report.missing == ("predictions",)
    assert "fc1" in report.loaded and "saliency_normalization" in report.loaded
    np.testing.assert_array_equal(model.get_layer("predictions").get_weights()[0], head)


def test_file_of_another_width_is_refused_and_nothing_is_assigned(tmp_path):
    path = _save(build_detector("vgg16", 32, 0.1), tmp_path, ".weights.h5")
    model = build_detector("vgg16", **SMALL)
    before = model.get_weights()
    with pytest.raises(ValueError, match="another architecture, width or input: layer block"):
        weights.load(model, path)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_file_without_any_known_layer_is_refused(tmp_path):
    stranger = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="other")])
    path = _save(stranger, tmp_path, ".weights.h5")
    with pytest.raises(ValueError, match="has no layer of vgg16_detector.*got .*other"):
        build_detector("vgg16", **SMALL, weights=path)


def test_file_with_two_networks_is_refused(tmp_path):
    image = keras.Input((32, 32, 3))
    parts = [build_detector("vgg16", **SMALL), build_detector("vgg19", **SMALL)]
    both = keras.Model(image, [part(image) for part in parts])
    path = _save(both, tmp_path, ".weights.h5")
    with pytest.raises(ValueError, match="must hold one network; got 2 layers named"):
        build_detector("vgg16", **SMALL, weights=path)


def test_files_that_are_no_weights_are_refused(tmp_path):
    path = tmp_path / "notes.h5"
    path.write_text("not HDF5")
    with pytest.raises(ValueError, match="cannot read .*notes.h5"):
        build_detector("vgg16", **SMALL, weights=path)
    with pytest.raises(FileNotFoundError, match="no file at .*absent.h5"):
        build_detector("vgg16", **SMALL, weights=tmp_path / "absent.h5")


def test_network_with_a_flipped_bit_among_its_weights_is_refused(tmp_path):
    path = _save(build_detector("vgg16", **SMALL), tmp_path, ".keras")
    with zipfile.ZipFile(path) as archive:
        stored = archive.getinfo("model.weights.h5")
    content = bytearray(path.read_bytes())
    content[stored.header_offset + stored.file_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot read .*\.keras"):
        build_detector("vgg16", **SMALL, weights=path)


def test_half_precision_values_are_cast(tmp_path):
    path = tmp_path / "half.weights.h5"
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 3)).astype(np.float16)
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "block1_conv1"
        group["0"], group["1"] = kernel, np.ones(3, np.float16)
    model = build_detector("vgg16", **SMALL)
    report = weights.load(model, path)
    assert report.loaded == ("block1_conv1",) and len(report.missing) == 13
    assert model.get_layer("block1_conv1").kernel.dtype == "float32"
    np.testing.assert_array_equal(model.get_layer("block1_conv1").get_weights()[0], kernel)


def test_names_that_keras_counted_from_elsewhere_are_recognised(tmp_path):
    def build(names):
        convolutions = [keras.layers.Conv2D(3, 1, name=name) for name in names]
        return keras.Sequential([keras.Input((4, 4, 3)), *convolutions])

    original = build([f"conv2d_{number}" for number in range(94, 106)])
    copy = build(["conv2d", *(f"conv2d_{number}" for number in range(1, 12))])
    report = weights.load(copy, _save(original, tmp_path, ".weights.h5"))
    assert len(report.loaded) == 12
    for layer, other in zip(original.layers, copy.layers, strict=True):
        _assert_same(layer, other)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Keras cache, and VGG-16's public file moved to the local disk."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    source = tmp_path / "server" / "vgg16_weights.h5"
    source.parent.mkdir()
    keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3)).save(source)
    md5 = hashlib.md5(source.read_bytes()).hexdigest()
    file = weights.PublicFile(source.as_uri(), md5)
    monkeypatch.setitem(weights.PUBLIC_FILES, "vgg16_notop", file)
    return source, tmp_path / "cache" / "models" / source.name


def test_imagenet_downloads_once_and_loads(cache):
    source, cached = cache
    first = build_detector("vgg16", image_size=32, weights="imagenet")
    assert cached.is_file()
    source.unlink()
    second = build_detector("vgg16", image_size=32, weights="imagenet")
    with h5py.File(cached) as file:
        group = file["model_weights/block5_conv3"]
        kernel = np.asarray(group[group.attrs["weight_names"][0]])
    for model in (first, second):
        np.testing.assert_array_equal(model.get_layer("block5_conv3").get_weights()[0], kernel)


def test_failed_download_names_file_url_and_place(cache):
    source, cached = cache
    source.unlink()
    with pytest.raises(OSError, match="cannot download the weights vgg16_weights.h5") as error:
        build_detector("vgg16", **{**SMALL, "width": 1.0}, weights="imagenet")
    assert source.as_uri() in str(error.value) and str(cached) in str(error.value)


def test_wrong_checksum_is_refused_and_the_file_kept(cache):
    source, cached = cache
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"something else")
    with pytest.raises(ValueError, match="vgg16_weights.h5 is damaged: its MD5 sum must be"):
        build_detector("vgg16", image_size=32, weights="imagenet")
    assert cached.read_bytes() == b"something else"
    cached.unlink()
    source.write_bytes(b"truncated")
    with pytest.raises(ValueError, match="is damaged"):
        build_detector("vgg16", image_size=32, weights="imagenet")


def test_imagenet_needs_the_published_width():
    with pytest.raises(ValueError, match='weights="imagenet" exist for width 1.0 only'):
        build_classifier("inception_v3", image_size=75, width=0.05, weights="imagenet")


@pytest.fixture
def released(tmp_path, monkeypatch):
    """An archive with SALICON's file in a folder, on the local disk, and an empty Keras cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    file = caffe_files.write(
        tmp_path / "salicon_osie.caffemodel",
        caffe_files.random_layers({"conv1_1": (64, 3, 3, 3), "sec_conv1_1": (64, 3, 3, 3)}),
    )
    archive = tmp_path / "model_files.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(file, f"model_files/{file.name}")
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    public = weights.PublicFile(archive.as_uri(), member=file.name, archive_md5=digest)
    monkeypatch.setitem(weights.PUBLIC_FILES, "salicon", public)
    return archive, tmp_path / "cache" / "models" / file.name


def test_released_file_is_taken_out_of_its_archive_once(released):
    archive, cached = released
    first = build_detector("salicon", image_size=64, weights="released")
    archive.unlink()
    second = build_detector("salicon", image_size=64, weights="released")
    assert os.listdir(cached.parent) == [cached.name]
    for name in ("block1_conv1", "coarse_block1_conv1"):
        np.testing.assert_array_equal(
            first.get_layer(name).get_weights()[0], second.get_layer(name).get_weights()[0]
        )


def test_archive_that_cannot_be_had_or_lacks_the_file_is_an_error_that_says_what_to_do(
    released, monkeypatch
):
    archive, cached = released
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-9])
    with pytest.raises(OSError, match="MD5 sum of model_files.tgz must be .*; got .*fetch file://"):
        build_detector("salicon", image_size=64, weights="released")
    assert os.listdir(cached.parent) == []
    monkeypatch.setitem(
        weights.PUBLIC_FILES, "salicon", weights.PublicFile(archive.as_uri(), member=cached.name)
    )
    with tarfile.open(archive, "w:gz"):
        pass
    message = f"no {cached.name} in model_files.tgz.*fetch {archive.as_uri()} elsewhere and put "
    with pytest.raises(OSError, match=message + f"{cached.name} at {cached}"):
        build_detector("salicon", image_size=64, weights="released")
    assert os.listdir(cached.parent) == []
    archive.unlink()
    with pytest.raises(OSError, match=f"cannot download the weights {cached.name}"):
        build_detector("salicon", image_size=64, weights="released")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("inception_v3", {"num_classes": 1000}, "inception_v3"),
        ("inception_v3", {"num_classes": 5}, "inception_v3_notop"),
        ("vgg16", {"image_size": 32}, "vgg16_notop"),
        ("vgg19", {"image_size": 32, "top": "pool"}, "vgg19_notop"),
    ],
)
def test_classifiers_ask_for_the_public_file_that_fits(monkeypatch, name, arguments, expected):
    class Asked(Exception):
        pass

    def download(file):
        raise Asked(file.name)

    monkeypatch.setattr(loading, "download", download)
    with pytest.raises(Asked, match=f"^{weights.PUBLIC_FILES[expected].name}$"):
        build_classifier(name, **({"image_size": 75} | arguments), weights="imagenet")


def test_public_files_are_those_of_keras():
    from keras.src.applications import inception_v3, vgg16, vgg19

    for name, module in {"vgg16": vgg16, "vgg19": vgg19, "inception_v3": inception_v3}.items():
        assert weights.PUBLIC_FILES[name].url == module.WEIGHTS_PATH
        assert weights.PUBLIC_FILES[f"{name}_notop"].url == module.WEIGHTS_PATH_NO_TOP


@pytest.mark.real_data
def test_trained_vgg16_loads_everywhere(shared_weights):
    path = shared_weights / VGG16_FILE
    with h5py.File(path) as file:
        kernel = np.asarray(file["layers/conv2d_12/vars/0"], np.float32)
    detector = build_detector("vgg16", image_size=32, weights=path)
    classifier = build_classifier("vgg16", 14, image_size=32, top="pool", weights=path)
    for model in (detector, classifier):
        np.testing.assert_array_equal(model.get_layer("block5_conv3").get_weights()[0], kernel)
    deeper = build_detector("vgg19", image_size=32)
    report = weights.load(deeper, path)
    fourth = ("block3_conv4", "block4_conv4", "block5_conv4")
    assert report.missing == (*fourth, "saliency_score") and len(report.loaded) == 13


def test_web_page_in_place_of_a_file_is_removed_and_said(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    page = tmp_path / "page"
    page.write_text("<!DOCTYPE html><title>Too many people want this file</title>")
    file = weights.PublicFile(page.as_uri(), saved_as="net.h5")
    for _ in range(2):
        with pytest.raises(OSError, match="gave a web page and not net.h5.*browser"):
            weights.download(file)
        assert not (tmp_path / "models" / "net.h5").exists()


def test_deeper_network_of_the_same_names_is_refused(tmp_path):
    """A VGG-19 file fits every layer of VGG-16, and still is another network."""
    sizes = {"image_size": 32, "width": 1 / 32}
    path = tmp_path / "deep.weights.h5"
    build_detector("vgg19", **sizes).save_weights(path)
    with pytest.raises(ValueError, match="block3_conv4"):
        build_detector("vgg16", weights=str(path), **sizes)
    # Its first thirteen convolutions are a network of the paper's, and may be taken.
    build_detector("vgg19", weights=str(path), convolutions=13, **sizes)
