import builder_case
import numpy as np
import pytest
import search_trials
import tensorflow_datasets as tfds

from tfds_builders.coco_freeview import coco_freeview_dataset_builder

FREE = {"condition": "freeview", "task": "none"}
MIDDLE = (32.0, 21.0, 150)
TRIALS = [
    search_trials.trial("000000000009", 7, [MIDDLE, (3.25, 4.5, 200), (-1, 2, 90)], **FREE),
    search_trials.trial("000000000009", 2, [(5, 6, 70)], **FREE),
    search_trials.trial("000000000012", 2, [MIDDLE], "valid", **FREE),
]
FILE = "COCOFreeView_fixations_trainval.json"


@pytest.fixture
def original(tmp_path):
    """A picture in both archives, one in each, and one with hidden gaze."""
    root = tmp_path / "original"
    for path in (
        "images/bottle/000000000009.jpg",
        "coco_search18_images_TA/cup/000000000009.jpg",
        "coco_search18_images_TA/cup/000000000012.jpg",
        "images/stop sign/000000000010.jpg",
    ):
        search_trials.write_picture(root / path, seed=int(path[-6:-4]))
    search_trials.write_trials(root / FILE, TRIALS)
    return root


class TestCocoFreeView(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = coco_freeview_dataset_builder.Builder
    SPLITS = {"train": 1, "validation": 1, "test": 1}


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        coco_freeview_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


def test_every_picture_comes_once_with_its_gaze(tmp_path, original):
    builder = build(tmp_path, original)
    found = {
        split: list(tfds.as_numpy(builder.as_dataset(split=split))) for split in builder.info.splits
    }
    assert {split: [e["image/id"].decode() for e in part] for split, part in found.items()} == {
        "train": ["000000000009"],
        "validation": ["000000000012"],
        "test": ["000000000010"],
    }
    gaze = found["train"][0]["fixations"]
    np.testing.assert_array_equal(gaze["viewer"], [2, 7, 7])
    np.testing.assert_array_equal(gaze["x"], [5, 32, 3.25])
    np.testing.assert_array_equal(gaze["y"], [6, 21, 4.5])
    np.testing.assert_array_equal(gaze["duration_ms"], [70, 150, 200])
    assert len(found["test"][0]["fixations"]["x"]) == 0
    restored = tfds.builder_from_directory(builder.data_dir).info
    assert dict(restored.metadata) == {
        "sigma_px": 30.0,
        "task": "free viewing",
        "viewers": 10,
        "viewing_time_s": 5.0,
        "tracker": "EyeLink 1000",
        "splits_without_gaze": ["test"],
        "fixations": 4,
        "dropped_off_image": 1,
        "images_without_fixations": 0,
    }
    assert "5,317 pictures" in restored.description


def test_the_file_of_searches_is_refused(tmp_path, original):
    search_trials.write_trials(original / FILE, [TRIALS[0] | {"condition": "present"}])
    with pytest.raises(ValueError, match="condition must be 'freeview' throughout; got 'present'"):
        build(tmp_path, original)


def test_trials_on_an_unknown_picture_are_refused(tmp_path, original):
    (original / "coco_search18_images_TA/cup/000000000012.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 pictures that are in neither.*000000000012"):
        build(tmp_path, original)


def test_a_number_that_is_none_is_named(tmp_path, original):
    broken = TRIALS[1] | {"X": [float("nan")]}
    search_trials.write_trials(original / FILE, [broken])
    with pytest.raises(ValueError, match="trials of 000000000009: `x` must be finite"):
        build(tmp_path, original)
