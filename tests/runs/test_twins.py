"""Which networks of three channels are a fair comparison: those of the same schedule."""

import pytest

from salclass_tf import config
from salclass_tf.runs import twins
from salclass_tf.runs.files import write_json
from salclass_tf.runs.finished_stage import FinishedStage

PARTS = ("classifier_rgb", "classifier_rgb_longer", "classifier", "joint")


@pytest.mark.parametrize(
    ("grown", "left_out"),
    [
        (None, []),
        ("classifier", ["classifier", "joint"]),  # what joint has started from is longer too
        ("joint", ["joint"]),
        ("classifier_rgb_longer", ["joint"]),
    ],
)
def test_twin_of_another_schedule_is_left_out_with_a_warning(tmp_path, caplog, grown, left_out):
    run = config.build_config()
    for name in PARTS:
        settings = run.for_stage(name)
        settings["stage"]["epochs"] += name == grown
        del settings["stage"]["iterations"]  # as in folders of older versions
        write_json(tmp_path / name / "config.json", settings)
        write_json(tmp_path / name / "metrics.json", {})
    for name, twin in (("classifier", "classifier_rgb"), ("joint", "classifier_rgb_longer")):
        caplog.clear()
        found = [one.name for one in twins.alike(FinishedStage(tmp_path / name), tmp_path)]
        assert found == ([] if name in left_out else [twin])
        if name in left_out:
            assert "have learned with other epochs\n" in caplog.text
            assert str(tmp_path / twin) in caplog.text and "Remove the folder" in caplog.text
        else:
            assert not caplog.text


@pytest.mark.parametrize(
    ("taught", "left_out"),
    [
        ("classifier_rgb", ["classifier", "joint"]),  # what the longer one has started from
        ("classifier_rgb_longer", ["joint"]),
    ],
)
def test_twin_that_gaze_has_taught_is_not_rgb_alone(tmp_path, caplog, taught, left_out):
    run = config.build_config()
    attending = run.override(taught, {}, {"attention_loss": 1.0})
    for name in PARTS:
        chosen = attending if name == taught else run
        write_json(tmp_path / name / "config.json", chosen.for_stage(name))
        write_json(tmp_path / name / "metrics.json", {})
    for name, twin in (("classifier", "classifier_rgb"), ("joint", "classifier_rgb_longer")):
        found = [one.name for one in twins.alike(FinishedStage(tmp_path / name), tmp_path)]
        assert found == ([] if name in left_out else [twin])
    assert caplog.text.count("have learned with other attention_loss\n") == len(left_out)
