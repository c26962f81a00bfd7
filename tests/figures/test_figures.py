"""The pictures: what is drawn where, read back from the file."""

import matplotlib
import numpy as np
import pytest
import scipy.stats
from PIL import Image

from salclass_tf import figures
from salclass_tf.figures import alpha, canvas


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


def test_curves_show_training_and_validation_and_mark_the_kept_epoch(tmp_path, monkeypatch):
    names = ("loss", "classification_loss", "saliency_loss", "accuracy", "cc")
    rows = [
        {"epoch": e}
        | {n: e + i / 10 for i, n in enumerate(names)}
        | {f"val_{n}": -e for n in names}
        for e in (1.0, 2.0, 3.0)
    ]
    drawn, write = [], canvas.write
    monkeypatch.setattr(canvas, "write", lambda f, path: (drawn.append(f), write(f, path)))
    figures.curves([], 2, "a stage whose history is lost", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
    figures.curves(rows, 2, "stage", tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size[0] > 300
    panels = drawn[0].axes
    titles = ["loss", "class error $L_C$", "map error $L_S$", "accuracy", "CC"]
    assert [panel.get_title() for panel in panels] == titles
    for index, panel in enumerate(panels):
        training, validation, kept = panel.get_lines()
        np.testing.assert_array_equal(training.get_ydata(), [e + index / 10 for e in (1, 2, 3)])
        np.testing.assert_array_equal(validation.get_ydata(), [-1, -2, -3])
        assert list(kept.get_xdata()) == [2, 2]
    assert [text.get_text() for text in panels[-1].get_legend().get_texts()] == [
        "training",
        "validation",
        "kept",
    ]


def test_strip_has_the_image_and_its_maps_side_by_side():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3), np.uint8)
    maps = [np.zeros((2, 6, 6, 1), np.float32), np.full((2, 6, 6, 1), 1.7, np.float32)]
    strip = figures.strips(images, maps)
    assert strip.shape == (2, 6, 18, 3) and strip.dtype == np.uint8
    np.testing.assert_array_equal(strip[:, :, :6], images)
    assert {tuple(c) for c in strip[:, :, 6:12].reshape(-1, 3)} == {(68, 1, 84)}  # viridis at 0
    assert {tuple(c) for c in strip[:, :, 12:].reshape(-1, 3)} == {(253, 231, 37)}  # and at 1


def test_strip_ends_with_the_answer_in_the_colour_of_right_or_wrong():
    images = np.zeros((2, 299, 299, 3), np.uint8)
    strip = figures.strips(images, answers=[("wren", "wren"), ("wren", "house sparrow")])
    assert strip.shape == (2, 299, 598, 3)
    np.testing.assert_array_equal(strip[:, :, :299], images)
    inks = [{tuple(c) for c in one[:, 299:].reshape(-1, 3)} for one in strip]
    blue, vermilion = (0, 114, 178), (213, 94, 0)
    assert blue in inks[0] and vermilion not in inks[0]
    assert vermilion in inks[1] and blue not in inks[1]
    assert all((0, 0, 0) in ink for ink in inks)  # the true class


GREY = np.full((40, 40, 3), 90, np.uint8)


def row(*values, **changes):
    """A row of constant maps, the true one first."""
    truth, *maps = (np.full((40, 40), value, np.float64) for value in values)
    scores = tuple({"NSS": 1.0, "CC": np.nan} for _ in maps)
    fields = {"name": "a", "image": GREY, "xy": np.zeros((0, 2)), "truth": truth}
    return figures.Row(**(fields | {"maps": tuple(maps), "scores": scores} | changes))


