import numpy as np
import pytest
from PIL import Image

from tfds_builders.gaze_folder import placement, study
from tfds_builders.gaze_folder import recording as recording_facts
from tfds_builders.gaze_folder.readers import eyelink_asc, reader

pytest.importorskip("polars", reason="needs polars: pip install -r requirements-gaze.txt")

HEAD = """** CONVERTED FROM anna.edf using edfapi 4.2.1
** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED
**

MSG\t100 DISPLAY_COORDS 0 0 1919 1079
"""
START = """START\t{time} \t{eyes}\tSAMPLES\tEVENTS
PRESCALER\t1
VPRESCALER\t1
PUPIL\tAREA
EVENTS\tGAZE\t{eyes}\tRATE\t 500.00\tTRACKING\tCR\tFILTER\t2
SAMPLES\tGAZE\t{eyes}\tRATE\t 500.00\tTRACKING\tCR\tFILTER\t2
"""
END = "END\t{time} \tSAMPLES\tEVENTS\tRES\t  31.52\t  32.10\n"


def one_eye(time, x, y):
    return f"{time}\t {x:6.1f}\t {y:6.1f}\t  1290.0\t...\n"


def recording(time, lines, eyes="RIGHT"):
    start = START.format(time=time, eyes=eyes)
    return start + "".join(lines) + END.format(time=time + 1000)


def write(tmp_path, text, name="anna.asc"):
    path = tmp_path / name
    path.write_text(text)
    return path


def read(path, **facts):
    setting = reader.Setting("anna", recording_facts.Recording(**facts))
    file = eyelink_asc.AscReader(path, setting)
    return file, list(file.presentations())


def steps(begin, count=5, x=900.0):
    return [one_eye(begin + 2 * n, x + n, 500.25) for n in range(count)]


def test_trials_are_read_with_their_images(tmp_path):
    text = HEAD
    for number, name in enumerate(("pictures\\dog.jpg", "two words.png")):
        text += f"MSG\t{number}000 TRIALID {number}\n"
        events = [
            "SFIX R   1002\n",
            "EBLINK R 1\t2\t3\n",
            f"MSG\t{1000 * number + 4} SYNCTIME\n",
            "\n",
        ]
        lines = steps(1000 * number)
        text += recording(1000 * number, [*lines[:2], *events, *lines[2:]])
        text += f"MSG\t{number}999 !V TRIAL_VAR condition 3\n"
        text += f"MSG\t{number}999 -12 !V TRIAL_VAR image {name}\nMSG\t1 TRIAL_RESULT 0\n"
    file, (first, second) = read(write(tmp_path, text))
    assert (first.viewer, first.stem, second.stem) == ("anna", "dog", "two words")
    # What came before SYNCTIME was not the picture yet.
    np.testing.assert_array_equal(first.time_ms, [4, 6, 8])
    np.testing.assert_array_equal(second.time_ms, [1004, 1006, 1008])
    np.testing.assert_allclose(first.eyes[:, 0, 0], [902, 903, 904])
    np.testing.assert_allclose(first.eyes[:, 0, 1], 500.2, atol=0.11)
    assert (first.onset_ms, first.offset_ms, second.onset_ms) == (4, 1000, 1004)
    assert first.sampling_rate_hz == 500
    assert first.place is None and file.lines == 10 and not file.skipped
    assert "anna.asc, line 6" in first.source


def test_both_eyes_are_read_and_a_lost_one_leaves_the_other(tmp_path):
    lines = [
        "10.0\t 100.0\t 200.0\t 900.0\t 110.0\t 220.0\t 901.0\t.....\n",
        "10.5\t   .\t   .\t   0.0\t 110.0\t 220.0\t 901.0\tC....\n",
        "11.0\t   .\t   .\t   0.0\t   .\t   .\t   0.0\tC..C.\n",
    ]
    _, (shown,) = read(write(tmp_path, recording(10, lines, "LEFT\tRIGHT"), "photo_3.asc"))
    np.testing.assert_array_equal(shown.eyes[:, 0], [[100, 200], [np.nan] * 2, [np.nan] * 2])
    np.testing.assert_array_equal(shown.eyes[:, 1], [[110, 220], [110, 220], [np.nan] * 2])
    np.testing.assert_array_equal(shown.time_ms, [10, 10.5, 11])
    assert shown.stem == "photo_3"  # nothing else names an image


