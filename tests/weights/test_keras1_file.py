"""Files of Keras 1 on Theano, as ML-Net was released: written here in that layout."""

import h5py
import keras
import numpy as np
import pytest
import scipy.signal

from salclass_tf import weights
from salclass_tf.detectors import build_detector, ml_net
from salclass_tf.weights import keras1_file, loading

SIZES = {"image_size": 24, "width": 1 / 32}


def _arrays():
    """Name that Keras 1 gave -> arrays in Theano's order, for ML-Net at width 1/32."""
    rng, found = np.random.default_rng(0), {}
    model = build_detector("ml_net", **SIZES)
    for name, ours in ml_net.RELEASED_NAMES.items():
        shapes = [w.shape for w in model.get_layer(ours).get_weights()]
        if len(shapes[0]) == 4:
            h, w, into, out = shapes[0]
            shapes[0] = (out, into, h, w)
        found[name] = [rng.normal(0, 0.3, shape).astype(np.float32) for shape in shapes]
    return found


def _write(path, arrays, root="/"):
    """As `save_weights` of Keras 1.1 does; layers without weights are listed too."""
    names = ["input_1", "maxpooling2d_1", *arrays, "activation_1"]
    with h5py.File(path, "w") as file:
        top = file.require_group(root)
        top.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            group = top.create_group(name)
            stored = arrays.get(name, [])
            labels = [f"{name}_W", f"{name}_b"] if len(stored) == 2 else ["param_0"][: len(stored)]
            group.attrs["weight_names"] = [label.encode() for label in labels]
            for label, array in zip(labels, stored, strict=True):
                group.create_dataset(label, data=array)
    return path


@pytest.mark.parametrize("root", ["/", "model_weights"])
def test_released_file_of_ml_net_is_convolved_as_theano_did(tmp_path, root):
    arrays = _arrays()
    path = _write(tmp_path / "mlnet_salicon_weights.pkl", arrays, root)
    model = build_detector("ml_net", weights=path, **SIZES)
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
    pixels = image[..., ::-1] - np.array([103.939, 116.779, 123.68])
    kernel, bias = arrays["convolution2d_1"]
    for out in range(len(kernel)):
        planes = [
            scipy.signal.convolve2d(pixels[..., i], np.float64(kernel[out, i]), "same")
            for i in range(3)
        ]
        expected = np.maximum(sum(planes) + bias[out], 0)
        got = keras.Model(model.input, model.get_layer("block1_conv1").output)(image[None])
        np.testing.assert_allclose(got[0, ..., out], expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(
        model.get_layer("saliency_score").get_weights()[0][0, 0, :, 0],
        arrays["convolution2d_15"][0][0, :, 0, 0],
    )
    np.testing.assert_array_equal(
        model.get_layer("prior").get_weights()[0], arrays["eltwiseproduct_1"][0]
    )


def test_all_layers_are_named_and_loaded(tmp_path):
    path = _write(tmp_path / "net.h5", _arrays())
    model = build_detector("ml_net", **SIZES)
    report = weights.load(model, path, aliases=ml_net.RELEASED_NAMES)
    assert report.missing == report.unused == () and len(report.loaded) == 16


@pytest.mark.parametrize("layer", ["convolution2d_4", "convolution2d_15", "eltwiseproduct_1"])
def test_a_shape_that_differs_is_refused_and_nothing_is_assigned(tmp_path, layer):
    arrays = _arrays()
    arrays[layer][0] = arrays[layer][0][..., :-1]
    path = _write(tmp_path / "net.h5", arrays)
    model = build_detector("ml_net", **SIZES)
    before = model.get_weights()
    ours = ml_net.RELEASED_NAMES[layer]
    with pytest.raises(ValueError, match=f"layer {ours} must have the shapes"):
        weights.load(model, path, aliases=ml_net.RELEASED_NAMES)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_kernel_of_other_dimensions_is_refused(tmp_path):
    path = _write(tmp_path / "net.h5", {"convolution2d_1": [np.ones((2, 3)), np.ones(2)]})
    with pytest.raises(
        ValueError, match=r"convolution2d_1 must be \[out, in, h, w\]; got \(2, 3\)"
    ):
        keras1_file.read_layers(path)


def test_files_of_later_versions_are_none_of_these(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, name="conv2d_1")])
    model.save_weights(tmp_path / "new.weights.h5")
    model.save(tmp_path / "new.keras")
    _write(tmp_path / "of_keras_2.h5", {"conv2d_1": [np.ones((3, 3, 3, 2)), np.ones(2)]})
    for name in ("new.weights.h5", "new.keras", "of_keras_2.h5"):
        assert not keras1_file.is_one(tmp_path / name)


def test_released_file_is_fetched_under_its_own_name(tmp_path, monkeypatch):
    """The address of it ends in no name."""
    source = _write(tmp_path / "download", _arrays())
    public = weights.PublicFile(source.as_uri(), saved_as="mlnet_salicon_weights.pkl")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    path = weights.download(public)
    assert path.name == "mlnet_salicon_weights.pkl" and path.read_bytes() == source.read_bytes()
    asked = []
    monkeypatch.setattr(loading, "download", lambda file: asked.append(file) or path)
    with pytest.raises(ValueError, match="another architecture, width or input"):
        build_detector("ml_net", image_size=24, weights="released")
    assert asked == [weights.PUBLIC_FILES["ml_net"]]
