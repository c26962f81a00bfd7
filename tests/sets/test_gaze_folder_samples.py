import importlib.util
import sys

import builder_case
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.gaze_folder import (
    detection,
    gaze_folder_dataset_builder,
    placement,
    presentation,
    recording,
    study,
)
from tfds_builders.gaze_folder.readers import clock, columns, formats, reader
from tfds_builders.gaze_folder.readers import tobii as tobii_formats

needs_polars = pytest.mark.skipif(
    importlib.util.find_spec("polars") is None,
    reason="needs polars: pip install -r requirements-gaze.txt",
)
FACTS = recording.Recording(pixels_per_degree=40)

TOBII_HEADER = (
    "Recording timestamp [μs]\tParticipant name\tSensor\tEvent\tGaze point X [DACS px]\t"
    "Gaze point Y [DACS px]\tGaze point X [MCS norm]\tPresented Media name\t"
    "Presented Media position X [DACS px]\tPresented Media position Y [DACS px]\t"
    "Presented Media width [px]\tPresented Media height [px]"
)
PLACE = ["560", "240", "800", "600"]  # on a screen of 1920 x 1080
TARGETS = [(700, 300, 250), (1200, 700, 400), (900, 500, 300)]  # x, y on the screen, ms


def scanpath(targets, rate, seed=0, noise=1.0):
    """Time (ms), x and y: steady gaze with noise on each target, 40 ms of travel between."""
    rng = np.random.default_rng(seed)
    points, here = [], np.array(targets[0][:2])
    for x, y, duration in targets:
        there = np.array([x, y])
        if points:
            points.append(np.linspace(here, there, round(0.04 * rate) + 2)[1:-1])
        points.append(rng.normal(there, noise, (round(duration * rate / 1000), 2)))
        here = there
    xy = np.concatenate(points)
    return np.arange(len(xy)) * 1000 / rate, *xy.T


def tobii_rows(viewer, media, targets, start, rate=300, seed=0):
    """Lines of one presentation, with those of another sensor and a lost eye among them."""
    rows = []
    for number, (time, x, y) in enumerate(zip(*scanpath(targets, rate, seed), strict=True)):
        stamp = round(1000 * (start + time))
        cells = ["", ""] if number == 20 else [f"{x:.2f}", f"{y:.2f}"]
        rows.append(
            "\t".join([str(stamp), viewer, "Eye Tracker", "", *cells, "0.5", media, *PLACE])
        )
        if number % 50 == 0:
            rows.append("\t".join([str(stamp), viewer, "Mouse", "", "", "", "", media, *PLACE]))
    return rows


def pause(viewer, start):
    """Instructions: gaze on something that is no image, and lines with no stimulus at all."""
    shown = "\t".join(
        [str(1000 * start), viewer, "Eye Tracker", "", "9", "9", "0.5", "Text 1", "", "", "", ""]
    )
    empty = "\t".join(
        [str(1000 * start + 9), viewer, "Eye Tracker", "", "9", "9", "", "", "", "", "", ""]
    )
    return [shown, empty]


@pytest.fixture
def tobii(tmp_path):
    """Two viewers of five images of 400 x 300, shown at twice their size."""
    root = tmp_path / "study"
    (root / "samples").mkdir(parents=True)
    for index in range(5):
        Image.new("RGB", (400, 300), (index, 0, 0)).save(root / f"photo_{index}.png")
    (root / "recording.json").write_text('{"pixels_per_degree": 40, "tracker": "Tobii"}')
    for viewer in ("P02", "P01"):
        rows = pause(viewer, 0)
        for index in range(5):
            targets = [(x + 5 * index, y, ms) for x, y, ms in TARGETS]
            seed = 10 * index + int(viewer[1:])
            rows += tobii_rows(viewer, f"photo_{index}.jpg", targets, 5000 * (index + 1), seed=seed)
        text = "\n".join([TOBII_HEADER, *rows])
        (root / f"samples/export {viewer}.tsv").write_text(text, "utf-8-sig")
    return root


def build(tmp_path, root):
    return builder_case.prepare(
        gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets"), root
    )


