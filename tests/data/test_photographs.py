"""People's images against the pipeline's own crop, image by image."""

import io
import pathlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry
from salclass_tf.data.photographs import are_photographs, central_views

GEOMETRY = Geometry(16, 20)


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def expected(*images):
    return np.stack([cropping.central_view(tf.constant(i), GEOMETRY).numpy() for i in images])


def encoded(pixels):
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_mixed_list_of_files_and_arrays_of_several_sizes(tmp_path):
    one, two, three = image(30, 50), image(70, 40, 1), image(16, 16, 2)
    path = tmp_path / "one.png"
    path.write_bytes(encoded(one))
    views = central_views([path, two, str(path), three.astype(np.float32)], GEOMETRY)
    np.testing.assert_array_equal(views, expected(one, two, one, three))
    assert views.dtype == np.uint8


def test_single_image_batch_and_array_of_names(tmp_path):
    both = np.stack([image(30, 50), image(30, 50, 1)])
    np.testing.assert_array_equal(central_views(both[0], GEOMETRY), expected(both[0]))
    np.testing.assert_array_equal(central_views(tf.constant(both), GEOMETRY), expected(*both))
    path = tmp_path / "one.png"
    path.write_bytes(encoded(both[1]))
    for given in (path, str(path), np.array([str(path)])):
        np.testing.assert_array_equal(central_views(given, GEOMETRY), expected(both[1]))


def test_floats_are_rounded_to_bytes():
    whole = image(30, 50)
    near = np.clip(whole + np.where(whole % 2, 0.4, -0.4), 0, 255)
    np.testing.assert_array_equal(central_views(near, GEOMETRY), expected(whole))
    black = np.zeros((30, 50, 3), np.float32)
    np.testing.assert_array_equal(central_views(black, GEOMETRY), expected(black.astype(np.uint8)))


def test_what_keras_takes_is_left_to_keras():
    batch = np.zeros((2, 16, 16, 3), np.uint8)
    assert not are_photographs(batch, 16)
    assert not are_photographs({"image": batch}, 16)
    assert not are_photographs(tf.data.Dataset.from_tensors(batch), 16)
    assert not are_photographs((x for x in [batch]), 16)
    assert not are_photographs(np.zeros((2, 30, 50, 3)), None)
    for given in ("a.png", pathlib.Path("a.png"), [batch[0]], batch[0], batch[:, :, :9]):
        assert are_photographs(given, 16)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([], "no images"),
        (np.zeros((30, 50), np.uint8), r"RGB \[h, w, 3\]; got shape \[30, 50\]"),
        ([np.zeros((30, 50, 4), np.uint8)], r"image 0 must be RGB .* \[30, 50, 4\]"),
        ([np.zeros((0, 50, 3), np.uint8)], "image 0 must be RGB"),
        ([image(9, 9), image(9, 9) / 255.0], "image 1 .* times 255"),
        (image(9, 9) - 1.0 - 127.0, r"in \[0, 255\]; got -"),
        (np.full((9, 9, 3), np.nan), r"in \[0, 255\]"),
        (np.zeros((9, 9, 3), bool), "got bool"),
        ("nowhere.png", "cannot read image nowhere.png: No such file"),
    ],
)
def test_what_is_no_image_is_named(given, match):
    with pytest.raises(ValueError, match=match):
        central_views(given, GEOMETRY)


def test_folder_and_damaged_file_are_named(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        central_views(tmp_path, GEOMETRY)
    path = tmp_path / "half.png"
    path.write_bytes(encoded(image(30, 50))[:200])
    with pytest.raises(ValueError, match="cannot decode image .*half.png"):
        central_views([path], GEOMETRY)
