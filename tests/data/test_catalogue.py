"""The list of sets against the builders themselves."""

import pytest
import tensorflow_datasets as tfds

import salclass_tf


@pytest.fixture(scope="module")
def sets():
    return salclass_tf.load_sets()


def test_all_of_ours_are_there_with_their_configurations(sets):
    assert {"osie", "cub_gha", "salicon/2017", "gaze_critters/task", "gaze_folder"} <= set(sets)
    assert not {"gallery", "common", "dotted_noise"} & set(sets)
    assert list(sets) == sorted(sets)


def test_flags_are_those_of_the_features(sets):
    assert sets["osie"][1:] == (True, False, False)
    assert sets["cub_gha"][1:] == (True, False, True)
    assert sets["salbirds/maps"][1:] == (False, True, True)
    assert sets["imagenet_without_dogs"][1:] == (False, False, True)
    assert sets["gaze_folder"].fixations
    for name, facts in sets.items():
        features = tfds.builder(name).info.features
        assert facts.classes == ("label" in features)
        assert facts.heatmaps == ("heatmap" in features)


def test_description_is_one_plain_sentence(sets):
    assert sets["osie"].description == (
        "Eye fixations of 15 people who look freely at 700 pictures for three seconds each."
    )
    for name, facts in sets.items():
        assert facts.description.endswith("."), (name, facts.description)
        assert not set("*#`\n[]") & set(facts.description), name
