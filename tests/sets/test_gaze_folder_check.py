import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import __main__ as command
from tfds_builders.gaze_folder import (
    contact_sheet,
    overview,
    report,
    study,
    suspicions,
    viewers,
)

WIDTH, HEIGHT = 400, 300


def people(count=2000, spread=0.18, seed=0):
    """Fixations about the centre of images, five viewers."""
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0.5, spread, count), 0.01, 0.98) * WIDTH
    y = np.clip(rng.normal(0.5, spread, count), 0.01, 0.98) * HEIGHT
    return x, y, np.arange(count) % 5


def suspect(x, y, viewer):
    gaze = {"a": fixation_table.Fixations(x, y, np.full(len(x), 200.0), viewer)}
    sizes = {"a": (HEIGHT, WIDTH)}
    people = list(viewers.describe(gaze, sizes))
    return suspicions.suspect(overview.look(gaze, sizes), people)


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


def study_of(count=6, seed=0):
    """Gaze of ten viewers and unknown ones on images of several sizes, and these."""
    rng = np.random.default_rng(seed)
    gaze, sizes = {}, {}
    for number in range(count):
        height, width = sizes[f"p{number}"] = 300 + 10 * number, 400 - 20 * number
        viewer = np.sort(rng.integers(-1, 10, 150))
        x, y = rng.uniform(-0.1, 1.1, (2, 150)) * [[width], [height]]
        duration = np.where(rng.random(150) < 0.1, -1, rng.uniform(80, 400, 150))
        gaze[f"p{number}"] = fixation_table.Fixations(x, y, duration, viewer)
    return gaze, sizes


def test_an_overview_counts_all_and_holds_some(monkeypatch):
    gaze, sizes = study_of()
    all_gaze = gaze | {"undecodable": gaze["p0"]}
    every = overview.look(all_gaze, sizes)
    columns = [np.concatenate([getattr(gaze[s], n) for s in gaze]) for n in ("x", "y")]
    width, height = (np.repeat([sizes[s][i] for s in gaze], 150) for i in (1, 0))
    off = (columns[0] < 0) | (columns[1] < 0) | (columns[0] >= width) | (columns[1] >= height)
    np.testing.assert_array_equal([every.x, every.y], columns)
    np.testing.assert_array_equal([every.width, every.height], [width, height])
    assert (every.total, every.placed, every.off) == (1050, 900, off.sum())
    assert every.counts.tolist() == [150] * 7
    assert (every.lowest, every.highest) == (np.min(columns), np.max(columns))
    monkeypatch.setattr(overview, "_SAMPLE", 300)
    some = overview.look(all_gaze, sizes)
    assert (some.placed, some.off, some.edge, some.beyond) == (900, every.off, 0, True)
    assert 240 < len(some.x) < 360 and set(some.x) < set(every.x)
    lasting = np.concatenate([value.duration_ms for value in all_gaze.values()])
    lasting = lasting[lasting >= 0]
    assert some.duration_ms == pytest.approx(np.median(lasting), abs=0.051)  # all, unsampled
    assert overview.look({}, {}).total == 0


@pytest.mark.parametrize("held", [10**6, 200, 1])
def test_viewers_are_described_as_one_by_one_however_few_are_held(monkeypatch, held):
    monkeypatch.setattr(viewers, "_HELD", held)
    gaze, sizes = study_of()
    # A viewer of one image, one of a single fixation.
    for stem, number, count in (("p1", 11, 25), ("p2", 12, 1)):
        old = gaze[stem]
        more = [np.concatenate([getattr(old, n), getattr(old, n)[:count] / 2]) for n in "xy"]
        rest = np.concatenate([old.duration_ms, np.full(count, -1.0)])
        gaze[stem] = fixation_table.Fixations(
            *more, rest, np.concatenate([old.viewer, np.full(count, number)])
        )
    found = {one.number: one for one in viewers.describe(gaze, sizes)}
    assert list(found) == [*range(-1, 10), 11, 12]
    for number, one in found.items():
        mine = {s: value.viewer == number for s, value in gaze.items()}
        lasting = np.concatenate([gaze[s].duration_ms[mine[s]] for s in gaze])
        assert one.fixations == len(lasting) == sum(m.sum() for m in mine.values())
        assert one.images == sum(m.any() for m in mine.values())
        known = lasting[lasting >= 0]
        median = pytest.approx(np.median(known), abs=0.051) if len(known) else None
        assert one.duration_ms == median
        assert one.off == sum(
            overview.beside(gaze[s].x[m], gaze[s].y[m], sizes[s][1], sizes[s][0]).sum()
            for s, m in mine.items()
        )
        if number < 0 or one.fixations < 20:
            assert one.offset is None
            continue
        shares = {s: np.stack([v.x / sizes[s][1], v.y / sizes[s][0]]) for s, v in gaze.items()}
        if number == 11:
            here = mine["p1"]
            middle = np.median(shares["p1"][:, ~here], axis=1, keepdims=True)
            sample = shares["p1"][:, here] - middle
        else:
            sample = np.stack(
                [
                    shares[s][:, mine[s]].mean(1) - shares[s][:, ~mine[s]].mean(1)
                    for s in gaze
                    if mine[s].any()
                ],
                axis=1,
            )
        middle = np.median(sample, axis=1)
        error = sample.std(axis=1, ddof=1) / np.sqrt(sample.shape[1])
        np.testing.assert_allclose([one.offset.across, one.offset.down], middle, atol=1e-9)
        np.testing.assert_allclose(one.offset.t, np.abs(middle / error).max(), rtol=1e-6)
        assert one.offset.freedom == sample.shape[1] - 1


def test_of_a_study_without_names_no_more_than_an_image_is_held(monkeypatch):
    gaze, sizes = study_of(12)
    nameless = {
        stem: dataclasses.replace(value, viewer=np.full(150, -1)) for stem, value in gaze.items()
    }
    monkeypatch.setattr(viewers, "_gather", lambda *_: pytest.fail("gathered"))
    (one,) = viewers.describe(nameless, sizes)
    assert (one.number, one.fixations, one.images, one.offset) == (-1, 1800, 12, None)


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
    assert "fixations: 50\n" in text and "an image: 10 to 10" in text  # also those on p1
    assert "beside their image, dropped: 2 (5.0%)" in text  # of those on images that decode
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


def test_a_disk_that_fails_is_no_picture_that_does_not_decode(folder):
    class Failing(dict):
        def __getitem__(self, stem):
            raise OSError("no room")

    found = study.open_study(folder)
    failing = Failing(found.gaze.by_stem)
    found = dataclasses.replace(found, gaze=dataclasses.replace(found.gaze, by_stem=failing))
    with pytest.raises(OSError, match="no room"):
        contact_sheet.draw(found)


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
