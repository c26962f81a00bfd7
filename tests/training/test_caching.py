"""Which stages can keep features, and what is said of the others."""

import dataclasses
import os
import shutil
import types

import pytest
import tensorflow as tf
from tiny_config import tiny_config

from salclass_tf import config
from salclass_tf.data import sets
from salclass_tf.devices import Placement
from salclass_tf.training import caching
from salclass_tf.training.feature_tables import Layout

BIRDS = dataclasses.replace(
    config.build_config("demo", "cub_gha", "joint"), width=1 / 32, image_size=64, short_side=72
)


def asked(stage, **numbers):
    run = {"cache_features": "memory", "precision": "float32"}
    return BIRDS.override(stage, run, numbers)


@pytest.mark.parametrize("stage", ["saliency", "classifier_rgb", "classifier_rgb_longer", "joint"])
def test_the_birds_recipe_has_a_beginning_where_the_first_blocks_are_frozen(stage):
    caching.check(asked(stage), stage)


def test_a_stage_that_learns_at_once_is_refused_with_the_layer_and_the_remedy():
    with pytest.raises(ValueError, match="stage classifier .*saliency_normalization.*--frozen"):
        caching.check(asked("classifier"), "classifier")
    with pytest.raises(ValueError, match="stage saliency .*block1_conv1.*its detector"):
        caching.check(asked("saliency", frozen="block3_"), "saliency")
    caching.check(asked("classifier", frozen="block[1-4]_|saliency_norm"), "classifier")
    with pytest.raises(ValueError, match="attention_loss.*leave --cache_features=memory out"):
        caching.check(asked("classifier_rgb", attention_loss=1.0), "classifier_rgb")
    caching.check(BIRDS, "classifier")  # nothing was asked for


def test_a_network_of_which_nothing_learns_is_refused():
    chosen = asked("saliency", frozen=".*")
    with pytest.raises(ValueError, match="covers all layers of its detector.*--frozen"):
        caching.check(chosen, "saliency")


def test_views_of_the_whole_task_are_fixed_and_those_of_pretraining_are_not():
    chosen = asked("joint")
    fixed = {name for name, stage in chosen.stages.items() if stage.fixed_views}
    assert fixed == {n for n, role in config.ROLES.items() if not role.own_dataset}
    assert asked("saliency_pretrain").stages["saliency_pretrain"].fixed_views
    assert not any(stage.fixed_views for stage in BIRDS.override("joint", {}, {}).stages.values())
    alone = BIRDS.override("joint", {}, {}, fixed_views=True)
    assert alone.stages == chosen.stages and alone.cache_features == "none"
    with pytest.raises(ValueError, match="leave --nofixed_views out"):
        BIRDS.override("joint", {"cache_features": "disk"}, {}, fixed_views=False)


@pytest.mark.parametrize(
    ("epochs", "max_steps", "repeated"),
    [(1, None, False), (2, None, True), (2, 9, False), (2, 10, True)],
)
def test_what_is_read_once_is_not_kept(epochs, max_steps, repeated):
    chosen = dataclasses.replace(asked("saliency", epochs=epochs), max_steps=max_steps)
    assert caching.repeats(chosen, "saliency", 9) is repeated


def test_several_devices_are_refused():
    strategy = types.SimpleNamespace(num_replicas_in_sync=2)
    two = Placement(strategy, "two devices")
    with pytest.raises(ValueError, match="cache_features is for one device.*2 replicas"):
        caching.check_devices(asked("saliency"), two)
    caching.check_devices(BIRDS, two)


def test_room_is_looked_at_before(tmp_path, monkeypatch):
    layout = {"training": Layout(1000, {"features_0": tf.TensorSpec([2**18], tf.float32)})}
    memory = asked("saliency")
    pages = {"SC_PHYS_PAGES": 2**18, "SC_PAGE_SIZE": 2**12}  # 1 GiB
    monkeypatch.setattr(os, "sysconf", pages.get)
    with pytest.raises(ValueError, match=r"take 1\.0 GiB, and at most half of .* 1\.0 GiB"):
        caching.require_room(memory, "saliency", layout, tmp_path)
    pages["SC_PHYS_PAGES"] *= 2
    monkeypatch.setattr(caching, "_LIMIT", tmp_path / "memory.max")
    for limit in ("max\n", str(2**31)):
        (tmp_path / "memory.max").write_text(limit)
        caching.require_room(memory, "saliency", layout, tmp_path)
    (tmp_path / "memory.max").write_text(f"{2**30}\n")  # of a container
    with pytest.raises(ValueError, match=r"take 1\.0 GiB, and at most half of .* 1\.0 GiB"):
        caching.require_room(memory, "saliency", layout, tmp_path)
    disk = dataclasses.replace(memory, cache_features="disk")
    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"take 1\.0 GiB, and .* has room for 0\.9 GiB: make"):
        caching.require_room(disk, "saliency", layout, tmp_path / "run" / "saliency")
    there = tmp_path / "saliency" / "features" / "training"
    there.mkdir(parents=True)
    (there / "features_0.bin").write_bytes(bytes(50 * 10**6))
    caching.require_room(disk, "saliency", layout, tmp_path / "saliency")


def test_room_of_a_stage_is_that_of_its_views(tiny_data_dir, tmp_path, monkeypatch):
    chosen = tiny_config("dotted_noise", validation_share=0.25, frozen="block[1-4]_")
    chosen = dataclasses.replace(chosen, max_steps=None)
    chosen = chosen.override("saliency", {"cache_features": "memory"}, {"epochs": 2})
    asked_for = []
    monkeypatch.setattr(caching, "require_room", lambda *given: asked_for.append(given[2]))
    caching.check_room(
        chosen, "saliency", sets.open_set("dotted_noise", tiny_data_dir, None), tmp_path
    )
    [layouts] = asked_for
    features, rest = 2 * 2 * 16 * 4, 32 * 32 * 4 + 4  # 512 / 32 channels; map and label
    assert layouts["training"].bytes == 18 * (features + rest)
    assert layouts["validation"].bytes == 16 * (features + rest + 4)  # with weights