@needs_polars
def test_a_tobii_export_becomes_fixations_on_the_images(tmp_path, tobii):
    builder = build(tmp_path, tobii)
    splits = builder.as_dataset().values()
    found = {e["image/id"].decode(): e["fixations"] for s in splits for e in tfds.as_numpy(s)}
    assert sorted(found) == [f"photo_{index}" for index in range(5)]
    for index in range(5):
        gaze = found[f"photo_{index}"]
        assert gaze["viewer"].tolist() == [0, 0, 0, 1, 1, 1]
        # Half of the distance to the image's corner: it was shown at twice its size.
        x = [(target[0] + 5 * index - 560 + 0.5) / 2 - 0.5 for target in TARGETS]
        y = [(target[1] - 240 + 0.5) / 2 - 0.5 for target in TARGETS]
        # Windows of 20 ms smear a saccade over some samples of its fixations' ends.
        np.testing.assert_allclose(gaze["x"], x * 2, atol=1)
        np.testing.assert_allclose(gaze["y"], y * 2, atol=1)
        durations = [target[2] for target in TARGETS]
        np.testing.assert_allclose(gaze["duration_ms"], durations * 2, atol=25)
    facts = builder.info.metadata
    assert facts["viewer_names"] == ["P01", "P02"]
    assert (facts["viewers"], facts["gaze_without_image"]) == (2, 1)
    assert facts["fixation_algorithm"].startswith("I-VT")
    assert facts["fixation_software"] == "salclass-tf"
    assert (facts["velocity_threshold_deg_per_s"], facts["minimum_duration_ms"]) == (30, 60)


def detect(time, x, y, facts=FACTS):
    """Places and durations of the fixations in one eye's samples."""
    eyes = np.stack([x, y], axis=1)[:, None]
    limits = (float(time[0]), float(time[-1]))
    shown = presentation.Presentation("", "a", time, eyes, None, "file", *limits, None, None)
    found = detection.find_fixations(shown, facts, detection.choose([shown], facts))
    return found.x, found.y, found.duration_ms


@pytest.mark.parametrize(("rate", "noise"), [(60, 3.0), (250, 2.0), (1000, 1.5)])
def test_detection_finds_what_the_eye_did(rate, noise):
    found = detect(*scanpath(TARGETS, rate, seed=rate, noise=noise))
    np.testing.assert_allclose(np.stack(found[:2], axis=1), [t[:2] for t in TARGETS], atol=1.5)
    np.testing.assert_allclose(found[2], [t[2] for t in TARGETS], atol=max(25, 2500 / rate))


def test_a_short_loss_is_bridged_and_a_long_one_is_not():
    time, x, y = scanpath([(500, 500, 600)], 250, noise=0)
    for lost, count in ((10, 1), (40, 2)):
        hidden = x.copy()
        hidden[60 : 60 + lost] = np.nan
        found = detect(time, hidden, y)
        assert len(found[0]) == count
        np.testing.assert_allclose(found[0], 500)


def test_a_second_presentation_is_another_fixation():
    time, x, y = scanpath([(500, 500, 300)], 250, noise=0)
    twice = [np.tile(column, 2) for column in (time, x, y)]
    assert len(detect(*twice)[0]) == 2


def test_pairs_of_one_time_stamp_are_no_infinite_velocity():
    time, x, y = scanpath([(500, 500, 300)], 2000, noise=0.5)
    (duration,) = detect(np.floor(time), x, y)[2]
    assert duration == pytest.approx(300, abs=1)


def test_without_the_package_its_file_is_named(tobii, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r"pip install -r requirements-gaze\.txt"):
        study.open_study(tobii)


def write_samples(root, text, name="anna/photo_0.csv"):
    path = root / "samples" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(path, viewer=""):
    file = formats.open_file(path, reader.Setting(viewer))
    return file, list(file.presentations())


HEADERS = {
    "plain": ("t,x,y,stem,viewer", "{t},{x},{y},images\\dog.jpg,anna"),
    "viewer report": (
        "RECORDING_SESSION_LABEL\tTIMESTAMP\tRIGHT_GAZE_X\tRIGHT_GAZE_Y\tLEFT_GAZE_X\t"
        "LEFT_GAZE_Y\timage",
        "anna\t{t}\t{xr}\t{y}\t{xl}\t{y}\tpictures/dog.png",
    ),
    "one eye": (
        "RECORDING_SESSION_LABEL\tTIMESTAMP\tLEFT_GAZE_X\tLEFT_GAZE_Y\timage",
        "anna\t{t}\t{x}\t{y}\tdog",
    ),
    "eyelinker": (
        "block,time,xpl,ypl,psl,xpr,ypr,viewer,stem",
        "1,{t},{xl},{y},9,{xr},{y},anna,dog",
    ),
    "one eye of eyelinker": ("block,time,xp,yp,viewer,stem", "1,{t},{x},{y},anna,dog"),
    "tobii": (
        "Recording timestamp\tParticipant name\tGaze point left X (DACSpx)\t"
        "Gaze point left Y (DACSpx)\tGaze point right X (DACSpx)\tGaze point right Y (DACSpx)\t"
        "Gaze point left X (MCSnorm)\tPresented Stimulus name",
        "{t}\tanna\t{xl}\t{y}\t{xr}\t{y}\t0.1\tdog",
    ),
}


