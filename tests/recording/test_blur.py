"""Blur of pictures, and their place on the screen."""

import math

import numpy as np
import pytest
from PIL import Image

from salclass_tf.recording import blur
from salclass_tf.recording.screen import Place, Screen

SCREEN = Screen(1024, 768, 40.0, 60.0)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 10**0.5, 6.0])
def test_blur_of_an_edge_is_the_normal_distribution(sigma):
    edge = np.zeros((9, 121, 3), np.uint8)
    edge[:, 60:] = 200
    row = blur.blurred(edge, sigma)[4, :, 1]
    # The kernel is sampled at whole pixels: a step of single weights exp(-k^2 / 2 sigma^2).
    k = np.arange(-40, 41)
    weights = np.exp(-(k**2) / (2 * sigma**2))
    weights /= weights.sum()
    expected = [200 * weights[k >= 60 - column].sum() for column in range(121)]
    np.testing.assert_allclose(row, expected, atol=0.8)


def test_no_blur_is_the_picture_itself():
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    assert blur.blurred(pixels, 0) is pixels


def test_colours_do_not_mix():
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[..., 0] = 250
    assert (blur.blurred(pixels, 3.0) == pixels).all()


def test_a_picture_fills_its_place():
    place = Place(3, 5, 40, 30)
    assert blur.shown(Image.new("RGB", (80, 60)), place).shape == (30, 40, 3)


def test_a_degree_is_that_of_geometry():
    # atan of half a degree on both sides of the middle.
    assert SCREEN.pixels_per_degree == pytest.approx(2 * 60 * math.tan(math.pi / 360) * 25.6)


@pytest.mark.parametrize(
    ("size", "place"),
    [
        ((500, 375), Place(102, 77, 819, 614)),
        ((100, 400), Place(435, 77, 154, 614)),
        ((4000, 100), Place(102, 374, 819, 20)),
        ((1, 9000), Place(511, 77, 1, 614)),
    ],
)
def test_pictures_keep_their_shape_in_the_middle(size, place):
    assert SCREEN.place(*size, 0.8) == place


def test_psychopys_pixels_count_from_the_top_left():
    assert SCREEN.from_centred(-212, 184) == (300, 200)


@pytest.mark.parametrize("numbers", [(0, 768, 40, 60), (1024, 768, math.nan, 60)])
def test_a_screen_without_size(numbers):
    with pytest.raises(ValueError, match="above 0"):
        Screen(*numbers)
