"""A classifier of RGB that is told by gaze where to attend, in training alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config
from salclass_tf.classifiers import build_classifier
from salclass_tf.model import ClassifierModel
from salclass_tf.optimization import optimizers

SIZE, WEIGHT, RATE = 12, 0.7, 0.05
RNG = np.random.default_rng(0)
BATCH = {
    "image": tf.constant(RNG.uniform(0, 2, (4, SIZE, SIZE, 3)), tf.float32),
    "saliency": tf.constant(RNG.random((4, SIZE, SIZE, 1)), tf.float32),
    "label": tf.constant([0, 1, 2, 0]),
}
#: nobody looked at the last one
UNSEEN = BATCH | {"saliency": BATCH["saliency"] * np.reshape([1, 1, 1, 0], (4, 1, 1, 1))}
#: people looked beside the last one: its map is the tail of a fixation ten deviations away
TAIL = np.exp(-0.5 * (10 + np.arange(SIZE)) ** 2, dtype=np.float32)[:, None, None]
BESIDE = BATCH | {
    "saliency": tf.concat([BATCH["saliency"][:3], np.tile(TAIL, (1, 1, SIZE, 1))], axis=0)
}


def network():
    """One layer of features on 3 x 3 cells, their mean, classes."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Conv2D(5, 4, strides=4, activation="relu", name="features")(image)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, keras.layers.Dense(3, name="classes")(x))


def expected(weights, batch):
    """Class error and distance of attention from gaze, image by image, in float64."""
    kernel, bias, classes, start = (w.astype(np.float64) for w in weights)
    patches = batch["image"].numpy().astype(np.float64).reshape(4, 3, 4, 3, 4, 3)
    features = np.einsum("byixjc,ijcf->byxf", patches, kernel) + bias
    features = np.maximum(features, 0)
    logits = features.mean((1, 2)) @ classes + start
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    errors = -np.log(chances[np.arange(4), batch["label"].numpy()])
    maps = batch["saliency"].numpy().astype(np.float64).reshape(4, 3, 4, 3, 4).mean((2, 4))
    attention, maps = ((features**2).mean(-1).reshape(4, -1), maps.reshape(4, -1))
    distances = [
        np.sum((a / np.linalg.norm(a) - m / np.linalg.norm(m)) ** 2) / 2 if m.max() > 1e-6 else 0.0
        for a, m in zip(attention, maps, strict=True)
    ]
    return errors, np.array(distances)


@pytest.mark.parametrize("batch", [BATCH, UNSEEN, BESIDE], ids=["seen", "unseen", "beside"])
def test_a_step_is_down_the_slope_of_both_errors(batch):
    model = ClassifierModel(network(), attention_loss=WEIGHT)
    model.compile(optimizers.SGD(RATE))
    before = model.get_weights()
    errors, distances = expected(before, batch)
    results = model.train_step(batch)
    seen = 4 if batch is BATCH else 3
    assert float(results["step_loss"]) == pytest.approx((errors + WEIGHT * distances).mean())
    assert float(results["classification_loss"]) == pytest.approx(errors.mean())
    assert float(results["attention_loss"]) == pytest.approx(distances.sum() / seen)
    for index, place in ((0, (1, 2, 0, 3)), (1, (2,)), (2, (4, 1)), (3, (0,))):
        ends = []
        for sign in (1, -1):
            moved = [w.astype(np.float64) for w in before]
            moved[index][place] += sign * 1e-5
            errors, distances = expected(moved, batch)
            ends.append((errors + WEIGHT * distances).mean())
        slope = (ends[0] - ends[1]) / 2e-5
        step = before[index][place] - model.get_weights()[index][place]
        assert step == pytest.approx(RATE * slope, rel=2e-3, abs=1e-7)


def test_testing_reports_both_errors_and_answers_need_no_gaze():
    model = ClassifierModel(network(), attention_loss=WEIGHT)
    errors, distances = expected(model.get_weights(), BATCH)
    results = model.test_step(BATCH)
    assert float(results["loss"]) == pytest.approx((errors + WEIGHT * distances).mean())
    assert float(results["attention_loss"]) == pytest.approx(distances.mean())
    assert not model.is_scored_by_answers and ClassifierModel(network()).is_scored_by_answers
    plain = ClassifierModel(network())
    assert list(model(BATCH["image"])) == ["logits"]
    np.testing.assert_array_equal(model(BATCH["image"])["logits"], plain(BATCH["image"])["logits"])
    assert len(model.variables) == len(plain.variables)


def test_without_maps_there_is_nothing_to_learn_attention_from():
    model = ClassifierModel(network(), attention_loss=WEIGHT)
    with pytest.raises(ValueError, match="learns from image, saliency, label; .* lacks saliency"):
        model.test_step({key: BATCH[key] for key in ("image", "label")})


def test_weight_and_network_survive_saving(tmp_path):
    model = ClassifierModel(network(), attention_loss=WEIGHT)
    model.save(tmp_path / "attending.keras")
    loaded = keras.models.load_model(tmp_path / "attending.keras", compile=False)
    assert loaded.attention_loss == WEIGHT
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(loaded.test_step(BATCH)["loss"]) == float(model.test_step(BATCH)["loss"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassifierModel(network(), attention_loss=-1.0), "at least 0, and finite; got -1"),
        (
            lambda: ClassifierModel(
                build_classifier("vgg16", 3, image_size=32, width=1 / 64, top="pool"),
                attention_loss=1.0,
            ),
            "build it with saliency_input=False",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("stage", ["saliency", "classifier", "joint"])
def test_stages_that_read_a_map_or_name_no_class_refuse_it(stage):
    run = config.build_config()
    with pytest.raises(ValueError, match="classifier reads no map, such as classifier_rgb"):
        run.override(stage, {}, {"attention_loss": 0.5})
    with pytest.raises(ValueError, match="must be at least 0 and finite; got inf"):
        run.override("classifier_rgb", {}, {"attention_loss": float("inf")})
