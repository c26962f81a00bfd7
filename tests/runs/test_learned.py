"""What stands beside an accuracy: images seen, and steps at each rate."""

import dataclasses
import json

import pytest
import tensorflow as tf

from salclass_tf.config import Optimizer, build_config
from salclass_tf.evaluation.methods import runs
from salclass_tf.runs import learned
from salclass_tf.runs.files import write_json
from salclass_tf.runs.learned import Learned
from salclass_tf.training import networks, report


@pytest.mark.parametrize(
    "optimizer",
    [
        Optimizer(learning_rate=0.1),
        Optimizer(learning_rate=0.1, inverse_decay=0.01),
        Optimizer(steps=((0, 0.1), (2, 0.02), (4, 0.01))),
        Optimizer(learning_rate=0.1, staircase=(7, 0.5)),
        Optimizer(learning_rate=0.1, final_learning_rate=0.01),
    ],
)
@pytest.mark.parametrize("iterations", [3, 10, 18])
def test_pieces_are_what_the_optimizer_would_have_done(optimizer, iterations):
    schedule = networks._rate(optimizer, 6, 3)
    rates = [float(schedule(tf.constant(i)) if callable(schedule) else schedule) for i in range(18)]
    start = 0
    for first, last, steps in optimizer.rates(iterations, 3, 6):
        assert steps > 0
        assert [first, last] == pytest.approx([rates[start], rates[start + steps - 1]], rel=1e-5)
        constant = len({round(rate, 7) for rate in rates[start : start + steps]}) == 1
        assert constant == (first == last)
        start += steps
    assert start == iterations


def test_columns_add_up_what_is_compared_and_leave_out_pretraining():
    stages = [
        Learned("classifier_pretrain", 9000, ((0.003, 0.003, 90),)),
        Learned("classifier", 1600, ((0.001, 0.001, 100),)),
        Learned("joint", 800, ((0.001, 0.001, 20), (0.0002, 0.0002, 30))),
    ]
    assert learned.columns(stages) == {
        "images seen": "2,400",
        "steps at each rate": "120 at 0.001, 30 at 0.0002",
    }
    assert learned.columns(stages[:1])["images seen"] == "9,000"
    assert learned.columns(None) == {}
    assert learned.text([(0.1 / 2**n, 0.1 / 2**n, 7) for n in range(9)]) == "63 at 0.1 to 0.000391"


@pytest.mark.parametrize("weights", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)])
def test_a_network_that_gaze_has_taught_is_called_so(weights, tmp_path):
    names = ("classifier_rgb", "classifier_rgb_longer")
    rates = ((0.001, 0.001, 100),)
    stages = [Learned(name, 8, rates, w) for name, w in zip(names, weights, strict=True)]
    noted = json.loads(json.dumps([dataclasses.asdict(one) for one in stages]))
    metrics = {"learned_from": noted, "dataset": "set", "split": "test"}
    assert learned.read(metrics) == tuple(stages)
    assert learned.addition(stages) == (", attention taught by gaze" if any(weights) else "")
    metrics["test"] = dict.fromkeys(("accuracy", "mean_class_accuracy", "cc", "nss", "mse"), 0.5)
    metrics["test"]["images"] = 9
    found = report.table({names[1]: metrics}), report.seeds_table({3: {names[1]: metrics}})
    title = "| classifier, RGB only, as long as joint" + learned.addition(stages)
    assert all(text.splitlines()[-1].startswith(f"{title} | ") for text in found)
    folder = tmp_path / names[1]
    write_json(folder / "config.json", build_config().for_stage(names[1]))
    write_json(folder / "metrics.json", metrics)
    (folder / "model.keras").write_bytes(b"")
    [method] = runs.from_stage(folder)
    assert method.name == "inception_v3, 3 channels, as long as joint" + learned.addition(stages)


def test_what_older_versions_have_noted_was_taught_by_labels_alone():
    noted = {"stage": "classifier_rgb", "images": 8, "rates": [[0.1, 0.1, 2]]}
    assert learned.read({"learned_from": [noted]}) == (
        Learned("classifier_rgb", 8, ((0.1, 0.1, 2),), 0.0),
    )
    assert learned.addition(None) == ""
