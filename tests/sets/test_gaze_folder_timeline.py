"""Which picture was shown when, in EyeLink's files; gaze steps by 20 ms from place to place."""

import gzip
import re

import numpy as np
import pytest

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.readers import eyelink_asc, reader

pytest.importorskip("polars", reason="needs polars: pip install -r requirements-gaze.txt")

SCREEN = "MSG\t1 DISPLAY_COORDS 0 0 799 599\n"
PLACES = {"a": (100, 100), "b": (400, 300), "c": (700, 500)}


def dwell(time, stem, count=6):
    x, y = PLACES[stem]
    return "".join(f"{time + 20 * n}\t{x}\t{y}\t900.0\t...\n" for n in range(count))


def start(time):
    return f"START\t{time}\tLEFT\tSAMPLES\tEVENTS\nSAMPLES\tGAZE\tLEFT\tRATE\t50.00\n"


def end(time):
    return f"END\t{time}\tSAMPLES\tEVENTS\tRES\t20\t20\n"


def load(time, stem):
    return f"MSG\t{time} !V IMGLOAD FILL {stem}.png\n"


def message(time, text):
    return f"MSG\t{time} {text}\n"


def read(tmp_path, text, **facts):
    path = tmp_path / "anna.asc"
    path.write_text(SCREEN + text)
    setting = reader.Setting("anna", recording.Recording(**facts))
    file = eyelink_asc.AscReader(path, setting)
    return file, list(file.presentations())


def seen(shown):
    """Each picture, and where the eye was while it was shown; one place if all is right."""
    return [(one.stem, sorted({tuple(xy) for xy in one.eyes[:, 0].tolist()})) for one in shown]


RIGHT = [(stem, [place]) for stem, place in PLACES.items()]


def trials(before="", inside="", after="", result=""):
    """Three trials; `{stem}` and `{t}` in the texts are replaced."""
    text = ""
    for number, stem in enumerate(PLACES):
        time = 1000 * (number + 1)
        parts = [before, start(time), inside, dwell(time, stem), end(time + 100), after, result]
        text += "".join(part.format(stem=stem, t=time) for part in parts)
    return text


IMGLOAD, VARIABLE = "MSG\t{t} !V IMGLOAD FILL {stem}.png\n", "MSG\t{t} !V TRIAL_VAR image {stem}\n"
IDENTITY, RESULT = "MSG\t{t} TRIALID 1\n", "MSG\t{t} TRIAL_RESULT 0\n"


@pytest.mark.parametrize("name", [IMGLOAD, VARIABLE], ids=["imgload", "variable"])
@pytest.mark.parametrize("result", ["", RESULT], ids=["", "result"])
def test_a_name_counts_for_its_own_trial_wherever_it_stands(tmp_path, name, result):
    orders = {
        "inside": trials(inside=name, result=result),
        "inside, with identity": trials(before=IDENTITY, inside=name, result=result),
        "between identity and start": trials(before=IDENTITY + name, result=result),
        "before start": trials(before=name, result=result),
        "before identity": trials(before=name + IDENTITY, result=result),
        "behind end": trials(before=IDENTITY, after=name, result=result),
        "behind end, without identity": trials(after=name, result="" if result else result),
    }
    for order, text in orders.items():
        assert seen(read(tmp_path, text)[1]) == RIGHT, order


def test_one_recording_of_many_pictures(tmp_path):
    text = start(1000)
    for number, stem in enumerate(PLACES):
        text += load(1000 + 200 * number, stem) + dwell(1000 + 200 * number, stem)
    _, shown = read(tmp_path, text + end(1600))
    assert seen(shown) == RIGHT
    assert [(one.onset_ms, one.offset_ms) for one in shown] == [
        (1000, 1200),
        (1200, 1400),
        (1400, 1600),
    ]
    assert {one.place.width for one in shown} == {800}


def test_one_recording_of_many_trials(tmp_path):
    text = start(1000)
    for number, stem in enumerate(PLACES):
        time = 1000 + 400 * number
        text += message(time, f"TRIALID {number}") + dwell(time, "b" if stem == "a" else "a")
        text += load(time + 120, stem) + dwell(time + 120, stem)
        text += message(time + 240, "TRIAL_RESULT 0") + dwell(
            time + 240, "b" if stem == "a" else "a"
        )
    assert seen(read(tmp_path, text + end(2200))[1]) == RIGHT


def test_pictures_that_follow_each_other_in_a_trial(tmp_path):
    text = message(900, "TRIALID 1") + start(1000) + load(1000, "a") + dwell(1000, "a")
    text += load(1200, "b") + dwell(1200, "b") + end(1400)
    assert seen(read(tmp_path, text)[1]) == RIGHT[:2]
    named = text + message(1500, "!V TRIAL_VAR image b.png")
    assert seen(read(tmp_path, named)[1]) == RIGHT[:2]
    other = text + message(1500, "!V TRIAL_VAR image c.png")
    with pytest.raises(ValueError, match=r"anna\.asc: the variable names another picture.*line 5"):
        read(tmp_path, other)


