"""Stages whose frozen beginnings are computed once, beside the same stages that compute them anew.

Networks of a few hundred weights; nine training images, four fixed views each.
"""

import dataclasses
import os
import shutil
import signal

import keras
import numpy as np
import pytest
from tiny_config import tiny_config

from salclass_tf import config, training
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.training import history, kept_features, loop, stages

ADAM = config.Optimizer("adam", learning_rate=3e-3, weight_decay=((0, 0.0),))
LOWER = "block[1-4]_"
WITH_MAP = f"{LOWER}|saliency_normalization"


@pytest.fixture(scope="module")
def train(tiny_data_dir, tmp_path_factory):
    """Trains a stage of a run of tiny networks whose lower blocks are frozen."""
    folder = tmp_path_factory.mktemp("weights")
    weights = {}
    for part, build in (("detector", build_detector), ("classifier", build_classifier)):
        keras.utils.set_random_seed(len(weights))
        network = build("vgg16", image_size=32, width=1 / 32, **_options(part))
        weights[f"{part}_weights"] = str(folder / f"{part}.weights.h5")
        network.save_weights(weights[f"{part}_weights"])
    settings = tiny_config("dotted_noise", validation_share=0.25, frozen=LOWER, fixed_views=True)
    stage = dataclasses.replace(settings.stages["joint"], optimizer=ADAM, epochs=3, crops=2)
    settings = dataclasses.replace(
        settings, stages=dict.fromkeys(config.STAGES, stage), max_steps=None, **weights
    )

    def run(workdir, stage, cache="none", frozen=None, **changes):
        numbers = {} if frozen is None else {"frozen": frozen}
        changed = dataclasses.replace(settings, cache_features=cache, **changes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stages.report, "draw", lambda *drawn: None)
            return training.run(changed.override(stage, {}, numbers), stage, workdir, tiny_data_dir)

    return run


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    """The folder of a stage, trained once for all tests; and its results. Not to be changed."""
    made, root = {}, tmp_path_factory.mktemp("trained")

    def folder(stage, cache, frozen=LOWER):
        key = stage, cache, frozen
        if key not in made:
            workdir = root / str(len(made))
            made[key] = workdir / stage, train(workdir, stage, cache, frozen)[stage]
        return made[key]

    return folder


def _options(part):
    """A classifier of maps has a fourth channel; the public files, and so this one, have three."""
    return (
        {"top": "pool", "saliency_input": False, "num_classes": 5} if part == "classifier" else {}
    )


def learned(folder):
    network = keras.models.load_model(folder / "model.keras", compile=False)
    rows = history.read(folder / "history.csv")
    return network, [{k: v for k, v in row.items() if "second" not in k} for row in rows]


def assert_alike(folder, other, rtol):
    """Compares networks and histories of two folders of a stage; 0 is bit by bit."""
    (network, rows), (same, expected) = learned(folder), learned(other)
    assert network.get_config() == same.get_config()
    for one, two in zip(network.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=rtol, atol=rtol and 1e-6)
    assert len(rows) == len(expected) > 1
    for row, wanted in zip(rows, expected, strict=True):
        assert row == (pytest.approx(wanted, rel=rtol) if rtol else wanted)
    assert rows[0]["loss"] != pytest.approx(rows[-1]["loss"], rel=1e-3)
    assert "val_loss" in rows[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "frozen"),
    [
        ("saliency", LOWER),
        ("classifier_rgb", LOWER),
        ("classifier", WITH_MAP),  # the true map does not change either
    ],
)
def test_a_stage_learns_from_features_what_it_learns_from_images(trained, stage, frozen):
    places = ("memory", "disk") if stage == "saliency" else ("memory",)
    images, made = trained(stage, "none", frozen)
    assert "kept_features" not in made
    folders = {}
    for place in places:
        folders[place], made = trained(stage, place, frozen)
        kept = made["kept_features"]
        assert kept["layers"] == ["block4_pool"] and kept["place"] == place
        assert kept["views"] == {"training": 36, "validation": 16}
        assert not (folders[place] / "features").exists()
    assert_alike(folders["memory"], images, rtol=1e-4)
    if "disk" in folders:
        assert_alike(folders["disk"], folders["memory"], rtol=0)


@pytest.mark.slow
def test_joint_keeps_what_its_detector_begins_with(train, trained, tmp_path):
    parts = trained("saliency", "none")[0], trained("classifier", "none", WITH_MAP)[0]
    for part in parts:
        for place in ("none", "memory"):
            shutil.copytree(part, tmp_path / place / part.name)
    train(tmp_path / "none", "joint")
    made = train(tmp_path / "memory", "joint", "memory")["joint"]
    assert made["kept_features"]["layers"] == ["block4_pool"]
    assert_alike(tmp_path / "memory" / "joint", tmp_path / "none" / "joint", rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["memory", "disk"])
def test_an_interrupted_stage_ends_bit_by_bit_as_an_undisturbed_one(
    train, trained, tmp_path, monkeypatch, place
):
    whole, _ = trained("saliency", place)
    step, compute, computed = loop.Loop._step, kept_features.Features._computed, []

    def interrupted(self, batch):
        step(self, batch)
        if self.position.step in (4, 13):
            os.kill(os.getpid(), signal.SIGTERM)

    def noted(self, *given):
        computed.append(given)
        return compute(self, *given)

    monkeypatch.setattr(loop.Loop, "_step", interrupted)
    monkeypatch.setattr(kept_features.Features, "_computed", noted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "broken", "saliency", place)
    monkeypatch.setattr(loop.Loop, "_step", step)
    train(tmp_path / "broken", "saliency", place)
    assert_alike(tmp_path / "broken" / "saliency", whole, rtol=0)
    # Training and validation; from the disk they are read again.
    assert len(computed) == (2 if place == "disk" else 6)
    before = len(computed)
    train(tmp_path / "broken", "saliency", place)
    assert len(computed) == before
