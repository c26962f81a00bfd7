"""Screens as they are drawn: what is on them, and what is clear of what."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import virtual_screen
from PIL import Image

from salclass_tf.recording.texts import TEXTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(virtual_screen.why_not()), reason=virtual_screen.why_not() or "-"),
]

GREY = 128


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Greyscale pixels of every screen in German at 1024x768, by name."""
    folder = tmp_path_factory.mktemp("screens")
    program = pathlib.Path(virtual_screen.__file__).with_name("all_screens.py")
    with virtual_screen.screen() as env:
        subprocess.run(
            [sys.executable, str(program), str(folder), "de"],
            env=env | {"PYTHONPATH": str(virtual_screen.ROOT)},
            check=True,
            timeout=120,
        )
    return {p.stem[3:]: np.asarray(Image.open(p).convert("L")) for p in folder.glob("de_*.png")}


def test_all_that_is_drawn_lies_within_the_screen(drawn):
    assert len(drawn) > len(TEXTS["de"]) - 9
    for name, pixels in drawn.items():
        ink = np.argwhere(pixels != GREY)
        assert len(ink) > 200, name
        margins = [*ink.min(axis=0), *(np.array(pixels.shape) - 1 - ink.max(axis=0))]
        assert min(margins) > 0.02 * pixels.shape[0], name


def test_lines_of_a_list_do_not_touch(drawn):
    """Between two lines there are rows without ink, from the question down to the hint."""
    # Lines: the question, what was typed, classes, the count, the hint. Dots of umlauts stand apart
    # from their letters by a pixel.
    for name, lines in (("digits", 1 + 4 + 1), ("many", 1 + 11 + 2), ("typed", 2 + 11 + 2)):
        inked = (drawn[name] != GREY).any(axis=1)
        assert count_lines(inked) == lines, name


def count_lines(inked, gap=4):
    """Runs of inked rows, where gaps of a few pixels do not count."""
    rows = np.flatnonzero(inked)
    return 1 + int((np.diff(rows) > gap).sum())


def test_a_long_caption_is_clear_of_its_picture(drawn):
    pixels = drawn["caption"]
    end = 300 + int(np.argmax(pixels[300:, 512] != pixels[300, 512]))
    assert pixels[end, 512] == GREY
    below = (pixels[end:] != GREY).any(axis=1)
    assert not below[:10].any()
    assert below.any()


def test_text_is_black_on_grey(drawn):
    # Contrast of black on grey 128 by WCAG 2: (L + 0.05) / 0.05, where 4.5 is asked for.
    for name, pixels in drawn.items():
        assert pixels.min() == 0, name
        assert pixels[0, 0] == GREY, name
    luminance = ((GREY / 255 + 0.055) / 1.055) ** 2.4
    assert (luminance + 0.05) / 0.05 > 4.5
