"""Every format by a file made of its documented columns: gaze, viewer, image, place, fixations."""

import gzip
import json

import h5py
import numpy as np
import pytest
from exports import SCREEN, places, read, write

from tfds_builders.gaze_folder import placement
from tfds_builders.gaze_folder.readers import formats

pytest.importorskip("polars", reason="needs polars: pip install -r requirements-gaze.txt")


def test_tobii_studio_has_codes_of_validity_and_its_own_fixations(tmp_path):
    header = (
        "ParticipantName\tMediaName\tMediaPosX (ADCSpx)\tMediaPosY (ADCSpx)\tMediaWidth\t"
        "MediaHeight\tRecordingTimestamp\tGazePointIndex\tFixationIndex\tGazeEventType\t"
        "GazeEventDuration\tFixationPointX (MCSpx)\tFixationPointY (MCSpx)\t"
        "GazePointLeftX (ADCSpx)\tGazePointLeftY (ADCSpx)\tGazePointRightX (ADCSpx)\t"
        "GazePointRightY (ADCSpx)\tGazePointX (MCSpx)\tValidityLeft\tValidityRight"
    )
    row = "P1\ta.png\t30\t77\t800\t600\t{t}\t{n}\t7\t{kind}\t100\t200\t100\t{x}\t170\t240\t180\t"
    row += "5\t{v}\t0"
    lines = [row.format(t=8 * n, n=n, kind="Fixation", x=228, v=4 * (n == 2)) for n in range(12)]
    event = row.format(t=50, n="", kind="", x="", v="")  # of a mouse
    _, (shown,) = read(write(tmp_path, "s.tsv", header, [*lines[:6], event, *lines[6:]]))
    assert (shown.viewer, shown.stem) == ("P1", "a")
    assert shown.place == placement.Place(30, 77, 800, 600)
    assert len(shown.time_ms) == 12 and (shown.onset_ms, shown.offset_ms) == (0, 96)
    assert places(shown)[1] == [[228, 170], [240, 180]] and places(shown)[2][0] is None
    # 100 ms in all; the picture was there for 96. Places count from the image's.
    np.testing.assert_allclose(shown.own_fixations, [[0, 96, 230, 177]])


def test_tobii_studio_2_in_utf_16_with_decimal_commas(tmp_path):
    """Columns as its manual lists them; no file of a laboratory was at hand."""
    header = (
        "Timestamp\tNumber\tGazePointXLeft\tGazePointYLeft\tValidityLeft\tGazePointXRight\t"
        "GazePointYRight\tValidityRight\tFixationIndex\tGazePointX\tGazePointY\tStimuliName\t"
        "MediaWidth\tMediaHeight\tMediaPosX\tMediaPosY\tRecordingName"
    )
    line = (
        "{t}\t{n}\t228,25\t170,5\t{v}\t240\t180\t0\t\t234\t175\t{media}\t800\t600\t30\t77\tRec 01"
    )
    lines = [
        line.format(t=17 * n, n=n, v=4 * (n == 2), media="dog.jpg" if n < 12 else "cat.jpg")
        for n in range(24)
    ]
    path = tmp_path / "all_data.tsv"
    path.write_text("\r\n".join([header, *lines, ""]), encoding="utf-16", newline="")
    _, (dog, cat) = read(path)
    assert (dog.viewer, dog.stem, cat.stem, cat.onset_ms) == ("Rec 01", "dog", "cat", 204)
    assert dog.place == placement.Place(30, 77, 800, 600)
    assert places(dog)[1:3] == [[[228.25, 170.5], [240, 180]], [None, [240, 180]]]


def test_a_page_that_scrolls_has_two_places(tmp_path):
    header = (
        "RecordingTimestamp\tParticipantName\tMediaName\tMediaPosX\tMediaPosY\tMediaWidth\t"
        "MediaHeight\tGazePointX\tGazePointY"
    )
    lines = [f"{8 * n}\tP\tpage\t0\t{0 if n < 5 else -20}\t800\t600\t9\t9" for n in range(10)]
    _, (first, second) = read(write(tmp_path, "s.tsv", header, lines))
    assert (first.place.top, second.place.top, second.onset_ms) == (0, -20, 40)


