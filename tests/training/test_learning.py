"""What a stage notes of what its network has learned from."""

import types

import pytest

from salclass_tf import config
from salclass_tf.runs.files import write_json
from salclass_tf.training import learning, plan


@pytest.mark.parametrize(
    ("stage", "before", "known"),
    [
        ("classifier", "classifier_pretrain", True),  # which tables leave out
        ("joint", "classifier", False),
    ],
)
def test_of_older_folders_pretraining_alone_may_be_unknown(tmp_path, stage, before, known):
    run = config.build_config("paper")
    write_json(tmp_path / before / "metrics.json", {"stage": before})
    place = types.SimpleNamespace(best_epoch=2, step=30)
    found = learning.record(plan.job(run, stage, tmp_path, True), place, 10)
    assert (found is not None) == known
    if known:
        assert [(one["stage"], one["images"]) for one in found] == [("classifier", 20 * 16)]