@pytest.mark.parametrize("form", HEADERS)
def test_every_export_is_read(tmp_path, form):
    header, line = HEADERS[form]
    lines = [line.format(t=4 * n, x=100 + n, xl=98 + n, xr=102 + n, y=50.5) for n in range(5)]
    _, (shown,) = read(write_samples(tmp_path, "\n".join([header, *lines])))
    assert (shown.viewer, shown.stem, shown.place) == ("anna", "dog", None)
    np.testing.assert_array_equal(shown.time_ms, [0, 4, 8, 12, 16])
    apart = {1: [0], 2: [-2, 2]}[shown.eyes.shape[1]]
    for eye, offset in enumerate(apart):
        expected = np.arange(100, 105) + offset
        np.testing.assert_array_equal(shown.eyes[:, eye, 0], expected)
        np.testing.assert_array_equal(shown.eyes[:, eye, 1], [50.5] * 5)
    assert len(apart) == (2 if "{xr}" in line else 1)


def test_one_lost_eye_leaves_the_other(tmp_path):
    header = "TIMESTAMP,RIGHT_GAZE_X,RIGHT_GAZE_Y,LEFT_GAZE_X,LEFT_GAZE_Y"
    lines = ["0,10,20,.,.", "4,10,20,30,40", "8,.,.,.,.", "12,.,20,30,40"]
    _, (shown,) = read(write_samples(tmp_path, "\n".join([header, *lines])), "anna")
    lost = [np.nan, np.nan]
    np.testing.assert_array_equal(shown.eyes[:, 0], [lost, [30, 40], lost, [30, 40]])
    np.testing.assert_array_equal(shown.eyes[:, 1], [[10, 20], [10, 20], lost, lost])
    assert (shown.viewer, shown.stem) == ("anna", "photo_0")


def test_utf_16_is_read(tmp_path):
    path = write_samples(tmp_path, "")
    path.write_text("t\tx\ty\n0\t1\t2\n4\t1\t2\n", "utf-16")
    assert read(path)[1][0].eyes.tolist() == [[[1, 2]], [[1, 2]]]


@pytest.mark.parametrize(
    ("step", "milliseconds"),
    [
        (0.002, 2),
        (1 / 60, 1000 / 60),
        (0.5, 0.5),
        (33.3, 33.3),
        (500, 0.5),
        (16667, 16.667),
        (8e6, 8),
    ],
)
def test_the_interval_tells_the_unit_of_time(step, milliseconds):
    assert clock.unit_of(np.arange(9) * step, "file") * step == pytest.approx(milliseconds)


def test_the_header_tells_the_unit_of_time():
    for unit, expected in (("[ms]", 1.0), ("[μs]", 1e-3), ("[us]", 1e-3), ("", None)):
        header = [f"Recording timestamp {unit}".strip(), "Gaze point X", "Gaze point Y"]
        assert columns.find_columns(tobii_formats.PRO_LAB, header).unit_ms == expected
    with pytest.raises(ValueError, match=r"file, line 2: time stamps must increase"):
        clock.unit_of(np.zeros(3), "file, line 2")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            "t|x|y\n0|1|2",
            r"photo_0\.csv must have the columns of an eye tracker's export.*got t\|x\|y",
        ),
        ("Recording timestamp\tGaze point X [MCS norm]\n0\t1", "must have the columns"),
        ("", "must have the columns"),
    ],
)
def test_an_unknown_header_is_refused(tmp_path, text, pattern):
    with pytest.raises(ValueError, match=pattern):
        read(write_samples(tmp_path, text))


@needs_polars
@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("8\t812,5\t3", r"photo_0\.csv, line 3: '812,5' must be a number with a decimal point"),
        ("8\tinf\t3", r"line 3: numbers must be finite; got 'inf'"),
        ("8\t3", r"line 3: has only 2 fields"),
        ("\t3\t3", r"line 3: has no time stamp"),
    ],
)
def test_bad_lines_are_an_error_or_if_few_listed(tobii, line, pattern):
    rows = [f"{4 * n}\t960\t540" for n in range(2000)]
    bad = [rows[0], line, *rows[1:]]
    (tobii / "placement.csv").write_text("stem,left,top,width,height\n*,560,240,800,600")
    path = write_samples(tobii, "\n".join(["t\tx\ty", *bad[:100]]))
    with pytest.raises(ValueError, match=rf"{pattern}.*1 of 100 lines are bad"):
        study.open_study(tobii)
    path.write_text("\n".join(["t\tx\ty", *bad]))
    (listed,) = study.open_study(tobii).gaze.skipped
    assert str(path) in listed and "line 3" in listed