def test_pro_lab_fixations_are_cut_to_the_picture(tmp_path):
    header = (
        "Recording timestamp [ms]\tParticipant name\tEyetracker timestamp\tEvent\t"
        "Presented Media name\tGaze point left X\tGaze point left Y\tGaze point right X\t"
        "Gaze point right Y\tValidity left\tValidity right\tEye movement type\t"
        "Gaze event duration\tEye movement type index\tFixation point X\tFixation point Y"
    )
    # Fixation 1 lasts 400 ms over both pictures; 2 is a saccade's number; 3 lies within b.
    lines = []
    for n in range(60):
        kind, index = ("Saccade", 2) if 40 <= n < 43 else ("Fixation", 1 if n < 40 else 3)
        length = {1: 400, 2: 30, 3: 170}[index]
        media = "a.png" if n < 20 else "b.png"
        lines.append(
            f"{10 * n}\tP\t{n}\t\t{media}\t100\t50\t102\t52\tValid\t{'Valid' if n else 'Invalid'}\t"
            f"{kind}\t{length}\t{index}\t{'' if index == 2 else 101}\t{'' if index == 2 else 51}"
        )
    lines.insert(20, "200\tP\t\tImageStimulusStart\t" + "\t" * 11)
    _, (a, b) = read(write(tmp_path, "s.tsv", header, lines))
    assert places(a)[0] == [[100, 50], None]
    np.testing.assert_allclose(a.own_fixations, [[0, 200, 101, 51]])
    np.testing.assert_allclose(b.own_fixations, [[200, 200, 101, 51], [430, 170, 101, 51]])


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (
            "device_time_stamp\tleft_gaze_point_on_display_area_x\t"
            "left_gaze_point_on_display_area_y\tright_gaze_point_on_display_area_x\t"
            "right_gaze_point_on_display_area_y\tleft_gaze_point_validity\t"
            "right_gaze_point_validity",
            "{us}\t0.5\t0.25\t0.75\t0.5\t{new}\t1",
        ),
        (
            "Time\tLGazePos2dx\tLGazePos2dy\tLValidity\tRGazePos2dx\tRGazePos2dy\tRValidity\t"
            "RelTimestamp",
            "{us}\t0.5\t0.25\t{old}\t0.75\t0.5\t0\t{ms}",
        ),
    ],
)
def test_the_sdk_counts_in_shares_of_the_screen(tmp_path, header, line):
    lines = [
        line.format(us=5000 * n, ms=5 * n, new=int(n != 1), old=4 * (n == 1)) for n in range(4)
    ]
    path = write(tmp_path, "anna/a.tsv", header, lines)
    _, (shown,) = read(path, "anna", **SCREEN)
    np.testing.assert_allclose(shown.time_ms, [0, 5, 10, 15])
    # The middle of the screen is the edge between two pixels.
    assert places(shown)[0] == [[499.5, 199.5], [749.5, 399.5]]
    assert places(shown)[1] == [None, [749.5, 399.5]]
    with pytest.raises(ValueError, match=r"a\.tsv: coordinates are shares.*screen_width_px"):
        read(path)


GAZEPOINT = "MEDIA_ID,MEDIA_NAME,CNT,TIME(2022/09/19 13:34:49.156),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,"
GAZEPOINT += "FPOGV,BPOGX,BPOGY,BPOGV,"


def test_gazepoint_has_its_own_fixations(tmp_path):
    lines = []
    for n in range(10):
        fixation = (0, 0.02 * (n + 1), 1) if n < 5 else (0.12, 0.02 * (n - 5), 2)
        start, length, number = fixation
        valid = int(n != 5)
        lines.append(
            f"0,dog.png,{n},{0.02 * n:.5f},0.5,0.5,{start},{length},{number},{valid},0.1,0.2,"
            f"{n % 9 and 1},"
        )
    file, (shown,) = read(write(tmp_path, "u_all_gaze.csv", GAZEPOINT, lines), "u", **SCREEN)
    assert file.known.name == "Gazepoint, all gaze" and shown.stem == "dog"
    np.testing.assert_allclose(shown.time_ms, 20 * np.arange(10))
    assert places(shown)[1] == [[99.5, 159.5]] and places(shown)[0] == [None]
    np.testing.assert_allclose(
        shown.own_fixations, [[0, 100, 499.5, 399.5], [120, 80, 499.5, 399.5]]
    )
    ends = [lines[4], lines[9]]
    file, (shown,) = read(write(tmp_path, "u_fixations.csv", GAZEPOINT, ends), "u", **SCREEN)
    assert file.known.name == "Gazepoint, fixations" and not len(shown.time_ms)
    np.testing.assert_allclose(
        shown.own_fixations, [[0, 100, 499.5, 399.5], [120, 80, 499.5, 399.5]]
    )


