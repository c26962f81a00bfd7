import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from salclass_tf import layers

INDICES = [0, 1, 10, 100, 149, 150, 298]


@pytest.mark.parametrize(
    ("align_corners", "expected"),
    [
        # Torch7's and PyTorch's corner-aligned, and tf.image.resize's half-pixel values.
        (True, [0, 0.030201, 0.302013, 3.020134, 4.5, 4.530201, 9]),
        (False, [0, 0, 0, 2.861204, 4.5, 4.533444, 9]),
    ],
)
def test_ramp_has_the_values_of_torch_or_tensorflow(align_corners, expected):
    ramp = np.tile(np.arange(10, dtype=np.float32), (10, 1))
    upsampling = layers.BilinearUpsampling(299, align_corners)
    along_columns = upsampling(ramp[np.newaxis, :, :, np.newaxis])[0, 7, :, 0]
    along_rows = upsampling(ramp.T[np.newaxis, :, :, np.newaxis])[0, :, 7, 0]
    np.testing.assert_allclose(along_columns.numpy()[INDICES], expected, atol=2e-6)
    np.testing.assert_allclose(along_rows.numpy()[INDICES], expected, atol=2e-6)


@pytest.mark.parametrize("size", [(7, 5), (3, 4), (11, 2), (1, 1), (2, 9)])
def test_aligned_corners_equal_scipy_linear_zoom(size):
    maps = np.random.default_rng(0).random((2, 3, 4, 2))
    grid = np.meshgrid(*(np.linspace(0, n - 1, m) for n, m in zip((3, 4), size, strict=True)))
    expected = np.empty((2, *size, 2))
    for b, c in np.ndindex(2, 2):
        flat = scipy.ndimage.map_coordinates(maps[b, :, :, c], [g.T for g in grid], order=1)
        expected[b, :, :, c] = flat
    got = layers.BilinearUpsampling(size)(maps.astype(np.float32))
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("size", [(9, 8), (6, 5)])
def test_half_pixel_equals_tf_image_resize(size):
    maps = np.random.default_rng(1).random((2, 3, 4, 2), dtype=np.float32)
    got = layers.BilinearUpsampling(size, align_corners=False)(maps)
    np.testing.assert_allclose(got, tf.image.resize(maps, size), atol=1e-6)


def test_upsampling_keeps_float32_under_mixed_precision_and_passes_gradients():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        upsampling = layers.BilinearUpsampling((5, 3))
    finally:
        keras.config.set_dtype_policy(policy)
    maps = tf.Variable(np.full((1, 2, 2, 1), 1.001, np.float32))
    with tf.GradientTape() as tape:
        result = upsampling(maps)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, 1.001, rtol=1e-6)
    # Rows of both matrices sum to 1, so every output spreads a weight of 1 over the inputs.
    assert float(tf.reduce_sum(tape.gradient(result, maps))) == pytest.approx(15, rel=1e-6)


def test_layers_come_back_from_their_configuration():
    original = layers.BilinearUpsampling((5, 3), align_corners=False, name="saliency")
    config = keras.saving.serialize_keras_object(original)
    twin = keras.saving.deserialize_keras_object(config)
    maps = np.random.default_rng(2).random((1, 2, 4, 1), dtype=np.float32)
    assert twin.name == "saliency"
    np.testing.assert_array_equal(twin(maps), original(maps))


@pytest.mark.parametrize("size", [0, (3, -1), (2, 2, 2), 2.5])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match="positive integers"):
        layers.BilinearUpsampling(size)


def test_unknown_map_sizes_are_refused():
    with pytest.raises(ValueError, match="known h and w"):
        layers.BilinearUpsampling(4)(keras.Input((None, 3, 1)))


def test_vgg_preprocessing_equals_keras():
    image = np.random.default_rng(3).integers(0, 256, (2, 3, 5, 3), np.uint8)
    expected = keras.applications.vgg19.preprocess_input(image.astype(np.float32))
    np.testing.assert_allclose(layers.VggPreprocessing()(image), expected, atol=1e-4)
    pixel = np.array([[[[10, 20, 30]]]], np.uint8)
    np.testing.assert_allclose(
        layers.VggPreprocessing()(pixel)[0, 0, 0], [-73.939, -96.779, -113.68], atol=1e-4
    )


