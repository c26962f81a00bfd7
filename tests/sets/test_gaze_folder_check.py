import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import __main__ as command
from tfds_builders.gaze_folder import contact_sheet, report, study, suspicions

WIDTH, HEIGHT = 400, 300


def people(count=2000, spread=0.18, seed=0):
    """Fixations about the centre of images, five viewers."""
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0.5, spread, count), 0.01, 0.98) * WIDTH
    y = np.clip(rng.normal(0.5, spread, count), 0.01, 0.98) * HEIGHT
    return x, y, np.arange(count) % 5


def suspect(x, y, viewer, width=WIDTH, height=HEIGHT):
    ones = np.ones(len(x))
    return suspicions.suspect(suspicions.Points(x, y, ones * width, ones * height, viewer))


def test_good_fixations_are_not_suspected():
    x, y, viewer = people()
    assert suspect(x, y, viewer) == []
    assert suspect(x[:0], y[:0], viewer[:0]) == []


def test_some_points_off_the_image_are_normal():
    x, y, viewer = people()
    x[:60] = WIDTH + 5
    assert suspect(x, y, viewer) == []


def test_swapped_axes_are_suspected():
    x, y, viewer = people(spread=0.3)
    (text,) = suspect(y, x, viewer)
    assert "x and y look swapped" in text and "(then 0.0% would)" in text


@pytest.mark.parametrize("shift", [(760, 390), (-150, 0), (0, 200)])
def test_a_shift_is_suspected_and_measured(shift):
    x, y, viewer = people()
    texts = suspect(x + shift[0], y + shift[1], viewer)
    assert len(texts) == 1 and "all look shifted" in texts[0]
    right, down = texts[0].split("is (")[1].split(")")[0].split(", ")
    np.testing.assert_allclose([int(right), int(down)], shift, atol=4)


def test_a_shift_that_stays_on_the_image_is_suspected():
    x, y, viewer = people(spread=0.05)
    (text,) = suspect(x + 100, y, viewer)
    right = int(text.removeprefix("the middle of all fixations lies (").split(",")[0])
    assert right == pytest.approx(100, abs=3)


def test_another_scale_is_suspected():
    x, y, viewer = people(spread=0.3)
    (text,) = suspect(3 * x, 3 * y, viewer)
    assert "a picture about 2.9" in text


def test_shares_of_the_image_are_suspected():
    x, y, viewer = people()
    (text,) = suspect(x / WIDTH, y / HEIGHT, viewer)
    assert "at most 1" in text


def test_points_that_no_mistake_explains_are_told():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-2, 3, (2, 2000)) * [[WIDTH], [HEIGHT]]
    (text,) = suspect(x, y, np.zeros(2000, int))
    assert "beside their image; see the contact sheet" in text


def test_a_viewer_beside_the_others_is_named():
    x, y, viewer = people()
    (text,) = suspect(x + 60 * (viewer == 3), y, viewer)
    name, share = text.split(" of the width")[0].split(" looks ")
    assert name == "viewer 3" and int(share[:-1]) == pytest.approx(15, abs=4)


def test_gather_joins_images_of_different_sizes():
    def two(x):
        return fixation_table.Fixations(*np.full((3, 2), float(x)), np.array([0, 1]))

    points = suspicions.gather({"a": two(5), "b": two(9), "c": two(1)}, {"a": (4, 8), "b": (8, 10)})
    np.testing.assert_array_equal(points.width, [8, 8, 10, 10])
    np.testing.assert_array_equal(points.height, [4, 4, 8, 8])
    np.testing.assert_array_equal(points.off_image(), [True, True, True, True])
    assert len(suspicions.gather({}, {}).x) == 0


@pytest.fixture
def folder(tmp_path):
    """Six grey images in two classes with ten fixations each; two of them off the image."""
    root = tmp_path / "study"
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number in range(6):
        path = root / ("cat" if number < 3 else "dog") / f"p{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90)).save(path)
        for place in range(10):
            x = WIDTH + 9 if number == 5 and place > 7 else 100 + 20 * place
            lines.append(f"p{number},{place % 2},{place},{x},{150},200")
    (root / "fixations.csv").write_text("\n".join(lines))
    return root