def test_data_viewers_fixation_report(tmp_path):
    header = (
        "RECORDING_SESSION_LABEL\tTRIAL_INDEX\tEYE_USED\tCURRENT_FIX_START\tCURRENT_FIX_END\t"
        "CURRENT_FIX_DURATION\tCURRENT_FIX_X\tCURRENT_FIX_Y\timage"
    )
    lines = [
        "anna\t1\tRIGHT\t10\t209\t200\t100.5\t50\tdog.jpg",
        "anna\t1\tLEFT\t15\t114\t100\t90\t50\tdog.jpg",
        "anna\t1\tRIGHT\t250\t349\t100\t300\t60\tdog.jpg",
        "anna\t2\tRIGHT\t5\t104\t100\t7\t8\tcat.jpg",
        "anna\t3\tRIGHT\t5\t104\t100\t.\t.\tdog.jpg",
    ]
    _, shown = read(write(tmp_path, "fix.txt", header, lines))
    assert [(one.viewer, one.stem) for one in shown] == [
        ("anna", "dog"),
        ("anna", "cat"),
        ("anna", "dog"),
    ]
    # Of two eyes the one that fixated for longer.
    np.testing.assert_allclose(shown[0].own_fixations, [[10, 200, 100.5, 50], [250, 100, 300, 60]])
    assert shown[2].own_fixations.shape == (0, 4)


BEGAZE = "Time\tType\tTrial\tL POR X [px]\tL POR Y [px]\tR POR X [px]\tR POR Y [px]\tL Event Info"


def test_begaze_of_the_idf_converter(tmp_path):
    lines, kinds = [], ["Fixation"] * 5 + ["Saccade"] * 2 + ["Fixation"] * 8
    for n, kind in enumerate(kinds):
        if n in (0, 10):
            lines.append(f"{4000 * n - 100}\tMSG\t1\t# Message: {'dog' if n == 0 else 'cat'}.bmp")
        lost = n == 12
        x = 0 if lost else 100 + (200 if n > 6 else 0)
        lines.append(f"{4000 * n}\tSMP\t1\t{x}.00\t{0 if lost else 50}.00\t{x}.00\t50.00\t{kind}")
    comments = "## [BeGaze]\n## Sample Rate:\t250\n" + BEGAZE
    _, (dog, cat) = read(write(tmp_path, "anna.txt", comments, lines))
    assert (dog.stem, cat.stem, len(dog.time_ms), len(cat.time_ms)) == ("dog", "cat", 10, 5)
    np.testing.assert_allclose(dog.time_ms, 4 * np.arange(10))
    np.testing.assert_allclose(dog.own_fixations, [[0, 20, 100, 50], [28, 12, 300, 50]])
    # The label goes on over the next picture, the fixation does not.
    (fixation,) = cat.own_fixations
    np.testing.assert_allclose(fixation[:2], [40, 20])
    assert cat.eyes[2, 0].tolist() == [0, 0]  # whoever detects fixations knows it as lost


def test_begaze_3(tmp_path):
    header = (
        "RecordingTime [ms],Trial,Stimulus,Participant,Category Binocular,Index Binocular,"
        "Point of Regard Right X [px],Point of Regard Right Y [px],"
        "Point of Regard Left X [px],Point of Regard Left Y [px]"
    )
    lines = [f"{4 * n},T1,{'dog.jpg' if n else '-'},P1,Fixation,1,102,52,100,50" for n in range(6)]
    _, (shown,) = read(write(tmp_path, "raw.csv", header, lines))
    assert (shown.viewer, shown.stem, len(shown.time_ms)) == ("P1", "dog", 5)
    assert places(shown)[0] == [[100, 50], [102, 52]]
    np.testing.assert_allclose(shown.own_fixations, [[4, 20, 101, 51]])


