import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from tfds_builders.gaze_folder import maps, report, study

SHAPE = (60, 80)


def blurred(seed=0):
    """A heat map with a few spots, uint8."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(SHAPE)
    counts[rng.integers(8, 52, 5), rng.integers(8, 72, 5)] = 1
    heat = scipy.ndimage.gaussian_filter(counts, 4)
    return (255 * heat / heat.max()).astype(np.uint8)


def dotted(value=255):
    """A binary fixation map of three pixels."""
    dots = np.zeros(SHAPE, np.uint8)
    dots[[5, 30, 59], [7, 40, 79]] = value
    return dots


KINDS = {
    "heat map": blurred(),
    "points": dotted(1),
    "black": np.zeros(SHAPE, np.uint8),
    "flat": np.full(SHAPE, 50, np.uint8),
    "mask": np.where(blurred() > 80, 255, 0).astype(np.uint8),
    "inverted": 255 - blurred(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_maps_are_told_apart(kind):
    assert maps.kind(KINDS[kind].astype(int)) == kind


@pytest.fixture
def folder(tmp_path):
    """Four pictures of twice the size of their maps; the maps are for the test."""
    root = tmp_path / "study"
    for stem in "abcd":
        (root / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (160, 120), (90, 90, 90)).save(root / f"images/{stem}.png")
    (root / "heatmaps").mkdir()
    return root


def write_maps(root, *values):
    for stem, value in zip("abcd", values, strict=True):
        Image.fromarray(value).save(root / f"heatmaps/{stem}.png")


def test_good_heat_maps_are_not_suspected(folder):
    write_maps(folder, *map(blurred, range(4)))
    outcome = report.examine(study.open_study(folder))
    assert (outcome.suspicions, outcome.problems) == ((), ())


def test_binary_fixation_maps_are_read_as_points(folder):
    write_maps(folder, dotted(), dotted(1), KINDS["black"], dotted())
    found = study.open_study(folder)
    assert found.gaze.form == "points" and sorted(found.gaze.by_stem) == ["a", "b", "d"]
    for value in found.gaze.by_stem.values():
        np.testing.assert_array_equal(value.x, [14.5, 80.5, 158.5])
        np.testing.assert_array_equal(value.y, [10.5, 60.5, 118.5])
        assert set(value.viewer) == set(value.duration_ms) == {-1}
    text = str(report.examine(found))
    assert "are read as points; viewers and durations are unknown" in text
    assert "images without gaze, left out: 1 (c)" in text


def test_what_is_no_heat_map_is_named_with_the_count(folder):
    write_maps(folder, KINDS["black"], KINDS["mask"], KINDS["flat"], dotted())
    texts = report.examine(study.open_study(folder)).suspicions
    assert [text.split(" (such as ")[1] for text in texts] == ["a)", "c)", "b)", "d)"]
    assert texts[0].startswith("1 of 4 heat maps are all black")
    assert "binary fixation maps among" in texts[3] or "fixation maps among" in texts[3]


def test_inverted_maps_are_named_if_they_are_many(folder):
    write_maps(folder, *(255 - blurred(seed) for seed in range(4)))
    (text,) = report.examine(study.open_study(folder)).suspicions
    assert text.startswith("4 of 4 heat maps are bright on most") and "mogrify -negate" in text
    write_maps(folder, *map(blurred, range(3)), 255 - blurred())
    assert report.examine(study.open_study(folder)).suspicions == ()


def test_one_error_of_many_files_is_printed_once(folder):
    write_maps(folder, *(blurred(seed).astype(np.uint16) * 200 for seed in range(4)))
    outcome = report.examine(study.open_study(folder))
    (text,) = outcome.problems
    assert "must be grey" in text and "mode I;16" in text
    assert text.endswith("(so are 4 files: 4 (a, b, c, d))")
