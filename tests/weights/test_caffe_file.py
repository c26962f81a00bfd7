import caffe_files
import keras
import numpy as np
import pytest
import scipy.signal

from salclass_tf import weights
from salclass_tf.detectors import build_detector
from salclass_tf.weights import caffe_file

WIDTH = 0.03
SIZE = 18
# conv1 to conv9 of SalNet at this width: side, channels.
SIDES = (7, 5, 3, 5, 5, 7, 11, 11, 13)
CHANNELS = (3, 3, 8, 15, 15, 15, 8, 4, 1, 1)
VGG_CHANNELS = {1: (2, 2), 2: (4, 2), 3: (8, 3), 4: (16, 3), 5: (16, 3)}


def salnet_layers():
    shapes = {
        f"conv{i + 1}": (CHANNELS[i + 1], CHANNELS[i], side, side) for i, side in enumerate(SIDES)
    }
    kernel = np.random.default_rng(9).normal(size=(1, 1, 8, 8)).astype(np.float32)
    return caffe_files.random_layers(shapes) | {"deconv1": ("Deconvolution", [kernel])}


def vgg_layers(prefix="", seed=0):
    """VGG-16's convolutions at width 1/32 under Caffe's names."""
    shapes, before = {}, 3
    for block, (channels, depth) in VGG_CHANNELS.items():
        for index in range(1, depth + 1):
            shapes[f"{prefix}conv{block}_{index}"] = (channels, before, 3, 3)
            before = channels
    return caffe_files.random_layers(shapes, seed)


def open_salicon_layers():
    head = np.ones((1, 32, 1, 1), np.float32) / 32
    return (
        vgg_layers()
        | vgg_layers("sec_", seed=1)
        | {"saliency_map": ("Convolution", [head, np.full(1, -1, np.float32)])}
    )


def convolve(image, kernel, bias):
    """Caffe's convolution with its output as large as its input, float64: [h, w, c]."""
    return (
        np.stack(
            [
                sum(
                    scipy.signal.correlate(
                        image[..., i].astype(np.float64), one[i], "same", "direct"
                    )
                    for i in range(kernel.shape[1])
                )
                for one in kernel
            ],
            axis=-1,
        )
        + bias
    )


def layer_output(model, name, image):
    return keras.Model(model.input, model.get_layer(name).output)(image[None])[0].numpy()


@pytest.mark.parametrize("generation", [1, 2])
def test_both_generations_fill_salnet_which_computes_what_the_arrays_say(tmp_path, generation):
    layers = salnet_layers()
    path = caffe_files.write(tmp_path / "net.caffemodel", layers, generation)
    model = build_detector("salnet", image_size=SIZE, width=WIDTH, weights=str(path))
    image = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    # The release's preprocessing: channels swapped, means of blue, green, red taken off, scaled.
    pixels = (image[..., ::-1] - np.array([100.0, 110.0, 118.0])) / 127.5
    expected = np.maximum(convolve(pixels, *layers["conv1"][1]), 0)
    np.testing.assert_allclose(layer_output(model, "conv1", image), expected, rtol=1e-4, atol=1e-4)
    pooled = layer_output(model, "pool1", image)
    expected = np.maximum(convolve(pooled, *layers["conv2"][1]), 0)
    np.testing.assert_allclose(layer_output(model, "conv2", image), expected, rtol=1e-4, atol=1e-4)
    deconvolution = layers["deconv1"][1][0]
    np.testing.assert_array_equal(
        model.get_layer("deconv1").get_weights()[0][..., 0, 0], deconvolution[0, 0]
    )


def test_everything_of_a_whole_file_is_loaded_and_what_is_left_over_is_named(tmp_path, caplog):
    layers = salnet_layers() | {"relu1": ("ReLU", []), "fc": ("InnerProduct", [np.ones((2, 3))])}
    extra = caffe_files.random_layers({"conv10": (2, 2, 3, 3)})
    path = caffe_files.write(tmp_path / "net.caffemodel", layers | extra)
    report = weights.load(build_detector("salnet", image_size=SIZE, width=WIDTH), path)
    assert report.loaded == (*(f"conv{i}" for i in range(1, 10)), "deconv1")
    assert report.missing == () and report.unused == ("conv10",)
    warned = [record for record in caplog.records if record.levelname == "WARNING"]
    assert {record.name.partition(".")[0] for record in warned} == {"salclass_tf"}
    said = [record.message for record in warned]
    assert "net.caffemodel: left out, no convolutions: fc" in said
    assert "net.caffemodel: salnet_detector has no conv10" in said