def test_pupil_on_a_reference_image(tmp_path):
    header = (
        "section id,recording id,timestamp [ns],gaze detected in reference image,"
        "gaze position in reference image x [px],gaze position in reference image y [px],"
        "fixation id"
    )
    lines = [
        f"s,r1,{5_000_000 * n + 10**18},{'true' if n else 'false'},40,{30 + n},1" for n in range(4)
    ]
    sizes = {"dog": (60, 80)}
    _, (shown,) = read(write(tmp_path, "anna/dog/gaze.csv", header, lines), "anna", sizes)
    assert (shown.viewer, shown.stem, shown.place) == ("r1", "dog", placement.Place(0, 0, 80, 60))
    np.testing.assert_allclose(np.diff(shown.time_ms), 5, atol=0.2)
    assert places(shown)[:2] == [[None], [[40, 31]]]
    header = (
        "section id,recording id,fixation id,start timestamp [ns],end timestamp [ns],duration [ms],"
        "fixation detected in reference image,fixation x [px],fixation y [px]"
    )
    lines = [
        "s,r1,1,1000000000,1200000000,200,true,40,30",
        "s,r1,2,2000000000,2100000000,100,false,,",
    ]
    _, (shown,) = read(write(tmp_path, "anna/dog/fixations.csv", header, lines), "anna", sizes)
    np.testing.assert_allclose(shown.own_fixations, [[1000, 200, 40, 30]])
    assert shown.place == placement.Place(0, 0, 80, 60)


def test_pupil_core_on_a_surface(tmp_path):
    header = "world_timestamp,world_index,gaze_timestamp,x_norm,y_norm,x_scaled,y_scaled,on_surf"
    lines = [f"1,1,{n * 0.005:.3f},0.25,0.75,0,0,{n < 3}" for n in range(4)]
    name = "gaze_positions_on_surface_dog.csv"
    _, (shown,) = read(write(tmp_path, name, header, lines), "anna", {"dog": (60, 80)})
    assert shown.stem == "dog"
    # y goes upwards from the lower edge.
    assert places(shown) == [[[19.5, 14.5]]] * 3 + [[None]]
    header = (
        "world_timestamp,world_index,fixation_id,start_timestamp,duration,dispersion,norm_pos_x,"
        "norm_pos_y,x_scaled,y_scaled,on_surf"
    )
    lines = [f"1,{n},7,2.5,180.0,1,0.25,0.75,0,0,True" for n in range(3)]
    name = "fixations_on_surface_dog.csv"
    _, (shown,) = read(write(tmp_path, name, header, lines), "anna", {"dog": (60, 80)})
    np.testing.assert_allclose(shown.own_fixations, [[2500, 180, 19.5, 14.5]])


def physio(folder, name, columns=("timestamp", "x_coordinate", "y_coordinate"), **facts):
    path = folder / f"sub-01/eyetrack/sub-01_task-view_{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [(2000 + 4 * n, 100 + n, 50) for n in range(500)]
    text = "".join(
        "\t".join("n/a" if r[1] == 103 and i else str(v) for i, v in enumerate(r)) + "\n"
        for r in rows
    )
    path.with_name(path.name + ".tsv.gz").write_bytes(gzip.compress(text.encode()))
    content = {"SamplingFrequency": 250, "StartTime": 0.5, "Columns": list(columns)} | facts
    path.with_name(path.name + ".json").write_text(json.dumps(content))
    return path.with_name(path.name + ".tsv.gz")


def test_bids_with_its_events(tmp_path):
    path = physio(tmp_path, "recording-eye1_physio")
    physio(tmp_path, "recording-eye2_physio")
    events = path.with_name("sub-01_task-view_events.tsv")
    events.write_text(
        "onset\tduration\tstim_file\n0.5\t0.4\timages/dog.jpg\n1.0\tn/a\tcat.jpg\n1.5\t1\tn/a\n"
        "2.0\t9\tdog.jpg\n"
    )
    _, shown = read(path)
    assert [(one.stem, one.onset_ms, one.offset_ms) for one in shown] == [
        ("dog", 500, 900),
        ("cat", 1000, 2000),
        ("dog", 2000, 2500),
    ]
    assert {one.viewer for one in shown} == {"01"} and shown[0].sampling_rate_hz == 250
    assert shown[0].eyes.shape == (100, 2, 2) and places(shown[0])[3] == [None, None]
    assert formats.is_companion(path.with_name(path.name.replace("eye1", "eye2")))
    assert formats.is_companion(events) and not formats.is_companion(path)
    events.unlink()
    file, (shown,) = read(path)
    assert shown.stem == "sub-01_task-view" and "there is no" in file.notes[0]