def cells(path, count):
    """Colours in the middles of so many cells of one row, from the left."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    line = pixels[np.nonzero((pixels == 90).all(-1).sum(1) > 40)[0].mean().astype(int)]
    inside = np.abs(line - 255).max(-1) > 3
    edges = np.flatnonzero(np.diff(np.r_[0, inside, 0]))
    wide = [pair for pair in edges.reshape(-1, 2) if np.ptp(pair) > 60]
    assert len(wide) == count
    return [tuple(line[(left + right) // 2]) for left, right in wide]


def seen_as(value, colours="viridis"):
    return tuple(int(round(255 * c)) for c in matplotlib.colormaps[colours](value)[:3])


def near(colour, expected):
    return np.abs(np.subtract(colour, expected)).max() <= 2


def test_all_maps_of_a_comparison_have_one_scale(tmp_path):
    scale = figures.Scale(-1, 3, "height")
    change = figures.Scale(-2, 2, "change", figures.CHANGE_COLOURS)
    rows = [row(-1.0, 1.0, 3.0, change=np.full((40, 40), -2.0))]
    png, pdf = figures.comparison(rows, ("a", "b"), "t", tmp_path / "grid", scale, change)
    image, *maps, changed = cells(png, 5)
    assert image == (90, 90, 90)
    for colour, value in zip(maps, (0.0, 0.5, 1.0), strict=True):
        assert near(colour, seen_as(value))
    assert near(changed, seen_as(0.0, figures.CHANGE_COLOURS))
    assert pdf.read_bytes().startswith(b"%PDF")
    assert {path.name for path in tmp_path.iterdir()} == {"grid.png", "grid.pdf"}


def test_comparison_without_gaze_has_no_column_for_it(tmp_path):
    rows = [row(0.0, 0.0, 1.0, truth=None)]
    png, _ = figures.comparison(rows, ("a", "b"), "t", tmp_path / "grid", figures.Scale(0, 1, "h"))
    _, low, high = cells(png, 3)
    assert near(low, seen_as(0.0)) and near(high, seen_as(1.0))


def test_equal_figures_are_equal_files(tmp_path):
    made = [
        figures.comparison([row(0, 1)], ("a",), "t", tmp_path / name, figures.Scale(0, 1, "h"))
        for name in ("one", "two")
    ]
    for first, second in zip(*made, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_undefined_scores_are_left_out():
    assert figures.caption({"NSS": 1.234, "CC": float("nan")}) == "NSS 1.23"
    assert figures.caption({"NSS": -0.5, "CC": 0.25}) == "NSS -0.50   CC 0.25"
    assert figures.caption({"CC": -0.001}) == "CC 0.00"


def test_overlay_lies_where_the_map_and_the_eyes_were(tmp_path):
    height = np.zeros((40, 40))
    height[28:33, 6:11] = 1.0
    one = figures.Overlay(GREY, height, np.array([[30.0, 10.0]]), "a")
    png, _ = figures.overlays([one], "t", tmp_path / "over", figures.Scale(0, 1, "h"))
    pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
    # Luma of 90 is a hair below 90.
    rows, columns = np.nonzero((np.abs(pixels - 89.5) < 1).all(-1))
    top, left, side = rows.min(), columns.min(), np.ptp(columns) + 1
    inside = pixels[top : top + side, left : left + side]
    peak = 0.25 * 90 + 0.75 * np.array(seen_as(1.0))
    for colour, (x, y) in ((peak, (8.5, 30.5)), ((240, 228, 66), (30.5, 10.5))):
        found = np.nonzero(np.abs(inside - np.array(colour)).max(-1) < 25)
        assert [axis.mean() / side * 40 for axis in found] == pytest.approx([y, x], abs=0.8)
    # Where the map is low the image shows as it is.
    assert near(inside[side // 2, side // 2], (90, 90, 90))


def test_overlays_fill_their_rows(tmp_path):
    one = figures.Overlay(GREY, np.zeros((40, 40)), np.zeros((0, 2)), "a")
    counts = []
    for number in (4, 5, 6, 8, 9):
        path = tmp_path / "over"
        png, _ = figures.overlays([one] * number, "t", path, figures.Scale(0, 1, "h"))
        pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
        dark = (np.abs(pixels - 89.5) < 1).all(-1)
        counts.append([np.diff(np.r_[0, dark.sum(axis) > 60]).clip(0).sum() for axis in (1, 0)])
    assert counts == [[1, 4], [2, 3], [2, 3], [2, 4], [3, 3]]


def test_alpha_curves_show_the_trials_and_wilson_intervals(tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "publish", lambda figure, path: figure)
    trials = [figures.Trial(a, m, 50, x) for a, m, x in ((0.5, 0.02, 0.0), (0.7, 0.03, 0.2))]
    sweep = figures.Sweep(trials, figures.Trial(0.4, 0.01, 50))
    figure = alpha.alpha_curves([sweep], "t", tmp_path / "a")
    left, right = figure.axes
    (container,) = left.containers
    np.testing.assert_allclose(np.asarray(container.lines[0].get_ydata(), float), [50, 70])
    segments = container.lines[2][0].get_segments()
    z, n = scipy.stats.norm.ppf(0.975), 50
    for p, segment in zip((0.5, 0.7), segments, strict=True):
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        np.testing.assert_allclose(segment[:, 1], [100 * (middle - half), 100 * (middle + half)])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [0.02, 0.03])
    dashed = {line.get_label(): line for line in left.lines}
    assert dashed["before joint"].get_ydata()[0] == pytest.approx(40)
    assert dashed["the paper's choice"].get_xdata()[0] == 1
    assert [text.get_text() for text in right.get_xticklabels()] == ["0", "0.2"]


def test_alpha_curves_of_several_seeds_are_means_with_the_seeds_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "publish", lambda figure, path: figure)
    sweeps = [
        figures.Sweep(
            [figures.Trial(a, m, 50, x) for a, m, x in ((low, 0.02, 0.0), (0.7, error, 0.2))],
            figures.Trial(before, 0.01, 50),
        )
        for low, error, before in ((0.5, 0.03, 0.4), (0.6, 0.05, 0.3))
    ]
    left, right = alpha.alpha_curves(sweeps, "t", tmp_path / "a").axes
    (container,) = left.containers
    mean, *single = (np.asarray(line.get_ydata(), float) for line in left.lines[:3])
    assert container.lines[0] is left.lines[0] and not container.has_yerr
    np.testing.assert_allclose([mean, *single], [[55, 70], [50, 70], [60, 70]])
    np.testing.assert_allclose(
        [line.get_ydata() for line in right.lines[:3]], [[0.02, 0.04], [0.02, 0.03], [0.02, 0.05]]
    )
    dashed = {line.get_label(): line for line in left.lines}
    assert dashed["before joint"].get_ydata()[0] == pytest.approx(35)
    assert left.get_title() == "accuracy (%), mean and 2 seeds"
    with pytest.raises(ValueError, match="the same alphas"):
        short = figures.Sweep(sweeps[0].trials[:1])
        alpha.alpha_curves([sweeps[0], short], "t", tmp_path / "a")


def test_images_and_maps_of_a_row_are_in_line(tmp_path):
    rows = [row(0.0, 0.0), row(0.0, 0.0)]
    png, _ = figures.comparison(rows, ("a",), "t", tmp_path / "grid", figures.Scale(0, 1, "h"))
    pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
    dark = seen_as(0.0)
    image, mapped = (
        np.flatnonzero((np.abs(pixels - colour).max(-1) <= 2).sum(1) > 100)
        for colour in ((90, 90, 90), dark)
    )
    np.testing.assert_array_equal(image, mapped)


def test_many_fixations_leave_the_map_to_be_seen(tmp_path):
    rng = np.random.default_rng(0)
    shares = []
    for count in (0, 20, 400):
        xy = rng.uniform(0, 40, (count, 2))
        rows = [row(0.0, 0.0, xy=xy)]
        png, _ = figures.comparison(rows, ("a",), "t", tmp_path / "grid", figures.Scale(0, 1, "h"))
        pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
        shares.append((np.abs(pixels - seen_as(0.0)).max(-1) <= 2).sum())
    free, few, many = shares
    assert free - few > 1000 and many > 0.8 * few
