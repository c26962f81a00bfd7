"""Folders of pictures that can be shown, and those that cannot."""

import os

import pytest
from PIL import Image

from salclass_tf.recording import answers, pictures, plan, protocol


def save(path, mode="RGB", size=(8, 6), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, **options)


def test_pictures_are_found_with_size_and_class(tmp_path):
    save(tmp_path / "images" / "Schäferhund" / "rex.jpg")
    save(tmp_path / "cats" / "tabby.png", "L", (5, 9))
    (tmp_path / "images" / "cat").symlink_to(tmp_path / "cats")
    found = pictures.find_pictures(tmp_path)
    assert {s: (p.class_name, p.width, p.height) for s, p in found.items()} == {
        "rex": ("Schäferhund", 8, 6),
        "tabby": ("cat", 5, 9),
    }


def test_all_unreadable_pictures_are_named_at_once(tmp_path):
    save(tmp_path / "a" / "one.png")
    save(tmp_path / "b" / "two.png")
    content = (tmp_path / "a" / "one.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(content[:40])
    (tmp_path / "b" / "text.jpg").write_text("no picture")
    os.mkfifo(tmp_path / "b" / "pipe.jpg")
    save(tmp_path / "a" / "other.png", format="WEBP")
    with pytest.raises(
        ValueError,
        match=r"(?s)cut\.png does not decode.*other\.png must be a JPEG or PNG file; it is WEBP"
        r".*pipe\.jpg must be a regular file.*text\.jpg does not decode",
    ):
        pictures.find_pictures(tmp_path)


def test_a_picture_that_is_turned_by_exif_is_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a" / "one.jpg", exif=exif)
    with pytest.raises(ValueError, match="EXIF orientation 6"):
        pictures.find_pictures(tmp_path)


def test_a_picture_of_16_bits_is_refused(tmp_path):
    save(tmp_path / "a" / "one.png", "I;16")
    with pytest.raises(ValueError, match="8-bit"):
        pictures.find_pictures(tmp_path)


def test_one_name_in_two_classes_is_refused(tmp_path):
    save(tmp_path / "a" / "one.png")
    save(tmp_path / "b" / "one.jpg")
    with pytest.raises(ValueError, match="different names"):
        pictures.find_pictures(tmp_path)


def test_links_without_an_end_are_refused(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "link").symlink_to(tmp_path / other)
    with pytest.raises(ValueError, match="link/link leads back .*remove the link"):
        pictures.find_pictures(tmp_path)


def test_a_picture_beside_the_classes_is_refused(tmp_path):
    save(tmp_path / "one.png")
    with pytest.raises(ValueError, match="must lie in"):
        pictures.find_pictures(tmp_path)


def test_no_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold pictures"):
        pictures.find_pictures(tmp_path)
    with pytest.raises(FileNotFoundError, match="must be a folder"):
        pictures.find_pictures(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("pictures_of_a", "people", "viewers", "rules", "words"),
    [
        (1, 1, 1, protocol.Protocol(), "2 are set aside.*'a' with 1"),
        (3, 4, 1, protocol.Protocol(), "everybody must see every class"),
        (5, 2, 3, protocol.Protocol(), "nobody sees a picture twice"),
        (1, 1, 1, protocol.Protocol(task="memory"), "probe_pictures"),
    ],
)
def test_pictures_that_do_not_suffice(tmp_path, pictures_of_a, people, viewers, rules, words):
    for name, count in (("a", pictures_of_a), ("b", 8)):
        for number in range(count):
            save(tmp_path / name / f"{name}{number}.png")
    with pytest.raises(ValueError, match=words):
        plan.make_plan(
            pictures.find_pictures(tmp_path), rules, people=people, viewers_per_image=viewers
        )


def test_a_single_class_cannot_be_classified(tmp_path):
    for number in range(5):
        save(tmp_path / "a" / f"{number}.png")
    with pytest.raises(ValueError, match="2 to 120 classes"):
        plan.make_plan(
            pictures.find_pictures(tmp_path), protocol.Protocol(), people=1, viewers_per_image=1
        )


@pytest.mark.parametrize(
    ("folder", "title"),
    [
        ("n02085620-Chihuahua", "Chihuahua"),
        ("085.Horned_Lark", "Horned Lark"),
        ("tree_swallow", "tree swallow"),
        ("Großer Münsterländer", "Großer Münsterländer"),
    ],
)
def test_titles_of_classes(folder, title):
    assert pictures.title(folder) == title


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["n02106662-German_shepherd", "Schäferhund", "Großspitz", "sheep-dog"]),
        ("schä", ["Schäferhund"]),
        ("SCHA", ["Schäferhund"]),
        ("gross", ["Großspitz"]),
        ("she", ["n02106662-German_shepherd", "sheep-dog"]),
        ("dog", ["sheep-dog"]),
        ("hund", ["Schäferhund"]),
        ("cat", []),
    ],
)
def test_typing_finds_classes(typed, found):
    names = ["n02106662-German_shepherd", "Schäferhund", "Großspitz", "sheep-dog"]
    assert answers.matching(names, typed) == found


def test_words_that_begin_so_come_first():
    assert answers.matching(["bulldog", "dogo"], "dog") == ["dogo", "bulldog"]