def test_the_report_counts(folder):
    Image.new("RGB", (WIDTH, HEIGHT)).save(folder / "cat/unseen.png")
    text = str(report.examine(study.open_study(folder)))
    for line in (
        "7 images; gaze as points, on 6 of them",
        "splits (ours): train 5, test 1",
        "images without gaze, left out: 1 (unseen)",
        "gaze without an image: none",
        "2 classes: cat 4, dog 3",
        "fixations: 60",
        "an image: 10 to 10, median 10",
        "median duration: 200 ms",
        "beside their image, dropped: 2 (3.3%)",
        "viewer 0: 30 fixations, 3.3% off image",
        "blur of heat maps: 12.0 pixels (a guess",
    ):
        assert line in text
    assert text.endswith("This folder would build.")


def test_what_would_not_build_is_an_error_of_the_report(folder, tmp_path, capsys):
    (folder / "cat/p1.png").write_bytes((folder / "cat/p1.png").read_bytes()[:90])
    (folder / "dog/p4.png").unlink()
    assert command.main(["check", str(folder), f"--out={tmp_path / 'out'}"]) == 1
    text = capsys.readouterr().out
    assert "gaze without an image: 1 (p4)" in text
    assert "1 names belong to no image: p4" in text
    assert "p1.png does not decode" in text
    assert text.strip().endswith("This folder would not build.")
    assert (tmp_path / "out/study_contact_sheet.png").exists()


def test_a_folder_that_cannot_be_read_is_an_error(folder, tmp_path, capsys):
    (folder / "fixations.csv").unlink()
    assert command.main(["check", str(folder), f"--out={tmp_path}/out"]) == 1
    assert "ERROR: " in capsys.readouterr().out
    assert command.main(["check", str(folder / "absent"), f"--out={tmp_path}/out"]) == 1
    assert "absent must be a folder of recordings" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_the_sheet_is_not_written_among_the_images(folder, capsys):
    assert command.main(["check", str(folder), f"--out={folder / 'checks'}"]) == 1
    assert "--out must lie outside" in capsys.readouterr().out
    assert not (folder / "checks").exists()


@pytest.mark.slow
def test_the_command_line_runs(folder, tmp_path):
    line = [sys.executable, "-m", "tfds_builders.gaze_folder", "check", folder, "--out", tmp_path]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "This folder would build." in done.stdout
    assert (tmp_path / "study_contact_sheet.png").exists()


def colour_at(sheet, cell, x, y):
    """Colour of the sheet at a pixel of the image in a cell of the first row."""
    scale = 200 / WIDTH
    return sheet.getpixel((cell * 260 + 28 + round(x * scale), 53 + round(y * scale)))


def test_the_sheet_shows_points_on_and_off_the_image(folder):
    found = study.open_study(folder)
    sheet = contact_sheet.draw(found)
    assert sheet.size == (5 * 260, 2 * 278)  # all points, and six images
    colours = contact_sheet.viewer_colours(found.gaze.by_stem)
    assert colours[0] != colours[1]
    for place in range(8):
        assert colour_at(sheet, 1, 100.5 + 20 * place, 150.5) == colours[place % 2]
    assert colour_at(sheet, 1, 100.5, 180) == (90, 90, 90)
    last = sheet.crop((260, 278, 520, 556))
    assert last.getpixel((28 + round(409.5 * 0.5), 53 + 75)) == (230, 0, 0)


def test_the_sheet_reddens_where_a_heat_map_is_bright(folder):
    (folder / "fixations.csv").unlink()
    for number in range(6):
        heat = np.zeros((30, 40), np.uint8)
        heat[:, 20:] = 51
        path = folder / f"heatmaps/p{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(heat).save(path)
    found = study.open_study(folder)
    sheet = contact_sheet.draw(found)
    assert colour_at(sheet, 0, 100, 150) == (90, 90, 90)
    red, green, _ = colour_at(sheet, 0, 300, 150)
    assert red > 190 and green < 30
    text = str(report.examine(found))
    assert "gaze as maps, on 6 of them" in text and text.endswith("would build.")
