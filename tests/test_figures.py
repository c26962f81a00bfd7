"""The pictures: what is drawn where, read back from the file."""

import numpy as np
import pytest
from PIL import Image

from salclass_tf import figures


def example(**changes):
    values = {
        "image": np.full((32, 32, 3), 90, np.uint8),
        "xy": np.array([[8.0, 24.0]]),
        "maps": (np.zeros((32, 32)), np.ones((32, 32))),
        "truth": "wren",
        "guesses": (("RGB", "wren"), ("joint", "crow")),
    }
    return figures.Example(**(values | changes))


def colours(path):
    return {tuple(c) for c in np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)}


def test_grid_shows_both_ends_of_one_scale_and_the_answers(tmp_path):
    path = tmp_path / "grid.png"
    figures.example_grid([example(), example()], ("before", "after"), "title", path)
    seen = colours(path)
    assert {(68, 1, 84), (253, 231, 36)} <= seen  # viridis at 0 and 1
    for ink in ((0, 114, 178), (213, 94, 0)):  # right and wrong answers, in thin letters
        assert min(max(abs(int(a) - b) for a, b in zip(c, ink, strict=True)) for c in seen) < 25
    assert not list(tmp_path.glob(".*"))


def test_fixation_is_drawn_where_it_is(tmp_path):
    path = tmp_path / "grid.png"
    blank = np.full((32, 32, 3), 90, np.uint8)
    figures.example_grid([example(maps=(), truth="", guesses=(), image=blank)], (), "t", path)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - 90).max(-1) == 0)
    ring = np.abs(pixels - (240, 228, 66)).max(-1) < 30
    y, x = (axis.mean() for axis in np.nonzero(ring))
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert (x - columns.min()) / width == pytest.approx(8.5 / 32, abs=0.03)
    assert (y - rows.min()) / height == pytest.approx(24.5 / 32, abs=0.03)


def test_curves_are_drawn_for_what_was_reported(tmp_path):
    rows = [{"epoch": e, "loss": 1 / e, "cc": 0.1 * e, "val_cc": 0.05 * e} for e in (1, 2, 3)]
    figures.curves(rows, 2, "stage", tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size[0] > 300


def test_strip_has_the_image_and_its_maps_side_by_side():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3), np.uint8)
    maps = [np.zeros((2, 6, 6, 1), np.float32), np.full((2, 6, 6, 1), 1.7, np.float32)]
    strip = figures.strips(images, maps)
    assert strip.shape == (2, 6, 18, 3) and strip.dtype == np.uint8
    np.testing.assert_array_equal(strip[:, :, :6], images)
    assert {tuple(c) for c in strip[:, :, 6:12].reshape(-1, 3)} == {(68, 1, 84)}  # viridis at 0
    assert {tuple(c) for c in strip[:, :, 12:].reshape(-1, 3)} == {(253, 231, 37)}  # and at 1
