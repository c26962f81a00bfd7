"""Which strategy a machine gets, and how TF_CONFIG is read."""

import json

import pytest
import tensorflow as tf

from salclass_tf.devices import placement


def tf_config(monkeypatch, cluster, **task):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


def test_without_gpu_and_cluster_auto_takes_the_cpu():
    chosen = placement.choose("auto")
    assert chosen.strategy.num_replicas_in_sync == 1 and "CPU" in chosen.why
    assert chosen.is_chief and chosen.workers == 1
    assert chosen.name == "one device"


def test_mirrored_takes_every_device():
    chosen = placement.choose("mirrored")  # two logical CPU devices, see conftest.py
    assert chosen.name == "MirroredStrategy"
    assert chosen.strategy.num_replicas_in_sync == 2


@pytest.mark.parametrize(
    ("asked", "named"), [("gpu", "GPU"), ("tpu", "TPU_NAME"), ("multi_worker", "TF_CONFIG")]
)
def test_what_this_machine_lacks_is_refused(asked, named, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("TPU_NAME", raising=False)
    with pytest.raises(ValueError, match=named):
        placement.choose(asked)


def test_unknown_strategy_lists_the_known():
    with pytest.raises(ValueError, match="mirrored, multi_worker"):
        placement.choose("horovod")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "first"}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_broken_tf_config_is_refused(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG"):
        placement.choose("auto")


@pytest.mark.parametrize(
    ("cluster", "task", "workers", "chief"),
    [
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 0}, 2, True),
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 1}, 2, False),
        ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "worker", "index": 0}, 2, False),
        ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "chief", "index": 0}, 2, True),
    ],
)
def test_tf_config_says_who_writes(cluster, task, workers, chief, monkeypatch):
    tf_config(monkeypatch, cluster, **task)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", tf.distribute.get_strategy)
    chosen = placement.choose("auto")
    assert (chosen.workers, chosen.is_chief) == (workers, chief)


def test_several_workers_and_a_strategy_of_one_process_contradict(monkeypatch):
    tf_config(monkeypatch, {"worker": ["a:1", "b:1"]}, type="worker", index=0)
    with pytest.raises(ValueError, match="TF_CONFIG lists 2 workers.*multi_worker"):
        placement.choose("cpu")


def test_workers_that_do_not_come_together_are_named(monkeypatch):
    tf_config(monkeypatch, {"worker": ["a:1", "b:1"]}, type="worker", index=1)

    def fails():
        raise tf.errors.UnknownError(None, None, "Could not start gRPC server")

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", fails)
    with pytest.raises(ValueError, match=r"a:1, b:1.*gRPC server.*this one is b:1.*free ports"):
        placement.choose("auto")


@pytest.mark.parametrize("other", [{"step": 7, "best": {"cc": 0.5}}, {"step": 8}, None])
def test_workers_that_see_different_things_stop(other):
    """The other worker is played: its flags are added to those of this one."""
    own, seen = {"best": {"cc": 0.5}, "step": 7}, []
    pair = placement.Placement(None, "", workers=2)
    pair.__dict__["_sum"] = lambda flags: seen.append(flags) or flags
    pair.require_same("", other)
    pair.__dict__["_sum"] = lambda flags: flags + seen[0]
    if other == own:
        pair.require_same("step 7", own)
    else:
        with pytest.raises(ValueError, match="differ; this one has step 7.*--workdir"):
            pair.require_same("step 7", own)


def test_flags_of_one_worker_are_its_own():
    chosen = placement.choose("auto")
    assert chosen.any_worker([True, False]) == [True, False]
