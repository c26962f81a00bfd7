"""Tables of fixations as people bring them, from the folder to metadata and report."""

import gzip

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import (
    gaze_folder_dataset_builder,
    overview,
    report,
    study,
    suspicions,
    viewers,
)

HEADER = "stem,viewer,index,x,y,duration_ms"


@pytest.fixture
def root(tmp_path):
    """Six grey pictures of 40 x 30 pixels; the table is for the test."""
    root = tmp_path / "study"
    (root / "images").mkdir(parents=True)
    for stem in "abcdef":
        Image.new("RGB", (40, 30), (90, 90, 90)).save(root / f"images/{stem}.png")
    return root


def lines_of(viewers=("P01", "P02"), duration=240, name="{stem}.png"):
    rng = np.random.default_rng(0)
    return [
        f"{name.format(stem=stem)},{viewer},{index},{rng.uniform(0, 40):.2f},"
        f"{rng.uniform(0, 30):.2f},{duration}"
        for stem in "abcdef"
        for viewer in viewers
        for index in range(3)
    ]


def write(root, lines, name="fixations.csv", header=HEADER):
    text = "\n".join([header, *lines])
    packed = name.endswith(".gz")
    (root / name).write_bytes(gzip.compress(text.encode()) if packed else text.encode())


def durations_of(found):
    return np.concatenate([value.duration_ms for value in found.gaze.by_stem.values()])


def test_names_of_viewers_are_kept_in_the_set_and_shown(tmp_path, root):
    write(root, lines_of(duration=0.24))
    text = str(report.examine(study.open_study(root)))
    assert "  viewer P01: 18 fixations, 0.0% off image, on 6 images, median 240 ms" in text
    builder = gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets")
    config = tfds.download.DownloadConfig(manual_dir=root)
    builder.download_and_prepare(download_config=config)
    assert list(builder.info.metadata["viewer_names"]) == ["P01", "P02"]
    assert "converted from seconds" in builder.info.metadata["gaze_notes"][0]
    assert (builder.info.metadata["viewers"], builder.info.metadata["fixations"]) == (2, 36)


@pytest.mark.parametrize("name", ["fixations.csv.gz", "fixations.tsv", "fixations.txt"])
def test_tables_of_other_names_are_found(root, name):
    write(root, lines_of(), name)
    found = study.open_study(root)
    assert sorted(found.gaze.by_stem) == list("abcdef") and found.gaze.source == root / name


def test_two_tables_are_an_error(root):
    write(root, lines_of())
    write(root, lines_of(), "fixations.tsv.gz")
    with pytest.raises(ValueError, match=r"one table.*fixations\.csv and fixations\.tsv\.gz"):
        study.open_study(root)


@pytest.mark.parametrize(("duration", "unit"), [(0.24, "seconds"), (240_000, "microseconds")])
def test_durations_in_another_unit_are_converted_and_that_is_stated(root, duration, unit):
    write(root, [*lines_of(duration=duration), "a,P01,9,1,1,-1"])
    found = study.open_study(root)
    known = durations_of(found)
    np.testing.assert_allclose(known[known >= 0], 240)
    assert (known == -1).sum() == 1
    (note,) = found.gaze.notes
    assert note.startswith(f"durations: converted from {unit} to milliseconds, since their median")
    assert note in str(report.examine(found))
    (root / "recording.json").write_text('{"duration_unit": "ms"}')
    assert durations_of(study.open_study(root)).max() == pytest.approx(duration)


def test_a_stated_unit_of_durations_is_applied(root):
    write(root, lines_of(duration=30))
    (root / "recording.json").write_text('{"duration_unit": "s"}')
    assert set(durations_of(study.open_study(root))) == {30_000}
    (root / "recording.json").write_text('{"duration_unit": "min"}')
    with pytest.raises(ValueError, match=r"`duration_unit` must be one of ms, s, us; got 'min'"):
        study.open_study(root)


def test_unknown_viewers_and_other_columns_are_stated(root):
    lines = [f"{line},7" for line in lines_of(("-1",))] + ["a,-1,0,3,3,200,7"]
    write(root, lines, header=f"{HEADER},pupil")
    text = str(report.examine(study.open_study(root)))
    assert "columns ignored: pupil" in text
    assert "viewer unknown: several people on 1 images, such as a," in text
    assert "  viewer unknown: 19 fixations" in text


def test_a_viewer_whose_lines_are_all_beside_the_images_has_a_row(root):
    write(root, [*lines_of(), "a,P03,0,400,20,200"])
    text = str(report.examine(study.open_study(root)))
    assert "  viewer P03: 1 fixations, 100.0% off image, on 1 images" in text


def test_a_viewer_without_a_good_line_has_a_row(root):
    rng = np.random.default_rng(0)
    many = [f"b,P01,{i},{x:.3f},5,200" for i, x in enumerate(rng.uniform(0, 40, 1500), 10)]
    write(root, [*lines_of(("P01",)), *many, "a,P03,0,nan,20,200"])
    text = str(report.examine(study.open_study(root)))
    assert "1 bad lines left out" in text
    assert "  viewer P03: no fixation" in text


def test_pictures_that_are_shown_turned_are_refused(root):
    write(root, lines_of())
    exif = Image.Exif()
    for orientation, is_bad in ((1, False), (6, True), (2, True)):
        exif[0x0112] = orientation
        Image.new("RGB", (40, 30)).save(root / "images/g.jpg", exif=exif)
        if not is_bad:
            study.open_study(root)
            continue
        with pytest.raises(ValueError, match=r"1 images have an EXIF orientation.*g\.jpg\. Turn"):
            study.open_study(root)


def test_a_split_may_name_files(root):
    write(root, lines_of())
    rows = [f"{stem}.png,{'test' if stem == 'f' else 'train'}" for stem in "abcdef"]
    (root / "splits.csv").write_text("\n".join(["stem,split", *rows]))
    assert study.open_study(root).parts["test"] == {"f"}


def test_an_offset_on_some_pictures_is_no_lost_calibration():
    """A viewer looks at the other side of two pictures of ten, far away, and is as others else."""
    rng = np.random.default_rng(0)
    image, viewer = np.repeat(np.arange(10), 40), np.tile(np.repeat(np.arange(4), 10), 10)
    x, y = rng.normal([[200], [150]], 30, (2, 400))
    odd = (viewer == 2) & (image < 6)
    x[odd] += 150 * (-1) ** image[odd] + 40
    sizes = {str(one): (300, 400) for one in range(10)}

    def suspect():
        gaze = {
            stem: fixation_table.Fixations(*(row[image == int(stem)] for row in (x, y, x, viewer)))
            for stem in sizes
        }
        people = list(viewers.describe(gaze, sizes))
        return suspicions.suspect(overview.look(gaze, sizes), people, "P{}".format)

    assert suspect() == []
    x[viewer == 3] += 60
    (text,) = suspect()
    assert text.startswith("viewer P3 looks +1")