def test_bids_needs_its_description_in_pixels(tmp_path):
    path = physio(tmp_path, "physio", SampleCoordinateUnits="mm")
    with pytest.raises(ValueError, match="must be pixels of the screen; its JSON says 'mm'"):
        read(path)
    path = physio(tmp_path, "physio", columns=("timestamp", "gaze", "y_coordinate"))
    with pytest.raises(ValueError, match="`Columns` of its JSON must have x_coordinate"):
        read(path)
    path.with_name(path.name.replace(".tsv.gz", ".json")).unlink()
    with pytest.raises(ValueError, match=r"no header, so that sub-01_task-view_physio\.json must"):
        read(path)


def iohub(path, texts, unit=1.0, conditions=None):
    """An HDF5 file as ioHub lays it out: compound tables in `data_collection`."""
    rows = [
        (1, 10 + 0.01 * n, -100 * unit, 50 * unit, -90 * unit, 40 * unit, 20 * (n == 2))
        for n in range(50)
    ]
    kinds = [
        (name, "f8") for name in ("left_gaze_x", "left_gaze_y", "right_gaze_x", "right_gaze_y")
    ]
    samples = np.array(rows, [("session_id", "u4"), ("time", "f8"), *kinds, ("status", "u1")])
    kinds = [("session_id", "u4"), ("time", "f8"), ("text", "S128")]
    messages = np.array([(1, time, text) for time, text in texts], kinds)
    with h5py.File(path, "w") as file:
        events = file.create_group("data_collection/events")
        events["eyetracker/BinocularEyeSampleEvent"] = samples
        events["experiment/MessageEvent"] = messages
        session = np.array([(1, b"anna")], [("session_id", "u4"), ("code", "S24")])
        file["data_collection/session_meta_data"] = session
        if conditions is not None:
            file["data_collection/condition_variables/EXP_CV_1"] = conditions
    return path


def test_iohub_with_messages(tmp_path):
    texts = [(10.1, b"TRIALID 1"), (10.1, b"!V IMGLOAD FILL dog.png"), (10.3, b"image_offset")]
    path = iohub(tmp_path / "events.hdf5", texts)
    _, (shown,) = read(path, **SCREEN)
    assert (shown.viewer, shown.stem) == ("anna", "dog")
    np.testing.assert_allclose([shown.onset_ms, shown.offset_ms], [10100, 10300])
    assert len(shown.time_ms) == 20
    # The origin is the middle of the window, between two pixels, and y goes upwards.
    assert places(shown)[0] == [[399.5, 349.5], [409.5, 359.5]]
    _, (early,) = read(iohub(path, [(10.0, b"!V IMGLOAD FILL dog.png")]), **SCREEN)
    assert places(early)[2] == [None, [409.5, 359.5]]


def test_iohub_with_condition_variables_and_other_units(tmp_path):
    kinds = [("SESSION_ID", "u4"), ("image", "S32"), ("TRIAL_START", "f8"), ("TRIAL_END", "f8")]
    conditions = np.array([(1, b"pics/dog.png", 10.05, 10.15)], kinds)
    path = iohub(tmp_path / "events.hdf5", [], 1 / 800, conditions)
    with pytest.raises(ValueError, match="write `gaze_units` into recording.json"):
        read(path, **SCREEN)
    _, (shown,) = read(path, **SCREEN, gaze_units="height")
    assert (shown.stem, len(shown.time_ms)) == ("dog", 10)
    assert places(shown)[0] == [[399.5, 349.5], [409.5, 359.5]]


