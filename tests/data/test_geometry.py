"""Tests of the arithmetic of sizes, which has one home for numbers, arrays and tensors."""

import fractions
import math
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.data.geometry import Geometry, resized_size
from salclass_tf.evaluation.methods import crops
from salclass_tf.serving import headers, overlays

SIZES = [(480, 640), (640, 480), (47, 300), (300, 47), (61, 61), (1, 7), (1999, 2)]
GEOMETRY = Geometry(40, 46)


def _exact(side: int, shorter: int, short_side: int) -> int:
    """Nearest whole number to `side * short_side / shorter`, a half upwards, in exact fractions."""
    return math.floor(fractions.Fraction(side * short_side, shorter) + fractions.Fraction(1, 2))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("short_side", [1, 46, 340])
def test_short_side_is_met_and_the_other_one_is_the_nearest_whole_number(size, short_side):
    expected = tuple(_exact(side, min(size), short_side) for side in size)
    assert resized_size(*size, short_side) == expected and min(expected) == short_side


@pytest.mark.parametrize("size", SIZES)
def test_numbers_arrays_and_tensors_in_a_graph_are_one_arithmetic(size):
    plain = GEOMETRY.resized(*size)
    assert tuple(int(x) for x in GEOMETRY.resized(*np.array(size, np.int32))) == plain
    for dtype in (tf.int32, tf.int64):
        graph = tf.function(lambda h, w: GEOMETRY.resized(h, w), autograph=False)
        assert tuple(int(x) for x in graph(*tf.unstack(tf.constant(size, dtype)))) == plain
    box = tf.function(lambda h, w: GEOMETRY.central_box(h, w), autograph=False)
    assert [float(x) for x in box(*tf.unstack(tf.constant(size)))] == pytest.approx(
        GEOMETRY.central_box(*size), rel=1e-12
    )


@pytest.mark.parametrize("size", [(61, 90), (90, 61), (300, 47)])
def test_everyone_who_crops_or_places_uses_that_arithmetic(size):
    height, width = GEOMETRY.resized(*size)
    row, column = GEOMETRY.central_origin(height, width)
    ramps = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    for axis, first in enumerate((row, column)):
        whole = tf.constant(ramps[..., axis : axis + 1], tf.float32)
        assert crops.central_map(whole, tf.constant(size), GEOMETRY).numpy().min() == first
    origin, scale = (x.numpy() for x in overlays.crop_in_original(tf.constant(size), GEOMETRY))
    left, upper, right, lower = GEOMETRY.central_box(*size)
    np.testing.assert_allclose(origin, (upper, left), rtol=1e-6)
    np.testing.assert_allclose(origin + 40 * scale, (lower, right), rtol=1e-6)
    claimed = headers.resized_pixels(*tf.unstack(tf.constant(size, tf.int64)), 46)
    assert int(claimed) == height * width


def test_crop_in_the_original_maps_back_onto_the_centre_of_the_resized_image():
    left, upper, right, lower = GEOMETRY.central_box(92, 184)  # halved to 46 x 92
    assert (upper, lower) == (6.0, 86.0) and (left, right) == (52.0, 132.0)


def test_another_image_size_keeps_the_ratio():
    assert Geometry.for_image_size(598) == Geometry(598, 680)
    assert Geometry(100, 112).with_image_size(50) == Geometry(50, 56)


def test_arithmetic_needs_no_tensorflow():
    code = "import sys; import salclass_tf.data.geometry; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
