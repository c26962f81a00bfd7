"""The grid of regions: what stands where, read back from the file."""

import numpy as np
import pytest
from PIL import Image

from salclass_tf import figures

COLOURS = {
    "a": (250, 0, 0),
    "b": (0, 250, 0),
    "c": (0, 0, 250),
    "d": (250, 250, 0),
    "e": (0, 250, 250),
    "f": (250, 0, 250),
}


def region(name, height=3, width=3):
    """A region of one colour."""
    return np.full((height, width, 3), COLOURS[name], np.uint8), "1.0"


def extent(path, name):
    """Row and column of the middle of a region, its height and its width, in pixels."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    rows, columns = np.nonzero((pixels == COLOURS[name]).all(-1))
    return rows.mean(), columns.mean(), np.ptp(rows), np.ptp(columns)


def test_regions_stand_in_rows_of_maps_and_groups_of_sets(tmp_path):
    rows = [
        figures.RegionRow("conv1\nsees 3 px", "channel 0", ((region("a"), region("b")), ())),
        figures.RegionRow("conv1\nsees 3 px", "channel 7", ((), (region("c"),))),
        figures.RegionRow(
            "mixed2", "channel 1", ((region("d", 9, 3),), (region("e", 9, 9), region("f", 9, 9)))
        ),
    ]
    png, pdf = figures.region_grid(rows, ["dogs", "birds"], 2, "t", tmp_path / "regions")
    y, x, height, width = (
        dict(zip(COLOURS, values, strict=True))
        for values in zip(*(extent(png, name) for name in COLOURS), strict=True)
    )
    assert y["a"] == y["b"] < y["c"] < y["d"] == y["e"] == y["f"]
    assert y["d"] - y["c"] > y["c"] - y["a"] + 5  # another layer
    assert x["a"] == x["d"] < x["b"] < x["c"] == x["e"] < x["f"]
    assert x["f"] - x["e"] == pytest.approx(x["b"] - x["a"], abs=1.5)
    assert x["e"] - x["b"] > x["b"] - x["a"] + 10  # another set
    # Small regions are brought to the size of large ones; an oblong one keeps its shape.
    for name in "abcef":
        assert (height[name], width[name]) == pytest.approx((height["f"],) * 2, abs=2)
    assert height["d"] == pytest.approx(3 * width["d"], abs=6)
    assert height["d"] == pytest.approx(height["f"], abs=2)
    assert pdf.read_bytes().startswith(b"%PDF")