def test_layers_that_a_file_lacks_keep_their_values_and_are_named(tmp_path):
    layers = salnet_layers()
    del layers["conv5"]
    path = caffe_files.write(tmp_path / "net.caffemodel", layers)
    model = build_detector("salnet", image_size=SIZE, width=WIDTH)
    before = model.get_layer("conv5").get_weights()[0]
    assert weights.load(model, path).missing == ("conv5",)
    np.testing.assert_array_equal(model.get_layer("conv5").get_weights()[0], before)


@pytest.mark.parametrize("layer", ["conv1", "conv4", "conv9", "deconv1"])
def test_a_shape_that_differs_is_refused_and_nothing_is_assigned(tmp_path, layer):
    layers = salnet_layers()
    kind, (kernel, *bias) = layers[layer]
    layers[layer] = (kind, [kernel[..., :-1], *bias])
    path = caffe_files.write(tmp_path / "net.caffemodel", layers)
    model = build_detector("salnet", image_size=SIZE, width=WIDTH)
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"layer {layer} must have the shapes"):
        weights.load(model, path)
    with pytest.raises(ValueError, match=f"layer {layer} must have the shapes"):
        build_detector("salnet", image_size=SIZE, width=WIDTH, weights=path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_vgg_cnn_m_fills_the_first_three_convolutions_of_salnet(tmp_path):
    """Its conv4 and conv5 are 3x3, SalNet's 5x5; what comes after them is dense."""
    shapes = {"conv1": (3, 3, 7, 7), "conv2": (8, 3, 5, 5), "conv3": (15, 8, 3, 3)}
    own = caffe_files.random_layers(shapes | dict.fromkeys(["conv4", "conv5"], (15, 15, 3, 3)))
    own["fc6"] = ("InnerProduct", [np.ones((4, 15 * 9)), np.ones(4)])
    path = caffe_files.write(tmp_path / "VGG_CNN_M.caffemodel", own, generation=1)
    model = build_detector("salnet", image_size=SIZE, width=WIDTH, weights=path)
    for name in shapes:
        kernel = model.get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(kernel, own[name][1][0].transpose(2, 3, 1, 0))
    assert model.get_layer("conv4").kernel.shape[:2] == (5, 5)


def test_vgg16_of_caffe_fits_detectors_and_both_trunks_of_salicon(tmp_path):
    layers = vgg_layers()
    path = caffe_files.write(tmp_path / "vgg.caffemodel", layers, generation=1)
    kernel = layers["conv4_2"][1][0].transpose(2, 3, 1, 0)
    for name, trunks in (("vgg16", [""]), ("salicon", ["", "coarse_"])):
        model = build_detector(name, image_size=64, width=1 / 32, weights=path)
        for prefix in trunks:
            first, later = (
                model.get_layer(f"{prefix}{layer}").get_weights()[0]
                for layer in ("block1_conv1", "block4_conv2")
            )
            np.testing.assert_array_equal(later, kernel)
            np.testing.assert_array_equal(first, layers["conv1_1"][1][0].transpose(2, 3, 1, 0))


def test_open_salicon_sees_pixels_divided_by_255(tmp_path):
    layers = open_salicon_layers()
    path = caffe_files.write(tmp_path / "salicon_osie.caffemodel", layers)
    model = build_detector("salicon", image_size=64, width=1 / 32, weights=path)
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    # Halving by half-pixel interpolation is the mean of four pixels.
    half = image.reshape(32, 2, 32, 2, 3).mean((1, 3))
    for prefix, caffe_prefix, seen in (("", "", image), ("coarse_", "sec_", half)):
        x = (seen[..., ::-1] - np.array([103.939, 116.779, 123.68])) / 255
        for index in (1, 2):
            x = np.maximum(convolve(x, *layers[f"{caffe_prefix}conv1_{index}"][1]), 0)
        got = layer_output(model, f"{prefix}block1_conv2", image)
        np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-4)
    head = model.get_layer("saliency_score").get_weights()
    np.testing.assert_array_equal(head[0][0, 0, :, 0], layers["saliency_map"][1][0][0, :, 0, 0])
    # What was divided once is not divided again by a file of Keras.
    model.save(tmp_path / "own.keras")
    own = build_detector("salicon", image_size=64, width=1 / 32, weights=tmp_path / "own.keras")
    np.testing.assert_array_equal(own(image[None]), model(image[None]))