def test_without_trials_every_recording_is_one(tmp_path):
    text = HEAD
    for number, name in enumerate("ab"):
        image = f"MSG\t{number} !V TRIAL_VAR Image_Name {name}.bmp\n"
        text += recording(number * 5000, [*steps(number * 5000), image])
    _, shown = read(write(tmp_path, text))
    assert [(p.stem, len(p.time_ms)) for p in shown] == [("a", 5), ("b", 5)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("IMGLOAD CENTER ../dog.jpg 960 540 800 600", (560, 240, 800, 600)),
        ("IMGLOAD TOP_LEFT ../dog.jpg 10 20 800.0 600.0", (10, 20, 800, 600)),
        ("IMGLOAD FILL ../dog.jpg", (0, 0, 1920, 1080)),
        ("IMGLOAD CENTER ../dog.jpg 960 540", None),
        ("IMGLOAD CENTER ../dog.jpg 960 540 0 0", None),
        ("IMGLOAD TOP_RIGHT ../dog.jpg 10 20 800 600", None),
    ],
)
def test_the_image_that_was_loaded_and_its_place(tmp_path, message, expected):
    text = HEAD + "MSG\t1 TRIALID 1\n" + recording(0, [f"MSG\t0 !V {message}\n", *steps(0)])
    _, (shown,) = read(write(tmp_path, text))
    assert shown.stem == "dog"
    assert shown.place == (expected and placement.Place(*expected))
    text += "MSG\t9 !V TRIAL_VAR stem cat\n"
    assert read(write(tmp_path, text))[1][0].stem == "cat"


def test_samples_outside_of_recordings_do_not_count(tmp_path):
    text = "".join(steps(0)) + recording(100, steps(100)) + "".join(steps(900))
    file, (shown,) = read(write(tmp_path, text))
    assert (shown.time_ms.min(), shown.time_ms.max(), file.lines) == (100, 108, 5)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", r"anna\.asc, line 0: there must be START and END.*samples and events"),
        ("".join(steps(0)), "there must be START and END"),
        (recording(0, steps(0)).replace("SAMPLES\tGAZE", "SAMPLES\tHREF"), r"gaze on the screen"),
        (recording(0, steps(0), eyes="NONE"), "line 1: START must name LEFT, RIGHT or both"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, text, pattern):
    with pytest.raises(ValueError, match=pattern):
        read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("8\t 1.0\n", "line 9: has only 2 fields"),
        ("8\t812,5\t3.0\t9\n", "line 9: '812,5' must be a number with a decimal point"),
        ("8\tinf\t3.0\t9\n", "line 9: numbers must be finite; got 'inf'"),
    ],
)
def test_bad_lines_are_listed(tmp_path, line, pattern):
    lines = steps(0)
    file, (shown,) = read(write(tmp_path, recording(0, [*lines[:2], line, *lines[2:]])))
    assert len(shown.time_ms) == 5 and file.lines == 6
    assert len(file.skipped) == 1 and pattern in file.skipped[0]


def test_a_folder_of_asc_files_is_a_study(tmp_path):
    """The same gaze as ASC and as a plain table becomes the same fixations."""
    root = tmp_path / "study"
    (root / "samples").mkdir(parents=True)
    rng = np.random.default_rng(0)
    text, rows = HEAD, ["t,x,y,stem,viewer"]
    for number in range(2):
        Image.new("RGB", (400, 300)).save(root / f"photo_{number}.png")
        text += f"MSG\t{number * 5000} TRIALID {number}\n"
        lines = []
        for step in range(600):
            x, y = (700 if step < 300 else 1200), 500 + number
            x, y = np.round([x, y] + rng.normal(0, 0.5, 2), 1)
            lines.append(one_eye(number * 5000 + 2 * step, x, y))
            rows.append(f"{number * 5000 + 2 * step},{x},{y},photo_{number},anna")
        image = f"MSG\t{number * 5000} !V IMGLOAD CENTER photo_{number}.png 960 540 800 600\n"
        text += recording(number * 5000, [image, *lines])
    (root / "recording.json").write_text('{"pixels_per_degree": 40}')
    (root / "samples/anna.asc").write_text(text)
    from_asc = study.open_study(root).gaze
    assert from_asc.facts["viewer_names"] == ["anna"]
    (root / "samples/anna.asc").unlink()
    (root / "samples/anna.csv").write_text("\n".join(rows))
    (root / "placement.csv").write_text("stem,left,top,width,height\n*,560,240,800,600\n")
    from_table = study.open_study(root).gaze
    assert sorted(from_asc.by_stem) == ["photo_0", "photo_1"]
    for stem, found in from_asc.by_stem.items():
        assert len(found.x) == 2
        for name in ("x", "y", "duration_ms", "viewer"):
            np.testing.assert_array_equal(
                getattr(found, name), getattr(from_table.by_stem[stem], name)
            )
