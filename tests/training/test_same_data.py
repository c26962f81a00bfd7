"""A stage that was made on one data set is not taken for a run on another."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from dotted_sets import DottedHues, DottedNoise
from PIL import Image
from tiny_config import tiny_config

from salclass_tf import config, training
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import loop, networks


def settings(dataset):
    """Tiny networks that start from random weights; every stage on one set, for a step."""
    return tiny_config(dataset, mirror="none", validation_share=0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_data_dir):
    """A run whose parts of SalClassNet were trained on `dotted_noise`; not to be changed."""
    workdir = tmp_path_factory.mktemp("run")
    for stage in ("saliency", "classifier"):
        training.run(settings("dotted_noise"), stage, workdir, tiny_data_dir)
    return workdir


@pytest.fixture
def workdir(made, tmp_path):
    """A copy of that run."""
    return shutil.copytree(made, tmp_path / "run")


@pytest.fixture(scope="module")
def hues(tmp_path_factory):
    """A data folder with the same pictures under other classes."""
    folder = tmp_path_factory.mktemp("hues")
    for name in ("turned", "more"):
        DottedHues(data_dir=folder, config=name).download_and_prepare()
    return str(folder)


def forget(workdir, *more):
    """Makes stages what they were before they recorded their data set."""
    for folder in workdir.glob("*"):
        if folder.is_dir():
            (folder / "dataset.json").unlink()
            metrics = json.loads((folder / "metrics.json").read_text())
            kept = {key: value for key, value in metrics.items() if key not in more}
            (folder / "metrics.json").write_text(json.dumps(kept))


@pytest.fixture
def nothing_trained(monkeypatch):
    monkeypatch.setattr(loop.Loop, "run", None)


def test_finished_stage_records_its_data_set(made):
    record = FinishedStage(made / "classifier").dataset
    assert record.full_name == "dotted_noise/1.0.0"
    assert (record.train_split, record.test_split) == ("train[:12]", "test")
    assert record.class_names == ("red", "green", "blue") and len(record.fingerprint) == 64


@pytest.mark.usefixtures("nothing_trained")
@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("turned", "the same in another order; number 0 is 'red' there, 'green' here"),
        ("more", "3 there, 4 here"),
    ],
)
def test_parts_of_other_classes_are_refused_by_name(workdir, hues, recorded, name, line):
    if not recorded:
        forget(workdir)
    with pytest.raises(ValueError, match="was made on other data") as caught:
        training.run(settings(f"dotted_hues/{name}"), "joint", workdir, hues)
    said = str(caught.value)
    assert f"data set: dotted_noise/1.0.0 there, dotted_hues/{name}/1.0.0 here" in said
    assert "Name another --workdir" in said
    (workdir / "saliency").rename(workdir.parent / "saliency")
    with pytest.raises(ValueError, match=f"classes: {line}"):
        training.run(settings(f"dotted_hues/{name}"), "joint", workdir, hues)


@pytest.mark.usefixtures("nothing_trained")
def test_classifier_of_another_set_than_joint_is_refused_if_the_run_says_so_itself(
    workdir, hues, tiny_data_dir
):
    chosen = settings("dotted_noise")
    other = settings("dotted_hues/turned").stages["joint"]
    mixed = config.Config(**vars(chosen) | {"stages": chosen.stages | {"joint": other}})
    both = shutil.copytree(tiny_data_dir, workdir.parent / "both")
    shutil.copytree(f"{hues}/dotted_hues", both / "dotted_hues")
    with pytest.raises(ValueError, match=r"joint on dotted_hues/turned .*a classifier of dotted_n"):
        training.run(mixed, "joint", workdir, str(both))


@pytest.mark.usefixtures("nothing_trained")
def test_another_version_is_refused(workdir, tiny_data_dir, monkeypatch):
    other = shutil.copytree(tiny_data_dir, workdir.parent / "data")
    (other / "dotted_noise" / "1.0.0").rename(other / "dotted_noise" / "1.1.0")
    info = other / "dotted_noise" / "1.1.0" / "dataset_info.json"
    info.write_text(info.read_text().replace('"version": "1.0.0"', '"version": "1.1.0"'))
    monkeypatch.setattr(DottedNoise, "VERSION", type(DottedNoise.VERSION)("1.1.0"))
    line = "data set: dotted_noise/1.0.0 there, dotted_noise/1.1.0 here"
    for stage in ("classifier", "joint"):
        with pytest.raises(ValueError, match=line):
            training.run(settings("dotted_noise"), stage, workdir, str(other))


@pytest.mark.usefixtures("nothing_trained")
def test_another_content_is_refused_also_where_a_stage_was_interrupted(workdir, tiny_data_dir):
    other = shutil.copytree(tiny_data_dir, workdir.parent / "data")
    [path] = pathlib.Path(other).rglob("dotted_noise-train.tfrecord*")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (workdir / "classifier" / "metrics.json").unlink()
    with pytest.raises(ValueError, match="stage classifier .*made on other data:\n  content of"):
        training.run(settings("dotted_noise"), "classifier", workdir, str(other))


def test_older_run_goes_on_where_nothing_is_known_to_differ(workdir, tiny_data_dir):
    forget(workdir, "class_names")
    results = training.run(settings("dotted_noise"), "joint", workdir, tiny_data_dir)
    assert list(results) == ["saliency", "classifier", "joint"]
    assert not (workdir / "classifier" / "dataset.json").exists()
    assert FinishedStage(workdir / "joint").dataset.fingerprint


def test_finished_run_needs_no_data_any_more(made, tmp_path):
    results = training.run(settings("dotted_noise"), "classifier", made, str(tmp_path))
    assert results["classifier"]["stage"] == "classifier"
    assert not list(tmp_path.iterdir())


def test_classifier_with_another_number_of_classes_is_no_raw_error(workdir):
    with pytest.raises(ValueError, match=r"classifier has 3 classes, the data set has 4; train"):
        networks.build_model(settings("any"), "joint", workdir, 4)


def write_study(root, seed):
    """Eight pictures and where somebody looked at them."""
    rng, lines = np.random.default_rng(seed), ["stem,viewer,index,x,y,duration_ms"]
    for number in range(8):
        folder = root / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(rng.integers(0, 256, (44, 52, 3), np.uint8))
        picture.save(folder / f"picture{number}.png")
        lines.append(f"picture{number},0,0,{20 + seed},20,200")
    (root / "fixations.csv").write_text("\n".join(lines) + "\n")
    return str(root)


def test_another_study_in_the_same_workdir_is_not_done_before(tmp_path):
    studies = [write_study(tmp_path / f"study{number}", number) for number in range(2)]
    run = settings("gaze_folder")
    places = [str(tmp_path / f"data{number}") for number in range(2)]
    training.run(run, "saliency", tmp_path / "run", places[0], studies[0])
    again = training.run(run, "saliency", tmp_path / "run", places[0], studies[0])
    assert again["saliency"]["steps"] == 1
    with pytest.raises(ValueError, match="made on other data:\n  own folder of gaze_folder/"):
        training.run(run, "saliency", tmp_path / "run", places[1], studies[1])
    assert not (tmp_path / "data1").exists()  # nothing was prepared for it