def test_doubles_and_older_biases_are_read(tmp_path):
    message = caffe_files.net()
    kernel = np.random.default_rng(0).normal(size=(4, 3, 2, 5))
    caffe_files.add(message, "a", "Convolution", [kernel, np.arange(4.0)], 1, doubles=True)
    caffe_files.add(message, "b", "Deconvolution", [kernel])
    path = tmp_path / "net.caffemodel"
    path.write_bytes(message.SerializeToString())
    layers = caffe_file.read_layers(path)
    [[first, bias]], [[second]] = layers["a"], layers["b"]
    assert first.dtype == bias.dtype == np.float32 and first.shape == (2, 5, 3, 4)
    np.testing.assert_array_equal(first, kernel.astype(np.float32).transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(bias, np.arange(4, dtype=np.float32))
    np.testing.assert_array_equal(second, first)


@pytest.mark.parametrize(
    ("caffe", "keras_name"),
    [
        ("conv1_1", "block1_conv1"),
        ("sec_conv5_3", "coarse_block5_conv3"),
        ("saliency_map", "saliency_score"),
        ("conv1", "conv1"),
        ("conv1_1_split", "conv1_1_split"),
    ],
)
def test_names_are_translated(caffe, keras_name):
    assert caffe_file.keras_name(caffe) == keras_name


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path):
    path = caffe_files.write(tmp_path / "net.caffemodel", salnet_layers())
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="net.caffemodel must be a .caffemodel file"):
        caffe_file.read_layers(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="net.caffemodel must hold convolutions.*0 layers"):
        build_detector("salnet", weights=path)
    message = caffe_files.net()
    layer = caffe_files.add(message, "conv1", "Convolution", [np.ones((2, 3, 7, 7))])
    layer.blobs[0].shape.dim[0] = 96
    path.write_bytes(message.SerializeToString())
    with pytest.raises(ValueError, match="layer conv1 of .* is damaged.*14112.*got 294"):
        caffe_file.read_layers(path)
    layer.blobs[0].shape.dim[:] = [294]
    path.write_bytes(message.SerializeToString())
    with pytest.raises(ValueError, match="kernel of four axes; got .294,."):
        caffe_file.read_layers(path)


def test_alexnet_of_caffe_fills_the_features_of_deep_gaze(tmp_path):
    """Its second, fourth and fifth convolution read half of the channels each."""
    shapes = {
        "conv1": (4, 3, 11, 11),
        "conv2": (10, 2, 5, 5),
        "conv3": (16, 10, 3, 3),
        "conv4": (16, 8, 3, 3),
        "conv5": (10, 8, 3, 3),
    }
    own = caffe_files.random_layers(shapes)
    dense = {"fc6": ("InnerProduct", [np.ones((4, 90)), np.ones(4)])}
    path = caffe_files.write(tmp_path / "alexnet.caffemodel", own | dense, generation=1)
    model = build_detector("deep_gaze", image_size=40, width=1 / 24, weights=path)
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    pixels = image[..., ::-1] - np.array([104.007, 116.669, 122.679])
    whole = convolve(pixels, *own["conv1"][1])
    expected = np.maximum(whole[5:-5:4, 5:-5:4], 0)  # no zeros around, every fourth pixel
    got = layer_output(model, "conv1", image)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-2)
    for name in shapes:
        kernel = model.get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(kernel, own[name][1][0].transpose(2, 3, 1, 0))
    own["conv4"] = ("Convolution", [own["conv4"][1][0][:, :-1], own["conv4"][1][1]])
    path = caffe_files.write(tmp_path / "other.caffemodel", own)
    with pytest.raises(ValueError, match="layer conv4 must have the shapes"):
        build_detector("deep_gaze", image_size=40, width=1 / 24, weights=path)
