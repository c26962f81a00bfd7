import hashlib
import shutil

import builder_case
import numpy as np
import pytest
import search_trials
import tensorflow as tf
import tensorflow_datasets as tfds

from tfds_builders.coco_search18 import coco_search18_dataset_builder, pictures
from tfds_builders.common import originals

MIDDLE = (32.0, 21.0, 150)
PRESENT = {"condition": "present", "RT": 920, "correct": 1}
ABSENT = {"condition": "absent"}
TRAIN = [
    search_trials.trial(
        "000000211326",
        2,
        [MIDDLE, (10.5, 40.3, 240), (70.0, 5.0, 100)],  # the last one is beside the screen
        task="bottle",
        bbox=[8, 35, 16, 7],
        **PRESENT,
    ),
    search_trials.trial(
        "000000211326", 1, [MIDDLE], task="bottle", bbox=[8, 35, 16, 7], **PRESENT | {"correct": 0}
    ),
    # The same picture with another task.
    search_trials.trial(
        "000000211326", 3, [(1, 2, 3)], task="potted plant", bbox=[0, 0, 2, 2], **PRESENT
    ),
]
VALIDATION = [
    search_trials.trial(
        "000000000009", 1, [MIDDLE], "valid", task="tv", bbox=[1, 1, 5, 5], **PRESENT
    )
]


@pytest.fixture
def original(tmp_path):
    """The public files of both configurations; one picture of each has hidden gaze."""
    root = tmp_path / "original"
    for path in (
        "images/bottle/000000211326.jpg",
        "images/potted plant/000000211326.jpg",
        "images/tv/000000000009.jpg",
        "images/tv/000000000010.jpg",
        "coco_search18_images_TA/stop sign/000000000011.jpg",
        "coco_search18_images_TA/cup/000000000012.jpg",
    ):
        search_trials.write_picture(root / path, seed=int(path[-6:-4]))
    (root / "images/.DS_Store").write_bytes(b"litter")
    write = search_trials.write_trials
    write(root / "coco_search18_fixations_TP_train_split1.json", TRAIN)
    write(root / "coco_search18_fixations_TP_validation_split1.json", VALIDATION)
    absent = search_trials.trial("000000000011", 4, [MIDDLE], task="stop sign", **ABSENT)
    write(root / "coco_search18_fixations_TA_trainval.json", [absent])
    return root


class TestCocoSearch18(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = coco_search18_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["present"]
    SPLITS = {"train": 2, "validation": 1, "test": 1}
    COUNTS = builder_case.COUNTS | {"trials", "trials_with_wrong_answer"}
    MORE_FEATURES = {"trials", "target_box"}


def build(tmp_path, manual_dir, config="present"):
    return builder_case.prepare(
        coco_search18_dataset_builder.Builder(config=config, data_dir=tmp_path / "sets"), manual_dir
    )


def examples(builder, split):
    found = tfds.as_numpy(builder.as_dataset(split=split))
    return {example["image/id"].decode(): example for example in found}


def check_present(builder):
    train = examples(builder, "train")
    assert sorted(train) == ["bottle/000000211326", "potted plant/000000211326"]
    bottle = train["bottle/000000211326"]
    gaze = bottle["fixations"]
    np.testing.assert_array_equal(gaze["viewer"], [1, 2, 2])
    np.testing.assert_array_equal(gaze["x"], np.float32([32, 32, 10.5]))
    np.testing.assert_array_equal(gaze["y"], np.float32([21, 21, 40.3]))
    np.testing.assert_array_equal(gaze["duration_ms"], [150, 150, 240])
    np.testing.assert_array_equal(bottle["trials"]["viewer"], [1, 2])
    np.testing.assert_array_equal(bottle["trials"]["correct"], [0, 1])
    np.testing.assert_array_equal(bottle["trials"]["reaction_time_ms"], [920, 920])
    np.testing.assert_allclose(bottle["target_box"], [35 / 42, 8 / 64, 1, 24 / 64], rtol=1e-6)
    names = builder.info.features["label"].names
    assert names[bottle["label"]] == "bottle" and len(names) == 18
    assert list(examples(builder, "validation")) == ["tv/000000000009"]
    hidden = examples(builder, "test")["tv/000000000010"]
    assert len(hidden["fixations"]["x"]) == len(hidden["trials"]["viewer"]) == 0
    np.testing.assert_array_equal(hidden["target_box"], [0, 0, 0, 0])


def test_trials_become_examples_of_picture_and_task(tmp_path, original):
    builder = build(tmp_path, original)
    check_present(builder)
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 30.0,
        "task": "search",
        "viewers": 10,
        "viewing_time_s": None,
        "tracker": "EyeLink 1000",
        "splits_without_gaze": ["test"],
        "fixations": 5,
        "dropped_off_image": 1,
        "images_without_fixations": 0,
        "trials": 4,
        "trials_with_wrong_answer": 1,
    }
    assert (
        "ten people who search" in restored.description
        and "Scientific Reports" in restored.citation
    )