ONSET = message(2000, "SYNCTIME")
OFFSET = message(2120, "blank_screen")


@pytest.mark.parametrize(
    ("onset", "offset", "facts"),
    [
        (ONSET, OFFSET, {}),
        ("", message(2120, "!V CLEAR 128 128 128"), {}),  # IMGLOAD's own time
        (message(2003, "3 DISPLAY ON"), message(2114, "-6 DISPLAY OFF"), {}),
        (
            message(2000, "phase cue"),
            message(2120, "phase end"),
            {
                "onset_message": "phase cue",
                "offset_message": "Phase End",
            },
        ),
    ],
)
def test_samples_before_onset_and_behind_offset_do_not_count(tmp_path, onset, offset, facts):
    text = message(900, "TRIALID 1") + start(1000) + dwell(1000, "b", 50) + onset + load(2000, "a")
    text += dwell(2000, "a") + offset + dwell(2120, "b", 25) + end(2700)
    _, (shown,) = read(tmp_path, text, **facts)
    assert seen([shown]) == RIGHT[:1]
    assert (shown.onset_ms, shown.offset_ms, len(shown.time_ms)) == (2000, 2120, 6)


def test_opensesames_variables_and_phases(tmp_path):
    text = ""
    for number, stem in enumerate(PLACES):
        time = 1000 * (number + 1)
        text += start(time) + dwell(time, "b" if stem == "a" else "a", 3)
        text += message(time + 60, f"start_trial {number}") + dwell(time + 60, stem)
        text += message(time + 180, "var other 5") + message(
            time + 180, f"var photo pics/{stem}.jpg"
        )
        text += message(time + 181, "stop_trial") + end(time + 190)
    _, shown = read(tmp_path, text, image_variable="photo")
    assert seen(shown) == RIGHT
    assert [one.onset_ms for one in shown] == [1060, 2060, 3060]
    file, shown = read(tmp_path, text)
    assert {one.stem for one in shown} == {"anna"}
    assert "no message names a picture" in file.notes[0]
    assert "photo (3 values), other (1 values)" in file.notes[0]


def test_a_message_with_the_variables_own_name(tmp_path):
    text = trials(inside="MSG\t{t} Picture: C:\\pics\\{stem}.png\n")
    assert seen(read(tmp_path, text, image_variable="picture")[1]) == RIGHT


def test_a_picture_that_comes_back_is_shown_twice(tmp_path):
    text = start(1000) + load(1000, "a") + dwell(1000, "a") + message(1120, "blank_screen")
    text += dwell(1120, "b") + load(1240, "a") + dwell(1240, "a") + end(1360)
    _, shown = read(tmp_path, text)
    assert seen(shown) == [RIGHT[0], RIGHT[0]]
    assert [one.onset_ms for one in shown] == [1000, 1240]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (load(900, "a") + trials() + load(9000, "c"), "before the first trial and behind the last"),
        (
            trials(before=IDENTITY).replace("MSG\t3000", load(2500, "c") + "MSG\t3000"),
            "between trials; of which of the two does not show.*load c",
        ),
        (
            trials(inside=VARIABLE + "MSG\t{t} !V TRIAL_VAR image x.png\n"),
            "two names of its picture",
        ),
        (
            trials(inside=IMGLOAD + "MSG\t{t} SYNCTIME\n", after="MSG\t9999 x\n").replace(
                "1060\t", message(1060, "DISPLAY_ON") + "1060\t"
            ),
            "several messages of a trial say that a picture appeared.*SYNCTIME.*DISPLAY_ON",
        ),
        (
            start(1000)
            + load(1000, "a")
            + dwell(1000, "a")
            + load(1120, "b")
            + dwell(1120, "b")
            + message(1230, "SYNCTIME")
            + end(1240),
            "2 pictures and 1 messages that one appeared",
        ),
        (
            load(900, "a") + load(901, "b") + start(1000) + dwell(1000, "a") + end(1120),
            "one moment",
        ),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path, text, pattern):
    with pytest.raises(ValueError, match=rf"anna\.asc: .*{pattern}.*recording\.json: `image_var"):
        read(tmp_path, text)


def test_trials_without_a_picture_are_noted(tmp_path):
    text = trials(before=IDENTITY, inside=IMGLOAD, result=RESULT)
    text += message(8000, "TRIALID 4") + start(8000) + dwell(8000, "b") + end(8120)
    file, shown = read(tmp_path, text)
    assert seen(shown) == RIGHT and "1 trials name no picture" in file.notes[0]


