"""A folder of exports as a whole: nobody disappears, nothing counts twice."""

import json

import numpy as np
import pytest
from exports import write
from PIL import Image

from tfds_builders.gaze_folder import report, study

pytest.importorskip("polars", reason="needs polars: pip install -r requirements-gaze.txt")


@pytest.fixture
def root(tmp_path):
    """Three images of 400 x 300, shown from (0, 0) at their size."""
    folder = tmp_path / "study"
    for stem in "abc":
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (400, 300)).save(folder / f"images/{stem}.png")
    (folder / "recording.json").write_text('{"pixels_per_degree": 40}')
    (folder / "placement.csv").write_text("stem,left,top,width,height\n*,0,0,400,300\n")
    return folder


def dwell(x, y, seed=0, count=100):
    """400 ms at a place, at 250 Hz."""
    rng = np.random.default_rng(seed)
    return [
        f"{4 * n},{x + a:.2f},{y + b:.2f}" for n, (a, b) in enumerate(rng.normal(0, 1, (count, 2)))
    ]


def export(root, name, lines, header="t,x,y"):
    return write(root / "samples", name, header, lines)


def suspicions(root):
    return report.examine(study.open_study(root)).suspicions


def test_the_timeline_has_a_row_for_every_presentation(root):
    export(root, "anna/a.csv", dwell(100, 100))
    export(root, "anna/b.csv", [f"{4 * n},.,." for n in range(100)])
    export(root, "ben/a.csv", dwell(300, 200, 1))
    found = study.open_study(root)
    rows = [
        (one.viewer, one.stem, one.samples, round(one.tracked, 2), one.fixations)
        for one in found.gaze.viewings
    ]
    assert rows == [("anna", "a", 100, 1, 1), ("anna", "b", 100, 0, 0), ("ben", "a", 100, 1, 1)]
    text = str(report.examine(found))
    assert "presentations: 3" in text and "  anna    b " in text
    assert "fixations of 3 files: ivt, since the file has no fixations of its own" in text
    assert "SUSPICIOUS: 1 of 3 presentations have no fixation: b of anna" in text


def test_a_viewer_without_a_fixation_keeps_a_row(root):
    export(root, "anna/a.csv", dwell(100, 100))
    export(root, "lost/a.csv", [f"{4 * n},.,." for n in range(100)])
    export(root, "late/b.csv", [])
    found = study.open_study(root)
    assert found.gaze.facts["viewer_names"] == ["anna", "lost"]
    text = str(report.examine(found))
    assert "viewer lost: no fixation" in text
    assert "SUSPICIOUS: viewer lost has no fixation in 1 presentations" in text
    assert "late/b.csv has a header only" in text


def test_files_of_other_kinds_are_an_error(root):
    export(root, "anna/a.csv", dwell(100, 100))
    export(root, "anna/.hidden", [])
    export(root, "anna/Thumbs.db", [])
    assert len(study.open_study(root).gaze.viewings) == 1
    export(root, "ben/a.edf", [])
    with pytest.raises(ValueError, match=r"ben/a\.edf must be one of .*edf2asc"):
        study.open_study(root)


def test_a_copy_is_an_error_and_another_presentation_a_suspicion(root):
    lines = dwell(100, 100)
    export(root, "anna/a.csv", lines)
    export(root, "ben/b.csv", lines)
    pattern = r"ben/b\.csv, line 2: the samples are those of .*anna/a\.csv, line 2"
    with pytest.raises(ValueError, match=pattern):
        study.open_study(root)
    export(root, "ben/b.csv", dwell(200, 100, 5))
    export(root, "anna/again.csv", [f"{line},a" for line in dwell(300, 200, 7)], "t,x,y,stem")
    (text,) = [text for text in suspicions(root) if "more than once" in text]
    assert (
        text.startswith("1 pictures were shown to a viewer more than once") and "a to anna" in text
    )


def test_the_same_fixations_in_two_exports_are_a_copy(root):
    header = "MEDIA_NAME,TIME(2022/09/19 13:34:49),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV,"
    header += "BPOGX,BPOGY,BPOGV"
    gaze = [
        f"a.png,{0.02 * n:.2f},{0.1 + 0.1 * (n // 10)},0.5,{0.2 * (n // 10):.2f},"
        f"{0.02 * (n % 10 + 1):.2f},{n // 10},1,0.{n:02d},0.{99 - n},1"
        for n in range(80)
    ]
    export(root, "anna/all_gaze.csv", gaze, header)
    facts = {"pixels_per_degree": 40, "screen_width_px": 400, "screen_height_px": 300}
    (root / "recording.json").write_text(json.dumps(facts))
    viewing = study.open_study(root).gaze.viewings[0]
    assert viewing.fixations == 8 and viewing.samples == 80
    export(root, "anna/fixations_only.csv", gaze[9::10], header)
    with pytest.raises(ValueError, match="tracker's fixations are those of .*all_gaze"):
        study.open_study(root)


def test_pixels_in_a_degree_set_the_blur(root):
    export(root, "anna/a.csv", dwell(100, 100))
    assert study.open_study(root).sigma_px == 40
    (root / "placement.csv").write_text("stem,left,top,width,height\n*,0,0,800,600\n")
    found = study.open_study(root)
    assert found.sigma_px == 20  # the image was shown at twice its size
    assert "20.0 pixels (one degree" in str(report.examine(found))
    (root / "recording.json").write_text('{"pixels_per_degree": 40, "sigma_px": 7}')
    assert study.open_study(root).sigma_px == 7


def test_messages_without_pictures_say_what_there_is(root):
    text = "MSG\t90 TRIALID 1\nSTART\t100\tLEFT\tSAMPLES\tEVENTS\nMSG\t100 !V TRIAL_VAR photo a\n"
    text += "".join(f"{100 + 4 * n}\t{100 + n % 2}\t100\t9\n" for n in range(100))
    path = root / "samples/anna.asc"
    path.parent.mkdir()
    path.write_text(text + "END\t500\tSAMPLES\n")
    found = study.open_study(root)
    assert found.gaze.without_image == ("anna",)
    assert any("photo (1 values)" in one and "image_variable" in one for one in suspicions(root))
    (root / "recording.json").write_text('{"pixels_per_degree": 40, "image_variable": "photo"}')
    assert [one.stem for one in study.open_study(root).gaze.viewings] == ["a"]


def test_one_place_on_one_picture_is_no_mistake(root):
    """Of a dozen fixations around one place nothing can be told about coordinates."""
    lines = []
    for number in range(12):
        lines += dwell(60 + 25 * (number % 4), 50 + 20 * (number // 4), number, 50)
    times = [f"{4 * n},{line.split(',', 1)[1]}" for n, line in enumerate(lines)]
    export(root, "anna/a.csv", times)
    found = study.open_study(root)
    assert len(found.gaze.by_stem["a"].x) >= 10
    texts = report.examine(found).suspicions
    assert not [text for text in texts if "coordinates look" in text or "the middle of" in text]