def test_pygaze_with_opensesames_messages(tmp_path):
    header = (
        "timestamp\ttime\tfix\tstate\trawx\trawy\tavgx\tavgy\tpsize\tLrawx\tLrawy\tLavgx\tLavgy\t"
        "Rrawx\tRrawy\tRavgx\tRavgy"
    )
    row = "2014\t{t}\tFalse\t7\t101\t51\t0\t0\t9\t{x}\t50\t0\t0\t102\t52\t0\t0"
    lines = [row.format(t=1000 + 20 * n, x=100) for n in range(20)]
    lines.insert(15, "MSG\t2014-11-21 10:29:00\t1300\tvar picture dog.png")
    lines.insert(15, "MSG\t2014-11-21 10:29:00\t1299\tblank_screen")
    lines.insert(5, "MSG\t2014-11-21 10:29:00\t1100\tstart_trial 0")
    _, (shown,) = read(write(tmp_path, "anna.tsv", header, lines), image_variable="picture")
    assert (shown.viewer, shown.stem, shown.onset_ms, shown.offset_ms) == (
        "anna",
        "dog",
        1100,
        1299,
    )
    assert len(shown.time_ms) == 10 and places(shown)[0] == [[100, 50], [102, 52]]


def test_webgazer_in_jspsych(tmp_path):
    trial = {
        "trial_type": "image-keyboard-response",
        "stimulus": "img/dog.png",
        "subject": "anna",
        "webgazer_data": [{"x": 200.5, "y": 100.5, "t": 30 * n} for n in range(5)],
        "webgazer_targets": {"#image": {"x": 100, "y": 50, "width": 400, "height": 300}},
    }
    html = trial | {"stimulus": "<p>Ready?</p>"}
    path = tmp_path / "data.json"
    path.write_text(json.dumps([{"trial_type": "fullscreen"}, trial, html]))
    file, (shown,) = read(path)
    assert (shown.viewer, shown.stem, shown.place) == (
        "anna",
        "dog",
        placement.Place(100, 50, 400, 300),
    )
    assert places(shown) == [[[200, 100]]] * 5 and shown.offset_ms == 150
    assert "1 trials with gaze have no picture" in file.notes[0]
    path.write_text('[{"rt": 5}]')
    with pytest.raises(ValueError, match="must be a list of jsPsych's trials.*webgazer_data"):
        read(path)


ROWS = [(4 * n, 100.5 + n, 50.25, "P1", "dog.png") for n in range(30)]
NAMES = ("timestamp", "x", "y", "participant", "image")


def _text(delimiter, comma=False):
    rows = [delimiter.join(NAMES)]
    rows += [
        delimiter.join(
            str(v).replace(".", "," if comma and i < 3 else ".") for i, v in enumerate(r)
        )
        for r in ROWS
    ]
    return "\n".join(rows)


