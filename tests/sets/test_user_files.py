"""What people's files can be beside what they should be."""

import os
import shutil
import unicodedata

import pytest
from PIL import Image

from salclass_tf.serving import trained
from tfds_builders.common import fixation_table, originals, own_layout, user_files
from tfds_builders.gaze_folder import placement, report, responses, study
from tfds_builders.gaze_folder.readers import bids, cells

LATIN_1 = "é".encode("latin-1")


@pytest.mark.parametrize(
    ("name", "header", "read"),
    [
        ("fixations.csv", "stem,viewer,index,x,y,duration_ms", fixation_table.read_table),
        ("splits.csv", "stem,split", lambda path: study._read_splits(path, {})),
        (
            "placement.csv",
            "stem,left,top,width,height",
            lambda p: placement.read_placement(p.parent),
        ),
        (
            "responses.csv",
            "stem,viewer,response,correct,recognised,recognition_time_ms",
            lambda path: responses.read_responses(path.parent),
        ),
        ("train.txt", "a", own_layout._read_list),
        ("names.txt", "a", trained._read_names),
        ("a_physio.json", "{", bids._read_json),
    ],
)
def test_a_text_in_another_encoding_is_named(tmp_path, name, header, read):
    path = tmp_path / name
    path.write_bytes(header.encode() + b"\n" + LATIN_1 + b",1,0,1,1,1\n")
    with pytest.raises(ValueError, match=rf"{name} must be .*(UTF-8|JSON) .*; save it"):
        read(path)


@pytest.fixture
def root(tmp_path):
    """Two pictures in each of two classes, all looked at."""
    root = tmp_path / "study"
    for stem in ("cat_1", "cat_2", "dog_1", "dog_2"):
        (root / stem[:3]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(root / stem[:3] / f"{stem}.png")
    write_gaze(root, ["cat_1", "cat_2", "dog_1", "dog_2"])
    return root


def write_gaze(root, stems):
    lines = [f"{stem},0,0,5,6,200" for stem in stems]
    text = "\n".join(["stem,viewer,index,x,y,duration_ms", *lines])
    (root / "fixations.csv").write_text(text, "utf-8")


def test_a_linked_folder_is_a_folder(root, tmp_path):
    before = study.fingerprint(root)
    shutil.move(root / "dog", tmp_path / "elsewhere")
    (root / "dog").symlink_to(tmp_path / "elsewhere")
    found = study.open_study(root)
    assert found.class_names == ("cat", "dog") and len(found.images) == 4
    assert study.fingerprint(root) == before  # another file in it is noticed
    (root / "cat" / "again").symlink_to(root)
    with pytest.raises(ValueError, match=r"cat/again leads back .*remove the link"):
        study.open_study(root)


def test_links_that_lead_to_each_other_are_refused(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "link").symlink_to(tmp_path / other)
    with pytest.raises(ValueError, match="link/link leads back .*remove the link"):
        list(user_files.walk(tmp_path))


def test_a_hidden_link_is_none_of_the_study(root, tmp_path):
    before = study.fingerprint(root)
    (root / ".hidden").symlink_to(tmp_path)  # without an end, were it followed
    assert study.fingerprint(root) == before and len(study.open_study(root).images) == 4


@pytest.mark.parametrize("name", ["cat/pipe.jpg", "splits.csv"])
def test_a_named_pipe_is_not_waited_for(root, name):
    os.mkfifo(root / name)
    with pytest.raises(ValueError, match=rf"{name} must be a regular file; remove"):
        study.open_study(root)


@pytest.mark.parametrize(("on_disk", "in_text"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_of_files_and_texts_meet_however_they_are_written(root, on_disk, in_text):
    file, text = (unicodedata.normalize(form, "café_1") for form in (on_disk, in_text))
    assert file != text
    (root / "cat/cat_1.png").rename(root / "cat" / f"{file}.png")
    (root / "dog").rename(root / file)
    write_gaze(root, [f"{text}.png", "cat_2", "dog_1", "dog_2"])
    rows = [f"{text}.png,test", "cat_2,train", "dog_1,train", "dog_2,train"]
    (root / "splits.csv").write_text("\n".join(["stem,split", *rows]), "utf-8")
    header = "stem,viewer,response,correct,recognised,recognition_time_ms"
    (root / "responses.csv").write_text(f"{header}\n{text}.png,0,cat,1,1,900\n", "utf-8")
    (root / "placement.csv").write_text(f"stem,left,top,width,height\n{text},0,0,9,9\n", "utf-8")
    found = study.open_study(root)
    assert not found.unmatched and not found.images_without_gaze
    assert found.parts["test"] == set(found.answers) == set(placement.read_placement(root))
    assert found.class_names == ("café_1", "cat")
    assert cells.stem_of(f"pictures/{file}.png") == fixation_table.stem_of(text)
    heatmaps = [root / f"{file}.png"]
    (root / "list.txt").write_text(text, "utf-8")
    assert set(originals.by_stem(heatmaps, root)) == set(own_layout._read_list(root / "list.txt"))


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\u2028b", " a", "a\t", " "])
def test_a_class_whose_name_is_no_line_is_refused(root, name):
    (root / "dog").rename(root / name)
    with pytest.raises(ValueError, match="must have a name without line breaks.*Rename the folder"):
        study.open_study(root)


@pytest.mark.parametrize(("form", "name"), [("WEBP", "cat_1.png"), ("TIFF", "cat_2.jpg")])
def test_a_format_behind_another_ones_name_is_an_error_of_check_and_build(root, form, name):
    (root / "cat" / name).with_suffix(".png").unlink()
    Image.new("RGB", (40, 30)).save(root / "cat" / name, form)
    (problem,) = report.examine(study.open_study(root)).problems
    assert f"{name} must be a JPEG or PNG file" in problem and f"it is {form}" in problem