def test_absent_targets_have_no_box_and_no_reaction_time(tmp_path, original):
    builder = build(tmp_path, original, "absent")
    assert "target_box" not in builder.info.features
    (example,) = examples(builder, "train").values()
    np.testing.assert_array_equal(example["trials"]["correct"], [-1])
    np.testing.assert_array_equal(example["trials"]["reaction_time_ms"], [-1])
    assert list(examples(builder, "test")) == ["cup/000000000012"]


def test_archives_serve_as_they_are_downloaded(tmp_path, original, monkeypatch):
    def published(path, inside):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        return originals.Published(str(path), digest, inside)

    gaze = tmp_path / "gaze"
    gaze.mkdir()
    names = list(coco_search18_dataset_builder._GAZE["present"])
    for name in names:
        shutil.copy(original / name, gaze)
    files = shutil.make_archive(str(tmp_path / "fixations-TP"), "zip", gaze)
    images = shutil.make_archive(str(tmp_path / "images-TP"), "zip", original, "images")
    monkeypatch.setitem(
        coco_search18_dataset_builder._GAZE,
        "present",
        {name: published(files, name) for name in names},
    )
    monkeypatch.setitem(pictures.ARCHIVES, "present", published(images, "images"))
    check_present(build(tmp_path, None))


def test_the_readme_tells_how_to_keep_searches_without_the_first_fixation(tmp_path, original):
    text = coco_search18_dataset_builder.Builder.code_path.parent.joinpath("README.md").read_text()
    scope = {"tf": tf}
    exec(text.split("```python\n")[1].split("```")[0], scope)
    source = build(tmp_path, original).as_dataset(split="train").map(scope["found_ones"])
    kept = {e["image/id"].decode(): e["fixations"] for e in tfds.as_numpy(source)}
    np.testing.assert_array_equal(kept["bottle/000000211326"]["x"], np.float32([10.5]))
    assert len(kept["potted plant/000000211326"]["x"]) == 0


@pytest.mark.parametrize(
    ("changed", "pattern"),
    [
        ({"X": [1, 2]}, "X, Y and T must have `length` numbers each"),
        ({"condition": "absent"}, "condition must be 'present' throughout; got 'absent'"),
        ({"split": "dev"}, "split must be one of train, valid.*got 'dev'"),
        ({"bbox": [1, 2, 0, 3]}, "bbox must be x, y, width, height"),
        ({"T": None}, "NoneType"),
    ],
)
def test_another_structure_is_refused_with_file_and_entry(tmp_path, original, changed, pattern):
    path = original / "coco_search18_fixations_TP_train_split1.json"
    search_trials.write_trials(path, [TRAIN[0], TRAIN[1] | changed])
    with pytest.raises(ValueError, match=rf"train_split1\.json, entry 1: .*{pattern}"):
        build(tmp_path, original)
    assert not list((tmp_path / "sets/coco_search18").rglob("*tfrecord*"))


def test_a_missing_field_is_named(tmp_path, original):
    path = original / "coco_search18_fixations_TP_train_split1.json"
    search_trials.write_trials(path, [{k: v for k, v in TRAIN[0].items() if k != "subject"}])
    with pytest.raises(ValueError, match="entry 0: .*lacks subject"):
        build(tmp_path, original)


@pytest.mark.parametrize("text", ["[1", "{}", "[]"])
def test_what_is_no_list_of_trials_is_refused(tmp_path, original, text):
    (original / "coco_search18_fixations_TP_train_split1.json").write_text(text)
    with pytest.raises(ValueError, match=r"train_split1\.json must be a JSON list of trials"):
        build(tmp_path, original)


def test_a_picture_in_two_splits_is_refused(tmp_path, original):
    path = original / "coco_search18_fixations_TP_validation_split1.json"
    search_trials.write_trials(path, [TRAIN[0] | {"split": "valid"}])
    with pytest.raises(ValueError, match="000000211326 bottle must be in one split"):
        build(tmp_path, original)


def test_trials_on_an_unknown_picture_are_refused(tmp_path, original):
    (original / "images/bottle/000000211326.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 pictures.*bottle/000000211326\.jpg"):
        build(tmp_path, original)


def test_a_folder_of_no_task_is_refused(tmp_path, original):
    search_trials.write_picture(original / "images/zebra/000000000001.jpg")
    with pytest.raises(ValueError, match="zebra must be one of bottle"):
        build(tmp_path, original)
