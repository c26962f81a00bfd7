"""What the steps of a reproduction do, and what they say where they cannot."""

import pytest

from salclass_tf import reproduction
from salclass_tf.evaluation.methods import crops_of_sets
from salclass_tf.evaluation.tables import frozen_features
from salclass_tf.reproduction import carrying_out, running
from salclass_tf.reproduction.steps import Place, Plan, Prepare, Release, Step


def test_missing_data_sets_are_named_together_with_what_to_put_where(tmp_path, tiny_data_dir):
    place = Place(tmp_path, tiny_data_dir)
    work = Prepare(("dotted_noise", "saldogs", "caltech_birds2011", "osei"))
    with pytest.raises(ValueError) as caught:
        carrying_out.carry_out(work, place)
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
    step = Step("data sets", Prepare(("saldogs", "poet")))
    place = Place(tmp_path / "run", str(tmp_path / "data"))
    with pytest.raises(ValueError) as caught:
        running.run(Plan("paper", (step,), ""), place)
    text = str(caught.value)
    assert text.startswith("step 'data sets' failed: 2 of 2 data sets are not there:\n  saldogs: ")
    log = tmp_path / "run" / "logs" / "01-data-sets.log"
    assert f"Its log is {log}. What is done stays" in text
    assert "prepares saldogs, poet" in log.read_text() and "Traceback" not in log.read_text()


def test_missing_package_is_named_before_anything_is_prepared(tmp_path, monkeypatch):
    def missing():
        raise ValueError("Table 6 needs scikit-learn")

    monkeypatch.setattr(frozen_features, "check_installed", missing)
    monkeypatch.setattr(crops_of_sets, "open_evaluated", None)
    with pytest.raises(ValueError, match="scikit-learn"):
        carrying_out.carry_out(Prepare(("dotted_noise",)), Place(tmp_path))


def test_released_detectors_that_are_missing_are_named_together(tmp_path, monkeypatch):
    class Network:
        def save(self, path):
            path.write_text("weights")

    def build(name, weights, **options):
        assert weights == "released" and options["image_size"] == 299
        if name == "salicon":
            return Network()
        raise OSError(f"cannot download {name}")

    monkeypatch.setattr(carrying_out, "build_detector", build)
    config = reproduction.build_plan("paper").steps[1].work.config
    with pytest.raises(ValueError, match="2 of 3 released") as caught:
        carrying_out.carry_out(Release(("salnet", "salicon", "ml_net"), config), Place(tmp_path))
    assert "download salnet" in str(caught.value) and "download ml_net" in str(caught.value)
    assert [path.name for path in (tmp_path / "released").iterdir()] == ["salicon.keras"]


def test_shared_stages_are_copied_once_and_a_copy_of_another_training_is_refused(tmp_path):
    source, target = tmp_path / "one" / "saliency", tmp_path / "two" / "saliency"
    source.mkdir(parents=True)
    for name in ("config.json", "model.keras", "metrics.json", "history.csv"):
        (source / name).write_text(f"{name} of one")
    carrying_out._hand_on(source, target)
    assert sorted(path.name for path in target.iterdir()) == [
        *("config.json", "metrics.json", "model.keras")
    ]
    assert [path.name for path in target.parent.iterdir()] == ["saliency"]
    carrying_out._hand_on(source, target)
    (source / "model.keras").write_text("model.keras of ONE")
    with pytest.raises(ValueError, match=f"{source} has been trained again.*remove {target} and"):
        carrying_out._hand_on(source, target)