@pytest.mark.parametrize(("neighbours", "channels"), [(5, 7), (3, 4), (5, 2), (1, 3)])
def test_local_response_normalization_is_caffes(neighbours, channels):
    x = np.random.default_rng(4).normal(0, 50, (2, 3, 4, channels))
    expected = np.empty_like(x)
    for c in range(channels):
        around = [i for i in range(channels) if abs(i - c) <= neighbours // 2]
        energy = sum(x[..., i] ** 2 for i in around)
        expected[..., c] = x[..., c] / (1 + 0.02 / neighbours * energy) ** 0.6
    assert not np.allclose(expected, x, rtol=0.2)
    layer = layers.LocalResponseNormalization(neighbours, alpha=0.02, beta=0.6, name="norm")
    np.testing.assert_allclose(layer(x.astype(np.float32)), expected, rtol=1e-5)
    twin = layers.LocalResponseNormalization.from_config(layer.get_config())
    np.testing.assert_array_equal(twin(x.astype(np.float32)), layer(x.astype(np.float32)))
    assert twin.name == "norm"


@pytest.mark.parametrize("neighbours", [0, 4, -1])
def test_normalization_over_an_even_number_of_channels_is_refused(neighbours):
    with pytest.raises(ValueError, match="odd number of channels"):
        layers.LocalResponseNormalization(neighbours)


def test_caffe_preprocessing_swaps_subtracts_and_scales():
    layer = layers.CaffePreprocessing((100.0, 110.0, 118.0), 0.5)
    pixel = np.array([[[[10, 20, 30]]]], np.uint8)
    twin = layers.CaffePreprocessing.from_config(layer.get_config())
    for one in (layer, twin):
        np.testing.assert_allclose(one(pixel)[0, 0, 0], [-35, -45, -54])
    vgg = layers.VggPreprocessing(name="vgg")
    assert "means" not in vgg.get_config()  # files of older versions have none either
    np.testing.assert_array_equal(
        layers.VggPreprocessing.from_config(vgg.get_config())(pixel), vgg(pixel)
    )
    with pytest.raises(ValueError, match="blue, green and red"):
        layers.CaffePreprocessing((1.0,))


def test_bilinear_kernel_enlarges_as_tensorflow_interpolates():
    maps = np.random.default_rng(5).random((1, 6, 5, 1), dtype=np.float32)
    enlarge = keras.layers.Conv2DTranspose(
        1, 8, strides=4, padding="same", use_bias=False, kernel_initializer=layers.BilinearKernel()
    )
    inner = np.s_[:, 4:-4, 4:-4]  # cells at the border have zeros beside them
    expected = tf.image.resize(maps, (24, 20))
    np.testing.assert_allclose(enlarge(maps)[inner], expected[inner], atol=1e-6)


@pytest.mark.parametrize(("side", "stride", "pad"), [(8, 4, 2), (4, 2, 1), (3, 1, 1), (16, 8, 4)])
def test_same_padding_is_caffes_deconvolution(side, stride, pad):
    """Caffe adds a kernel per cell and cuts `pad` off; float64, two channels to three."""
    rng = np.random.default_rng(6)
    x, kernel = rng.normal(size=(5, 4, 2)), rng.normal(size=(side, side, 3, 2))
    full = np.zeros((stride * 4 + side, stride * 3 + side, 3))
    for i, j in np.ndindex(5, 4):
        full[stride * i : stride * i + side, stride * j : stride * j + side] += kernel @ x[i, j]
    layer = keras.layers.Conv2DTranspose(3, side, stride, padding="same", use_bias=False)
    layer.build((1, 5, 4, 2))
    layer.set_weights([kernel])
    got = layer(x[None].astype(np.float32))[0]
    np.testing.assert_allclose(got, full[pad:-pad, pad:-pad], atol=1e-4)