def test_eyelinks_fixations_are_cut_to_the_picture(tmp_path):
    fixations = (
        "EFIX L   1900\t2080\t182\t  150.0\t  160.0\t 900\n"
        "EFIX R   2210\t2280\t71\t  9.0\t  9.0\t 900\n"
        "EFIX L   2100\t2200\t101\t  1.5\t  2.5\t 900\n"
        "EFIX L   2300\t2310\t11\t  3.0\t  4.0\t 900\n"
        "EFIX L   2320\t2330\t11\t   .\t   .\t 900\n"
        "EFIX L   2390\t2500\t111\t  5.0\t  6.0\t 900\n"
    )
    text = start(1000) + load(2000, "a") + dwell(2000, "a", 20) + fixations
    text += message(2400, "blank_screen") + end(2600)
    _, (shown,) = read(tmp_path, text)
    # The last one is cut to 10 ms, which is none any more; the third is whole and stays.
    expected = [[2000, 82, 150, 160], [2100, 101, 1.5, 2.5], [2300, 11, 3, 4]]
    np.testing.assert_allclose(shown.own_fixations, expected)
    assert (
        read(tmp_path, start(1000) + load(1000, "a") + dwell(1000, "a") + end(1200))[1][
            0
        ].own_fixations
        is None
    )


def test_a_file_of_events_alone_has_fixations(tmp_path):
    text = "START\t1000\tLEFT\tEVENTS\n" + load(1000, "a")
    text += "EFIX L\t1010\t1250\t244\t300.0\t200.0\t900\n" + "END\t2000\tEVENTS\tRES\t20\t20\n"
    _, (shown,) = read(tmp_path, text)
    assert (shown.stem, shown.eyes.shape) == ("a", (0, 1, 2))
    np.testing.assert_allclose(shown.own_fixations, [[1010, 244, 300, 200]])


def test_a_recording_without_its_end_is_kept_and_noted(tmp_path):
    whole = trials(before=IDENTITY, inside=IMGLOAD)
    cut = whole.rsplit("END", 1)[0] + "3120\t7"
    file, shown = read(tmp_path, cut)
    assert seen(shown) == RIGHT and not file.skipped
    assert "begins in line 25 has no END; it is cut off at 3120 ms" in file.notes[0]
    middle = whole.replace(end(2100), "")
    file, shown = read(tmp_path, middle)
    assert seen(shown) == RIGHT and "line 14 has no END" in file.notes[0]


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "anna.asc.gz"
    path.write_bytes(gzip.compress((SCREEN + trials(inside=IMGLOAD)).encode()))
    file = eyelink_asc.AscReader(path, reader.Setting())
    shown = list(file.presentations())
    assert seen(shown) == RIGHT and shown[0].viewer == "anna"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count", "total_ms", "pictures"),
    [("mono250", 9, 3436, 4), ("mono1000", 10, 3362, 4), ("without_end", 1, 255, 1)],
)
def test_real_files_hold_the_trackers_own_fixations(shared_data, name, count, total_ms, pictures):
    """Numbers that the files' own EFIX lines sum up to."""
    path = shared_data / f"recordings/eyelink_{name}.asc"
    shown = list(eyelink_asc.AscReader(path, reader.Setting()).presentations())
    own = np.concatenate([one.own_fixations for one in shown])
    assert (len(shown), len(own), own[:, 1].sum()) == (pictures, count, total_ms)


@pytest.mark.real_data
def test_a_real_file_of_opensesame_counts_between_cue_and_end(shared_data):
    path = shared_data / "recordings/eyelink_opensesame.asc"
    facts = recording.Recording(
        image_variable="startPos", onset_message="phase cue", offset_message="phase end"
    )
    shown = list(eyelink_asc.AscReader(path, reader.Setting("", facts)).presentations())
    text = path.read_text("latin-1")
    cues = [int(t) for t in re.findall(r"^MSG\t(\d+) phase cue", text, re.M)]
    ends = [int(t) for t in re.findall(r"^MSG\t(\d+) phase end", text, re.M)]
    names = re.findall(r"^MSG\t\d+ var startPos (\w+)", text, re.M)
    assert [(one.stem, one.onset_ms, one.offset_ms) for one in shown] == list(
        zip(names, cues, ends, strict=True)
    )
    assert len(shown) == 20
    fixations = re.findall(r"^EFIX R +(\d+)\t(\d+)", text, re.M)
    fixations = [(int(a), int(b) + 1) for a, b in fixations]
    overlaps = [
        [min(b, end) - max(a, cue) for a, b in fixations]
        for cue, end in zip(cues, ends, strict=True)
    ]
    expected = [sum(time for time in row if time >= 60) for row in overlaps]
    np.testing.assert_allclose([one.own_fixations[:, 1].sum() for one in shown], expected)
    samples = len(re.findall(r"^\d+\t", text, re.M))
    assert sum(len(one.time_ms) for one in shown) / samples == pytest.approx(0.65, abs=0.01)