def workbook(path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [NAMES, *ROWS]:
        book.active.append(row)
    book.save(path)


FILES = {
    "comma.csv": lambda path: path.write_text(_text(",")),
    "semicolon.csv": lambda path: path.write_text(_text(";")),
    "decimal_comma.csv": lambda path: path.write_text(_text(";", comma=True)),
    "tab.txt": lambda path: path.write_text(_text("\t")),
    "utf16.tsv": lambda path: path.write_text(_text("\t", comma=True), "utf-16"),
    "utf16_without_mark.tsv": lambda path: path.write_bytes(_text("\t").encode("utf-16-le")),
    "mark.csv": lambda path: path.write_text(_text(","), "utf-8-sig"),
    "windows.csv": lambda path: path.write_bytes(_text(",").replace("\n", "\r\n").encode()),
    "quoted.csv": lambda path: path.write_text(_text(",").replace("dog.png", '"dog, 1.png"')),
    "packed.tsv.gz": lambda path: path.write_bytes(gzip.compress(_text("\t").encode())),
    "book.xlsx": workbook,
}


@pytest.mark.parametrize("name", FILES)
def test_tables_however_they_are_written(tmp_path, name):
    path = tmp_path / name
    FILES[name](path)
    file, (shown,) = read(path)
    assert (shown.viewer, shown.stem) == ("P1", "dog, 1" if "quoted" in name else "dog")
    np.testing.assert_allclose(shown.time_ms, 4 * np.arange(30))
    np.testing.assert_allclose(shown.eyes[:, 0, 0], 100.5 + np.arange(30))
    np.testing.assert_allclose(shown.eyes[:, 0, 1], 50.25)
    assert not file.skipped and file.lines == 30


def test_commas_within_numbers_of_a_table_with_commas_are_bad_lines(tmp_path):
    lines = ["0,812,5,300", "4,812.5,300"]
    file, (shown,) = read(write(tmp_path, "a.csv", "t,x,y", lines))
    assert len(shown.time_ms) == 1
    assert (
        "line 2: has 4 fields under 3 names; were numbers written with commas?" in file.skipped[0]
    )


def test_a_large_table_is_read_in_blocks(tmp_path):
    """Blocks end within a presentation; lines keep their numbers."""
    count = 600_000
    rows = [f"{2 * n},{n % 1000},{n % 700},{'ab'[n // 300_000]}" for n in range(count)]
    rows[500_000] = "1000000,x,5,b"
    path = write(tmp_path, "v.csv", "t,x,y,stem", rows)
    assert path.stat().st_size > 1.2 * 8 * 2**20
    file, (a, b) = read(path)
    assert (len(a.time_ms), len(b.time_ms), file.lines) == (300_000, 299_999, count)
    np.testing.assert_array_equal(a.eyes[:, 0, 0], np.arange(300_000) % 1000)
    kept = np.delete(np.arange(300_000, count), 200_000)
    np.testing.assert_array_equal(b.eyes[:, 0, 1], kept % 700)
    assert "line 500002: 'x' must be a number" in file.skipped[0]


def test_lines_of_each_eye_are_joined_or_refused(tmp_path):
    lines = [f"{4 * (n // 2)},{100 + 30 * (n % 2)},50,{'LR'[n % 2]}" for n in range(60) if n != 7]
    _, (shown,) = read(write(tmp_path, "a.csv", "t,x,y,eye", lines))
    assert shown.eyes.shape == (30, 2, 2)
    assert places(shown)[0] == [[100, 50], [130, 50]] and places(shown)[3] == [[100, 50], None]
    bare = [line.rsplit(",", 1)[0] for line in lines]
    with pytest.raises(ValueError, match="time stamps occur twice.*30.0, 0.0.*column `eye`"):
        read(write(tmp_path, "b.csv", "t,x,y", bare))


def test_another_recording_in_the_same_file_is_another_presentation(tmp_path):
    lines = [f"{4 * n},100,50,dog" for n in range(50)] * 2
    _, (first, second) = read(write(tmp_path, "a.csv", "t,x,y,stem", lines))
    assert len(first.time_ms) == len(second.time_ms) == 50
    blank = [f"{4 * n + 200},9,9," for n in range(50)]
    again = [f"{4 * n + 400},100,50,dog" for n in range(50)]
    _, shown = read(write(tmp_path, "a.csv", "t,x,y,stem", [*lines[:50], *blank, *again]))
    assert [one.onset_ms for one in shown] == [0, 400]


def test_an_unknown_table_is_told_the_closest_format(tmp_path):
    header = "Recording timestamp\tParticipant name\tGaze left X\tGaze point left Y"
    pattern = (
        r"a\.tsv must have the columns.*tried Tobii Pro Lab.*plain table\. The closest is Tobii "
        r"Pro Lab, data export, which needs gaze point left x"
    )
    with pytest.raises(ValueError, match=pattern):
        read(write(tmp_path, "a.tsv", header, []))


@pytest.mark.parametrize(
    ("name", "content", "pattern"),
    [
        ("a.edf", b"x", r"a\.edf must be one of .*edf2asc"),
        ("a.docx", b"x", r"a\.docx must be one of .*move it out"),
        ("a.xlsx", b"x", r"a\.xlsx must be an Excel workbook"),
        ("a.tsv.gz", b"x", r"a\.tsv\.gz must be a table in UTF-8"),
        (
            "a.csv",
            b"t,x,y\n0,1,2\n\xff\xfe\xfa,1,2\n",
            r"a\.csv must be a table in UTF-8 or UTF-16",
        ),
        ("a.hdf5", b"x", r"a\.hdf5 must be an HDF5 file"),
        ("a.json", b"{", r"a\.json must be a JSON file"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(tmp_path, name, content, pattern):
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=pattern):
        read(tmp_path / name)


def test_a_header_alone_is_noted(tmp_path):
    file, shown = read(write(tmp_path, "a.csv", "t,x,y", []))
    assert not shown and "a.csv has a header only" in file.notes[0]
