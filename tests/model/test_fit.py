"""Keras' own ways to train: pairs, metrics, and what is not taken, against dicts and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from finished_stages import CLASSES, SIZES, build_network

from salclass_tf import ClassifierModel, DetectorModel, SalClassNet

SIDE = SIZES["image_size"]


def examples(count=4):
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8),
        "saliency": rng.random((count, SIDE, SIDE, 1)).astype(np.float32),
        "label": rng.integers(0, len(CLASSES), count).astype(np.int32),
    }


def joint(**kwargs):
    network = build_network("joint")
    return SalClassNet(network.detector, network.classifier, **kwargs)


def compiled(model, **kwargs):
    model.compile(keras.optimizers.SGD(1e-3), run_eagerly=True, **kwargs)
    return model


def targets(data, *names):
    return {name: data[name] for name in names}


def epoch(model, **given):
    """What one epoch reports."""
    history = model.fit(**given, verbose=0).history
    return {name: value for name, (value,) in history.items()}


MODELS = {
    "joint": (joint, lambda data: targets(data, "saliency", "label")),
    "detector": (lambda: DetectorModel(build_network("saliency")), lambda data: data["saliency"]),
    "classifier": (
        lambda: ClassifierModel(build_network("classifier_rgb")),
        lambda data: data["label"],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_pairs_train_and_evaluate_as_dicts_do(name):
    build, y_of = MODELS[name]
    data = examples()
    by_dicts, by_pairs, by_arrays = (compiled(build()) for _ in range(3))
    dicts = tf.data.Dataset.from_tensors(data)
    pairs = tf.data.Dataset.from_tensors((data["image"], y_of(data)))
    wanted = epoch(by_dicts, x=dicts)
    for model, given in (
        (by_pairs, {"x": pairs}),
        (by_arrays, {"x": data["image"], "y": y_of(data), "batch_size": 4, "shuffle": False}),
    ):
        assert epoch(model, **given) == pytest.approx(wanted, rel=1e-4)
        for mine, theirs in zip(model.weights, by_dicts.weights, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    scores = by_dicts.evaluate(dicts, return_dict=True, verbose=0)
    again = by_pairs.evaluate(pairs, return_dict=True, verbose=0)
    assert again == pytest.approx(scores, rel=1e-4)


@pytest.mark.slow
def test_compiled_fit_takes_pairs_too():
    """In a graph, as users run it: three targets in, the map's and the classes' loss down."""
    data = examples()
    model = joint()
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    y = targets(data, "saliency", "label")
    history = model.fit(data["image"], y, epochs=4, verbose=0, validation_data=(data["image"], y))
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert "val_cc" in history.history


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (lambda d: {"x": d["image"], "y": d["label"]}, "y must be a dict"),
        (lambda d: {"x": d["image"]}, "the batch lacks saliency, label"),
        (
            lambda d: {"x": d["image"], "y": targets(d, "label")},
            "learns from image, saliency, label; the batch lacks saliency",
        ),
        (
            lambda d: {
                "x": d["image"],
                "y": targets(d, "saliency", "label"),
                "sample_weight": np.ones(4),
            },
            "sample_weight and class_weight are not supported",
        ),
    ],
)
def test_targets_that_are_missing_or_weighted_are_named(given, match):
    model = compiled(joint())
    before = [weight.numpy() for weight in model.weights]
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=match):
            call(**given(examples()), verbose=0)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_metrics_of_outputs_are_reported():
    data = examples()
    model = compiled(
        joint(),
        metrics={
            "saliency": "mean_absolute_error",
            "logits": [keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")],
        },
    )
    scores = model.evaluate(tf.data.Dataset.from_tensors(data), return_dict=True, verbose=0)
    out = model(data["image"])
    error = np.abs(out["saliency"] - data["saliency"]).mean()
    assert scores["saliency_mean_absolute_error"] == pytest.approx(error, rel=1e-4)
    best = np.argsort(-out["logits"].numpy())[:, :3]
    right = np.mean([label in row for label, row in zip(data["label"], best, strict=True)])
    assert scores["logits_top3"] == pytest.approx(right)
    # A second epoch starts from nothing.
    assert model.evaluate(
        tf.data.Dataset.from_tensors(data), return_dict=True, verbose=0
    ) == pytest.approx(scores)


def test_metrics_heed_the_weight_of_an_example():
    data = examples()
    weight = np.array([1, 0, 0, 2], np.float32)
    model = compiled(DetectorModel(build_network("saliency")), metrics=["mse"])
    scores = model.evaluate(
        tf.data.Dataset.from_tensors(data | {"weight": weight}), return_dict=True, verbose=0
    )
    squared = np.square(model(data["image"])["saliency"] - data["saliency"]).mean((1, 2, 3))
    wanted = (squared * weight).sum() / weight.sum()
    assert scores["saliency_mse"] == pytest.approx(wanted, rel=1e-4)
    assert scores["saliency_mse"] == pytest.approx(scores["loss"], rel=1e-4)


def test_compiled_model_is_loaded_compiled(tmp_path):
    data = tf.data.Dataset.from_tensors(examples())
    model = joint(class_names=CLASSES)
    model.compile("sgd", metrics={"logits": ["sparse_top_k_categorical_accuracy"]})
    model.save(tmp_path / "mine.keras")
    loaded = keras.models.load_model(tmp_path / "mine.keras")
    assert loaded.class_names == CLASSES
    scores = loaded.evaluate(data, return_dict=True, verbose=0)
    assert scores == pytest.approx(model.evaluate(data, return_dict=True, verbose=0), rel=1e-4)
    assert "logits_sparse_top_k_categorical_accuracy" in scores


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"loss": "mse"}, "takes no loss; choose it with saliency_loss= and alpha="),
        ({"loss_weights": [1, 2]}, "takes no loss_weights"),
        ({"metrics": ["mse"]}, "which output they are of, saliency or logits"),
        ({"metrics": {"map": ["mse"]}}, "outputs saliency, logits; got map"),
        ({"metrics": {"logits": "accuracy"}}, "'accuracy' is reported already"),
        ({"weighted_metrics": ["mse"]}, "weighted_metrics are not taken"),
        ({"metrics": {"logits": "nothing"}}, "nothing"),
    ],
)
def test_what_compile_does_not_take_is_named(given, match):
    with pytest.raises(ValueError, match=match):
        joint().compile("sgd", **given)
