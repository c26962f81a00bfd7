"""Networks are not scored on classes that only look like those that they have learned."""

import json
import logging

import evaluated_run
import pytest
from dotted_sets import DottedHues

from salclass_tf.data.set_record import SetRecord
from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.tables import paper

THREE = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """The pictures of `dotted_noise` under other classes."""
    folder = tmp_path_factory.mktemp("hues")
    for name in ("turned", "more"):
        DottedHues(data_dir=folder, config=name).download_and_prepare()
    return str(folder)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, tiny_data_dir):
    """A run on `dotted_noise` that knows its classes."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    evaluated_run.write_run(workdir, tiny_data_dir)
    for path in workdir.glob("*/metrics.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"class_names": THREE}))
    return workdir


def evaluate(workdir, dataset, data_dir, output):
    models = (str(workdir / "joint"),)
    paper.run(paper.Settings(models, (dataset,), (4, 5), output=output, data_dir=data_dir))


def rows(output, table):
    return json.loads((output / f"table{table}.json").read_text())["rows"]


def test_the_same_classes_in_another_order_are_refused_by_name(workdir, data_dir, tmp_path):
    with pytest.raises(ValueError, match=r"SalClassNet .* on dotted_hues/turned") as caught:
        evaluate(workdir, "dotted_hues/turned", data_dir, tmp_path)
    order = "the same in another order; number 0 is 'red' there, 'green' here"
    assert order in str(caught.value)
    assert not (tmp_path / "table5.json").exists()
    assert "SalClassNet (vgg16, vgg16)" in {row["labels"]["method"] for row in rows(tmp_path, 4)}


def test_another_number_of_classes_of_another_set_is_no_answer(workdir, data_dir, tmp_path):
    evaluate(workdir, "dotted_hues/more", data_dir, tmp_path)
    assert not (tmp_path / "table5.json").exists()
    assert "it has learned other classes" in (tmp_path / "report.md").read_text()


def test_another_number_of_classes_of_the_same_set_is_refused_by_name(workdir, data_dir, tmp_path):
    path = workdir / "joint" / "metrics.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"dataset": "dotted_hues/more/1.0.0"}))
    try:
        with pytest.raises(ValueError, match="learned dotted_hues/more .*: 3 there, 4 here"):
            evaluate(workdir, "dotted_hues/more", data_dir, tmp_path)
    finally:
        path.write_text(before)


def test_parts_of_different_data_are_not_put_together(workdir, caplog):
    together = "SalClassNet (vgg16, vgg16), parts before joint training"
    assert together in [method.name for method in runs.from_run(workdir)]
    record = SetRecord("dotted_hues/turned/1.0.0", class_names=tuple(THREE))
    path = workdir / "saliency" / "dataset.json"
    path.write_text(json.dumps(record.to_json()))
    with caplog.at_level(logging.WARNING):
        names = [method.name for method in runs.from_run(workdir)]
    path.unlink()
    assert together not in names and len(names) == 4
    assert "data set: dotted_hues/turned/1.0.0 there, dotted_noise/1.0.0 here" in caplog.text


def test_parts_whose_normalisation_joint_training_fitted_are_called_unfitted(workdir):
    path = workdir / "joint" / "config.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"fit_map_normalization": True}))
    names = [method.name for method in runs.from_run(workdir)]
    path.write_text(before)
    together = "SalClassNet (vgg16, vgg16), parts before joint training"
    assert f"{together}, map's normalisation not fitted" in names and together not in names
