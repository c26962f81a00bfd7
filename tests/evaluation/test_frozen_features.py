"""Frozen features: what enters the last layer, and a softmax classifier on them."""

import sys

import evaluated_run
import numpy as np
import pytest

from salclass_tf.classifiers import build_classifier
from salclass_tf.data import sets
from salclass_tf.evaluation.tables import frozen_features, paper, scikit_learn

SIZES = {"image_size": 40, "width": 1 / 32}


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_data_dir):
    """A run's folder and its networks."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    return workdir, evaluated_run.write_run(workdir, tiny_data_dir)


def test_features_are_what_the_last_layer_reads(run):
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (2, 40, 40, 3)).astype(np.float32)
    saliency = rng.random((2, 40, 40, 1)).astype(np.float32)
    joint, rgb, rgbs = (run[1][stage] for stage in ("joint", "classifier_rgb", "classifier"))
    cases = [
        (joint, image, joint(image)["logits"], joint.classifier),
        (rgb, image, rgb(image), rgb),
        (rgbs, {"image": image, "saliency": saliency}, None, rgbs),
    ]
    for network, inputs, logits, classifier in cases:
        last = classifier.layers[-1]
        seen = frozen_features.penultimate(network)(inputs, training=False).numpy()
        logits = classifier(inputs) if logits is None else logits
        np.testing.assert_allclose(seen @ last.kernel + last.bias, logits, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="last dense layer; network .* has none"):
        frozen_features.penultimate(run[1]["saliency"])


@pytest.mark.slow
def test_softmax_learns_the_training_part_and_is_tried_on_the_test_part(
    run, tmp_path, tiny_data_dir
):
    linear_model = pytest.importorskip("sklearn.linear_model")
    # A dense top is the published VGG: its last layer reads 4096 units of fc2.
    network = build_classifier("vgg16", 5, saliency_input=False, **SIZES)
    network.save(tmp_path / "dense.keras")
    models = (str(run[0] / "classifier_rgb"), str(tmp_path / "dense.keras"))
    settings = paper.Settings(
        models, ("dotted_noise",), (6,), output=tmp_path / "out", data_dir=tiny_data_dir
    )
    report = paper.run(settings)
    assert "| dotted_noise/1.0.0 test | vgg16, 3 channels |" in report
    assert "published" not in report  # the paper tried other sets
    gaze_set = sets.open_set("dotted_noise", tiny_data_dir)
    body = frozen_features.penultimate(run[1]["classifier_rgb"])
    seen = {}
    for split in ("train", "test"):
        (batch,) = evaluated_run.central_crops(gaze_set, split)
        seen[split] = body(batch["image"]).numpy().astype(np.float64), batch["label"].numpy()
    mean, spread = seen["train"][0].mean(0), seen["train"][0].std(0)
    spread[spread == 0] = 1
    fitted = linear_model.LogisticRegression(max_iter=5000)
    fitted.fit((seen["train"][0] - mean) / spread, seen["train"][1])
    accuracy = np.mean(fitted.predict((seen["test"][0] - mean) / spread) == seen["test"][1])
    line = next(line for line in report.splitlines() if "vgg16, 3 channels" in line)
    assert f"| 6 | 3 | {accuracy:.3f} [" in line
    assert "| dotted_noise |" in line  # what it was trained on


def test_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ValueError, match=r"requirements-evaluation\.txt"):
        scikit_learn.check_installed()
