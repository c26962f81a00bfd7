"""Opening data sets by name, and what is said when that fails."""

import types

import pytest

from salclass_tf.data import sets


def test_prepared_set_is_opened_with_its_facts(tiny_data_dir):
    opened = sets.open_set("dotted_noise", tiny_data_dir)
    assert opened.class_names == ("red", "green", "blue")
    assert opened.sigma_px == 4.0
    assert opened.size("train") == 12


def test_classes_that_only_the_files_tell_are_none_until_they_are_there(tmp_path):
    found = sets.GazeSet("cub_gha", sets.open_builder("cub_gha", str(tmp_path)))
    assert found.has_labels and found.class_names == ()


def test_validation_is_cut_from_the_training_images_without_overlap(tiny_data_dir):
    opened = sets.open_set("dotted_noise", tiny_data_dir)
    assert opened.split("train", 0.25) == "train[:9]"
    assert opened.split("validation", 0.25) == "train[9:]"
    assert opened.split("validation", 0.0) is None
    assert opened.split("test") == "test"


def test_unknown_set_lists_ours(tmp_path):
    with pytest.raises(ValueError, match="cub_gha.*gaze_critters.*osie"):
        sets.open_set("osei", str(tmp_path))


def test_manual_dir_must_exist(tmp_path):
    with pytest.raises(ValueError, match="manual_dir"):
        sets.open_set("osie", str(tmp_path), str(tmp_path / "nowhere"))


def test_split_without_gaze_is_not_what_networks_are_tested_on(tiny_data_dir):
    opened = sets.open_set("dotted_noise", tiny_data_dir)
    opened.builder.info.metadata["splits_without_gaze"] = ["test"]
    assert opened.split("test") is None


@pytest.mark.parametrize(
    ("hidden", "tested", "chosen_on", "trained_on"),
    [
        ([], "test", "validation", "train"),
        (["test"], "validation", "train[90:]", "train[:90]"),
        (["test", "validation"], None, "validation", "train"),
    ],
)
def test_networks_are_not_chosen_on_the_images_that_they_are_tested_on(
    hidden, tested, chosen_on, trained_on
):
    splits = dict.fromkeys(("train", "validation", "test"), types.SimpleNamespace(num_examples=100))
    info = types.SimpleNamespace(splits=splits, metadata={"splits_without_gaze": hidden})
    opened = sets.GazeSet("hidden", types.SimpleNamespace(info=info))
    assert opened.split("test") == tested
    assert opened.split("validation", 0.1) == chosen_on
    assert opened.split("train", 0.1) == trained_on
    del splits["test"]  # a folder with train/ and val/
    info.metadata = {}
    assert opened.split("test") == "validation"
    assert opened.split("validation", 0.1) == "train[90:]"


def test_near_name_is_suggested_and_what_is_no_set_is_not_listed(tmp_path):
    with pytest.raises(ValueError, match=r"'osei' \(nearest: osie\)") as error:
        sets.find_set("osei", str(tmp_path))
    listed = str(error.value).split("ours are ")[1].split(";")[0].split(", ")
    assert "gaze_folder" in listed and not {"gallery", "common"} & set(listed)
    with pytest.raises(ValueError, match="unknown data set 'gallery'"):
        sets.find_set("gallery", str(tmp_path))


def test_folder_in_place_of_a_name_is_told_how_to_name_it(tmp_path, monkeypatch):
    (tmp_path / "my study").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in (str(tmp_path), "my study", "./my study"):
        with pytest.raises(ValueError, match="--dataset=gaze_folder --manual_dir="):
            sets.find_set(name, str(tmp_path))


def test_unknown_configuration_of_a_known_set_is_no_unknown_set(tmp_path):
    with pytest.raises(ValueError, match="critters/tsk': unknown .*'tsk' .nearest: task.; it has"):
        sets.find_set("gaze_critters/tsk", str(tmp_path))


def test_finding_a_set_prepares_nothing(tmp_path):
    found = sets.find_set("gaze_critters/task", str(tmp_path))
    assert not found.is_prepared and not list(tmp_path.iterdir())
    assert found.has_labels and len(found.class_names) == 12