@needs_polars
def test_the_users_placement_comes_before_the_trackers(tobii):
    lines = "stem,left,top,width,height\nphoto_1,0,0,400,300\nphoto_2,560,240,400,300\n"
    (tobii / "placement.csv").write_text(lines)
    gaze = study.open_study(tobii).gaze.by_stem
    np.testing.assert_allclose(gaze["photo_1"].x[0], TARGETS[0][0] + 5, atol=2)
    np.testing.assert_allclose(gaze["photo_2"].x[0], TARGETS[0][0] + 10 - 560, atol=2)
    np.testing.assert_allclose(gaze["photo_3"].x[0], (TARGETS[0][0] + 15 - 560) / 2, atol=2)
    (tobii / "placement.csv").write_text(f"{lines}*,560,240,800,600\n")
    np.testing.assert_allclose(study.open_study(tobii).gaze.by_stem["photo_3"].x, gaze["photo_3"].x)


@needs_polars
def test_a_place_for_all_that_contradicts_the_export_is_an_error(tobii):
    (tobii / "placement.csv").write_text("stem,left,top,width,height\n*,560,240,400,300\n")
    with pytest.raises(
        ValueError,
        match=r"P01\.tsv, line 4.*contradict.*\* says 560,240,400,300, the export 560,240",
    ):
        study.open_study(tobii)


@needs_polars
def test_samples_without_a_place_are_refused(tobii):
    rows = "\n".join(f"{4 * n},960,540" for n in range(50))
    path = write_samples(tobii, f"t,x,y\n{rows}")
    with pytest.raises(
        ValueError, match=r"anna/photo_0\.csv, line 2: nothing says where.*placement"
    ):
        study.open_study(tobii)
    path.unlink()
    (tobii / "recording.json").unlink()
    with pytest.raises(ValueError, match="raw samples need `pixels_per_degree` in recording.json"):
        study.open_study(tobii)


@needs_polars
def test_samples_without_a_fixation_are_refused(tobii):
    for path in (tobii / "samples").glob("*.tsv"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="must hold exports of an eye tracker"):
        study.open_study(tobii)
    (tobii / "placement.csv").write_text("stem,left,top,width,height\n*,560,240,800,600")
    rows = "\n".join(f"{4 * n},.,." for n in range(50))
    write_samples(tobii, f"t,x,y\n{rows}")
    with pytest.raises(
        ValueError, match="at least one fixation; none was found in 1 presentations"
    ):
        study.open_study(tobii)


def test_a_place_maps_the_corners_of_the_image():
    place = placement.Place(left=100, top=50, width=800, height=300)
    # The outer edges of the first and the last pixel on the screen.
    x, y = place.to_image([99.5, 899.5, 100], [49.5, 349.5, 50], (600, 400))
    np.testing.assert_allclose(x, [0, 399.5, 0])
    np.testing.assert_allclose(y, [0, 599.5, 0.5])
    x, y = placement.Place(100, 50, 400, 600).to_image([99.4, 101.25], [50, 649], (600, 400))
    np.testing.assert_allclose(x, [-0.6, 1.25])
    np.testing.assert_allclose(y, [0, 599])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("stem,left,top\n", r"placement\.csv must begin with stem,left,top,width,height"),
        ("stem,left,top,width,height\n*,1,2,3", r"line 2 must have 5 fields"),
        ("stem,left,top,width,height\n*,1,2,3,4\n*,1,2,3,4", r"line 3 must have .* its own"),
        ("stem,left,top,width,height\n*,a,2,3,4", r"line 2: .*'a'.*decimal point"),
        ("stem,left,top,width,height\n*,1,2,0,4", r"line 2: .*width and height above 0"),
        ("stem,left,top,width,height\n*,nan,2,3,4", r"line 2: .*must be finite"),
    ],
)
def test_a_bad_placement_is_named(tmp_path, text, pattern):
    (tmp_path / "placement.csv").write_text(text)
    with pytest.raises(ValueError, match=pattern):
        placement.read_placement(tmp_path)


@needs_polars
def test_columns_of_an_own_table_that_nothing_is_read_from_are_listed(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "samples").mkdir()
    Image.new("RGB", (1000, 800)).save(tmp_path / "images/a.png")
    time, x, y = scanpath([(300, 250, 400), (700, 500, 400)], rate=120)
    lines = [f"{t:.2f},p1,a,{a:.1f},{b:.1f},3.2,keys" for t, a, b in zip(time, x, y, strict=True)]
    header = "time,viewer,image,x,y,pupil,note"
    (tmp_path / "samples/p1.csv").write_text("\n".join([header, *lines]))
    (tmp_path / "placement.csv").write_text("stem,left,top,width,height\na,0,0,1000,800\n")
    (tmp_path / "recording.json").write_text('{"pixels_per_degree": 40}')
    assert study.open_study(tmp_path).gaze.notes == ("columns ignored: pupil, note",)
