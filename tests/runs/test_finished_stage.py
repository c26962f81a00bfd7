"""A finished stage: read when asked, and whatever is wrong with its folder named."""

import json
import re
import shutil
import sys
import zipfile

import finished_stages
import keras
import numpy as np
import pytest

from salclass_tf.data.geometry import Geometry
from salclass_tf.data.set_record import SetRecord
from salclass_tf.runs import files, stage_copies
from salclass_tf.runs.finished_stage import FinishedStage, load_network

RECORD = SetRecord("osie/1.0.0", "train[:9]", "test", "ab" * 32, None, finished_stages.CLASSES)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run with a joint stage and its network; not to be changed."""
    workdir = tmp_path_factory.mktemp("run")
    return workdir, finished_stages.write_stage(workdir, "joint")


@pytest.fixture
def folder(written, tmp_path):
    """A copy of the stage's folder."""
    return shutil.copytree(written[0] / "joint", tmp_path / "joint")


def change(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_all_that_a_stage_left_is_read(written, folder):
    stage = FinishedStage(folder)
    assert stage.name == "joint" and stage.geometry == Geometry(40, 46)
    assert stage.settings == json.loads((folder / "config.json").read_text())
    assert stage.metrics["test"] == {"images": 6}
    assert stage.num_classes == 7
    assert stage.network() is stage.network() and stage.read_network() is not stage.network()
    for one, other in zip(stage.network().get_weights(), written[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_go_into_a_network_that_is_there(written, folder):
    stage = FinishedStage(folder)
    network = finished_stages.build_network("joint")
    network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    stage.read_weights(network)
    for one, other in zip(network.get_weights(), written[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    cut_short(stage.path)
    with pytest.raises(ValueError, match=r"cut short or damaged.*; restore it, or remove"):
        stage.read_weights(network)


def test_nothing_is_read_before_it_is_asked_for(folder, monkeypatch):
    monkeypatch.setattr(keras.models, "load_model", None)
    for path in folder.iterdir():
        path.write_text("no longer whole")
    stage = FinishedStage(folder)
    assert stage.is_finished and stage.folder == folder


def test_fingerprint_is_of_the_file_and_the_weights_have_an_identity_of_their_own(folder):
    before = FinishedStage(folder)
    known = before.fingerprint, before.weights_identity
    with zipfile.ZipFile(folder / "model.keras", "a") as archive:
        archive.writestr("note.txt", "written later")
    after = FinishedStage(folder)
    assert after.fingerprint != known[0] and len(known[0]) == 64
    assert after.weights_identity == known[1] is not None


def test_data_set_is_what_training_recorded(folder):
    (folder / "dataset.json").write_text(json.dumps(RECORD.to_json()))
    stage = FinishedStage(folder)
    assert stage.dataset == RECORD
    assert stage.class_names == finished_stages.CLASSES


def test_folder_from_before_the_record_of_its_data_set_reads(folder):
    assert FinishedStage(folder).dataset == SetRecord("dotted_noise/1.0.0", test_split="test")
    change(folder / "metrics.json", class_names=["a", "b"])
    assert FinishedStage(folder).class_names == ("a", "b")
    change(folder / "metrics.json", later="?")
    change(folder / "config.json", later="?")
    assert FinishedStage(folder).geometry == Geometry(40, 46)


def test_copy_takes_all_that_makes_a_stage_finished(folder, tmp_path):
    (folder / "history.csv").write_text("")
    names = ["config.json", "metrics.json", "model.keras"]
    stage_copies.copy_stage(folder, tmp_path / "other" / "joint")
    assert sorted(path.name for path in (tmp_path / "other" / "joint").iterdir()) == names
    (folder / "dataset.json").write_text(json.dumps(RECORD.to_json()))
    stage_copies.copy_stage(folder, tmp_path / "third" / "joint")
    assert FinishedStage(tmp_path / "third" / "joint").dataset == RECORD
    for name, message in (
        ("model.keras", "is not there; restore it"),
        ("metrics.json", "finished"),
    ):
        (folder / name).unlink()
        with pytest.raises(ValueError, match=message):
            stage_copies.copy_stage(folder, tmp_path / "fourth" / "joint")
    assert not list((tmp_path / "fourth").glob("*"))


def test_unfinished_and_absent_stages_say_how_to_train_them(folder, tmp_path):
    (folder / "metrics.json").unlink()
    stage = FinishedStage(folder)
    assert stage.is_begun and not stage.is_finished
    remedy = f"python train.py --stage=joint --workdir={tmp_path}"
    with pytest.raises(ValueError, match=f"holds no finished stage; train it: {remedy}"):
        _ = stage.metrics
    with pytest.raises(ValueError, match="saliency holds no finished stage .there is no such"):
        FinishedStage(tmp_path / "saliency").require_finished()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[]"),
        ("metrics.json", '{"stage": '),
        ("dataset.json", ""),
        ("dataset.json", '{"class_names": 3}'),
    ],
)
def test_damaged_json_is_named_with_the_remedy(folder, name, content):
    (folder / name).write_text(content)
    stage = FinishedStage(folder)
    with pytest.raises(ValueError, match=rf"{name} is damaged \(.*\); restore it, or remove"):
        _ = stage.settings, stage.metrics, stage.dataset


def test_missing_settings_are_named(folder):
    change(folder / "config.json", geometry=3)
    with pytest.raises(ValueError, match=r"config\.json has no geometry of two sizes; restore"):
        _ = FinishedStage(folder).geometry
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match=r"config\.json is not there; restore it, or remove"):
        _ = FinishedStage(folder).settings


def cut_short(path):
    path.write_bytes(path.read_bytes()[:5000])


def empty(path):
    path.write_bytes(b"")


def flip_a_weight(path):
    """One bit in the middle of the weights: they still read, as other numbers."""
    with zipfile.ZipFile(path) as archive:
        weights = archive.getinfo("model.weights.h5")
    content = bytearray(path.read_bytes())
    content[weights.header_offset + weights.file_size // 2] ^= 1
    path.write_bytes(content)


def flip_in_the_directory(path):
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 16] ^= 255  # of the checksum
    path.write_bytes(content)


def lose_the_weights(path):
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", "{}")


def hold_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{")


@pytest.mark.parametrize(
    "damage",
    [cut_short, empty, flip_a_weight, flip_in_the_directory, lose_the_weights, hold_text],
)
def test_damaged_network_is_named_with_the_remedy_and_not_as_missing(folder, damage):
    damage(folder / "model.keras")
    with pytest.raises(ValueError, match=r"cannot read the network .*model\.keras \(") as caught:
        FinishedStage(folder).network()
    assert "restore it, or remove" in str(caught.value)
    if damage not in (lose_the_weights, hold_text):  # which leave a whole archive
        with pytest.raises(ValueError, match=re.escape(str(caught.value))):
            FinishedStage(folder).require_network()
    assert "not there" not in str(caught.value) and "not found" not in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_missing_network_is_named_as_such(folder):
    (folder / "model.keras").unlink()
    with pytest.raises(ValueError, match=r"model\.keras \(it is not there\); restore it, or"):
        FinishedStage(folder).network()
    with pytest.raises(ValueError, match=r"model\.keras is not there; restore it, or"):
        _ = FinishedStage(folder).fingerprint


def test_network_of_classes_that_nobody_has_registered_is_named_with_the_remedy(tmp_path):
    class Own(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    image = keras.Input((8, 8, 3))
    keras.Model(image, Own()(image)).save(tmp_path / "own.keras")
    with pytest.raises(
        ValueError, match=r"own\.keras \(its class 'Own' is not .*import the module that reg"
    ):
        load_network(tmp_path / "own.keras")


def test_reading_a_stage_needs_nothing_of_training_or_evaluation():
    rooms = ("training", "evaluation", "serving", "prediction", "reproduction")
    source = sys.modules["salclass_tf.runs.finished_stage"].__file__
    text = open(source, encoding="utf-8").read()
    assert not [room for room in rooms if f"salclass_tf.{room}" in text]


@pytest.mark.parametrize("content", ["{", None])
def test_copies_beside_the_checkpoints_are_taken_for_what_a_stage_was_begun_with(
    folder, content, caplog
):
    for name in ("config.json", "dataset.json"):
        path = folder / name
        path.write_text(json.dumps({"geometry": [40, 46], "full_name": "osie/1.0.0"}))
        files.write_bytes(folder / "checkpoints" / name, path.read_bytes())
        path.unlink() if content is None else path.write_text(content)
    stage = FinishedStage(folder)
    assert stage.is_begun and stage.geometry == Geometry(40, 46)
    assert stage.dataset.full_name == "osie/1.0.0"
    assert caplog.text.count("is damaged or gone; its copy") == 2
    (folder / "checkpoints" / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"joint/config\.json is .* remove .*joint to"):
        FinishedStage(folder).settings  # noqa: B018
