"""Networks in other formats answer as the SavedModel does, in those formats' own runtimes."""

import sys

import finished_stages
import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import serving
from salclass_tf.serving import exports, formats, frozen, trained, warmup

PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "tflite": (), "openvino": ("openvino",)}
NAMES = pytest.mark.parametrize("name", PACKAGES)


@pytest.fixture(autouse=True)
def installed(request):
    """Skips what the packages of requirements-serving.txt are needed for."""
    if "name" in request.fixturenames:
        for package in PACKAGES[request.getfixturevalue("name")]:
            pytest.importorskip(package, reason=f"needs {package}: requirements-serving.txt")


@NAMES
def test_other_formats_answer_as_the_saved_model_does(tmp_path, name):
    finished_stages.write_stage(tmp_path, "joint")
    forward = exports.frozen_twin(trained.open_stage(tmp_path, "joint"), "float32")
    converted = formats.write(name, forward, tmp_path)
    again = formats.run(name, tmp_path)
    for batch_size in (3, 1):
        images = warmup.pictures(batch_size, 40, 40)
        expected, out = forward(tf.constant(images)), converted(images)
        assert set(out) == {"probabilities", "saliency"}
        for key, value in expected.items():
            np.testing.assert_allclose(out[key], value, rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(again(images)[key], out[key])


@NAMES
def test_groups_and_gelu_are_written_in_other_formats(tmp_path, name):
    """Convolutions as AlexNet has them (detector deep_gaze), activations as ConvNeXt has them."""
    image = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 1)(image / 255)
    features = keras.layers.Conv2D(4, 3, groups=2, padding="same", activation="gelu")(features)
    saliency = keras.layers.Conv2D(1, 1)(features)
    forward = frozen.freeze(keras.Model(image, saliency), 8)
    out = formats.write(name, forward, tmp_path)(warmup.pictures(2, 8, 8))
    expected = forward(tf.constant(warmup.pictures(2, 8, 8)))["saliency"]
    np.testing.assert_allclose(out["saliency"], expected, rtol=1e-4, atol=1e-5)


@NAMES
def test_a_network_that_a_format_cannot_express_is_an_error(tmp_path, name):
    image = keras.Input((8, 8, 3))
    unknown = keras.layers.Lambda(lambda x: tf.math.bessel_i0e(x[..., :1]))(image / 255)
    forward = frozen.freeze(keras.Model(image, unknown), 8)
    with pytest.raises(ValueError, match=rf"operations that .* lacks .*leave {name} out") as found:
        formats.write(name, forward, tmp_path)
    assert "\n" not in str(found.value)


def test_a_network_that_openvino_cannot_compile_is_an_error_in_one_line(tmp_path):
    pytest.importorskip("openvino", reason="needs openvino: requirements-serving.txt")
    image = keras.Input((8, 8, 3))
    forward = frozen.freeze(keras.Model(image, keras.layers.Conv2D(1, 1)(image / 255)), 8)
    formats.write("openvino", forward, tmp_path)
    file = tmp_path / "model.xml"
    file.write_text(file.read_text().replace('type="Convolution"', 'type="Revolution"'))
    with pytest.raises(ValueError, match="OpenVINO cannot run .*Revolution.*leave openvino") as e:
        formats.run("openvino", tmp_path)
    assert "\n" not in str(e.value)


def test_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ValueError, match="openvino needs package openvino: pip install openvino"):
        serving.Settings(formats=("saved_model", "openvino"))


def test_openvino_model_server_finds_the_tensors_by_their_names(tmp_path):
    """It asks for any of a tensor's names, takes any batch, and weights are not rounded."""
    openvino = pytest.importorskip("openvino", reason="needs openvino: requirements-serving.txt")
    finished_stages.write_stage(tmp_path, "joint")
    settings = serving.Settings(formats=("saved_model", "openvino"))
    names = tmp_path / "names.txt"
    version = serving.export(tmp_path, "joint", tmp_path / "gaze", settings, class_names=names)
    model = openvino.Core().read_model(version / "model.xml")
    found = {
        tensor.any_name: (tensor.names, tensor.element_type, str(tensor.partial_shape))
        for tensor in (*model.inputs, *model.outputs)
    }
    assert found == {
        "image": ({"image"}, openvino.Type.u8, "[?,40,40,3]"),
        "probabilities": ({"probabilities"}, openvino.Type.f32, "[?,7]"),
        "saliency": ({"saliency"}, openvino.Type.f32, "[?,40,40,1]"),
    }
    constants = [op for op in model.get_ops() if op.get_type_name() == "Constant"]
    assert openvino.Type.f16 not in {one.get_element_type() for one in constants}
