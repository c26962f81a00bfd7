"""What the steps of a reproduction do, and what they say where they cannot."""

import pytest

from salclass_tf import reproduction
from salclass_tf.evaluation.methods import evaluated_sets
from salclass_tf.evaluation.tables import scikit_learn
from salclass_tf.pretrained import released
from salclass_tf.reproduction import running
from salclass_tf.reproduction.plan import Place, Plan, Step
from salclass_tf.runs.stage_copies import copy_stage


def test_missing_data_sets_are_named_together_with_what_to_put_where(tiny_data_dir):
    names = ("dotted_noise", "saldogs", "caltech_birds2011", "osei")
    with pytest.raises(ValueError) as caught:
        evaluated_sets.prepare_all(names, tiny_data_dir)
    head, *lines, advice = str(caught.value).splitlines()
    assert head == "3 of 4 data sets are not there:"
    named = [line for line in lines if not line.startswith("    ")]
    assert [line.split(":")[0] for line in named] == ["  saldogs", "  caltech_birds2011", "  osei"]
    text = "\n".join(lines)
    assert f"{tiny_data_dir}/downloads/manual does not exist" in text
    assert "\n    The gaze of SalDogs is not public" in text and "saldogs/fixations.csv" in text
    assert f"`tfds.builder('caltech_birds2011', data_dir='{tiny_data_dir}').download" in text
    assert "--data_dir" in advice and "--manual_dir" in advice


@pytest.mark.slow
def test_what_a_step_finds_wrong_in_its_process_reaches_the_user(tmp_path):
    step = Step("data sets", ("prepare", "saldogs", "poet"))
    place = Place(tmp_path / "run", str(tmp_path / "data"))
    with pytest.raises(ValueError) as caught:
        running.run(Plan("paper", (0,), (step,), ""), place)
    text = str(caught.value)
    assert text.startswith("step 'data sets' failed: 2 of 2 data sets are not there:\n  saldogs: ")
    log = tmp_path / "run" / "logs" / "01-data-sets.log"
    assert f"Its log is {log}. What is done stays" in text
    assert "prepare saldogs poet" in log.read_text() and "Traceback" not in log.read_text()


def test_missing_package_is_named_before_anything_is_prepared(tmp_path, monkeypatch):
    def missing():
        raise ValueError("Table 6 needs scikit-learn")

    monkeypatch.setattr(scikit_learn, "check_installed", missing)
    with pytest.raises(ValueError, match="scikit-learn"):
        reproduction.run(reproduction.build_plan("demo"), Place(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_released_detectors_that_are_missing_are_named_together(tmp_path, monkeypatch):
    class Network:
        def save(self, path):
            path.write_text("weights")

    def build(name, weights, image_size):
        assert (weights, image_size) == ("released", 299)
        if name == "salicon":
            return Network()
        raise OSError(f"cannot download {name}")

    monkeypatch.setattr(released, "build_detector", build)
    with pytest.raises(ValueError, match="2 of 3 released") as caught:
        released.save(tmp_path / "released", ("salnet", "salicon", "ml_net"))
    assert "download salnet" in str(caught.value) and "download ml_net" in str(caught.value)
    assert [path.name for path in (tmp_path / "released").iterdir()] == ["salicon.keras"]


def test_shared_stages_are_copied_once_and_a_copy_of_another_training_is_refused(tmp_path):
    source, target = tmp_path / "one" / "saliency", tmp_path / "two" / "saliency"
    source.mkdir(parents=True)
    for name in ("config.json", "model.keras", "metrics.json", "history.csv"):
        (source / name).write_text(f"{name} of one")
    copy_stage(source, target)
    assert sorted(path.name for path in target.iterdir()) == [
        *("config.json", "metrics.json", "model.keras")
    ]
    assert [path.name for path in target.parent.iterdir()] == ["saliency"]
    copy_stage(source, target)
    (source / "model.keras").write_text("model.keras of ONE")
    with pytest.raises(ValueError, match=f"{source} has been trained again.*remove {target} and"):
        copy_stage(source, target)
