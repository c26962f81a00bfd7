"""The joint step against stock Keras, in every mode that training uses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import metrics
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, DetectorModel, SalClassNet
from salclass_tf.optimization import schedules
from salclass_tf.optimization.optimizers import SGD, Adam

SIZE, CLASSES = 40, 3


def parts(saliency_input=True):
    keras.utils.set_random_seed(0)
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    classifier = build_classifier(
        "vgg16", CLASSES, saliency_input, image_size=SIZE, width=1 / 32, top="pool"
    )
    return detector, classifier


def batch(size=4, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "image": tf.constant(rng.integers(0, 256, (size, SIZE, SIZE, 3)), tf.uint8),
        "saliency": tf.constant(rng.random((size, SIZE, SIZE, 1)), tf.float32),
        "label": tf.constant(rng.integers(0, CLASSES, size), tf.int32),
    }


def dataset(examples=8, size=4):
    return tf.data.Dataset.from_tensor_slices(batch(examples)).batch(size)


def sgd(rate=0.01):
    """All that the paper's training asks of the optimizer: two steps make an epoch here."""
    return SGD(
        schedules.inverse_time(rate, 0.1),
        momentum=0.9,
        weight_decay=schedules.stepwise(((0, 1e-2), (1, 0.0)), 2),
        dampening=0.3,
        lr_multipliers={"saliency_score/": 2.0, "predictions/kernel": [1.0, 2.0, 5.0]},
    )


@pytest.mark.parametrize("alpha", [0.2, 3.0])
def test_one_step_equals_stock_keras_with_weighted_losses(alpha):
    ours = SalClassNet(*parts(), alpha=alpha)
    detector, classifier = parts()
    image = keras.Input((SIZE, SIZE, 3))
    saliency = detector(image)
    logits = classifier({"image": image, "saliency": saliency})
    stock = keras.Model(image, {"saliency": saliency, "logits": logits})
    stock.compile(
        keras.optimizers.SGD(0.01),
        loss={
            "saliency": "mean_squared_error",
            "logits": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"saliency": 1.0, "logits": alpha},
    )
    ours.compile(keras.optimizers.SGD(0.01))
    data = batch()
    loss = stock.train_on_batch(
        data["image"], {"saliency": data["saliency"], "logits": data["label"]}
    )
    logs = ours.train_step(data)
    np.testing.assert_allclose(float(logs["step_loss"]), float(np.ravel(loss)[0]), rtol=1e-5)
    for mine, theirs in zip(
        [*ours.detector.weights, *ours.classifier.weights],
        [*detector.weights, *classifier.weights],
        strict=True,
    ):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=2e-4, atol=1e-5)


def test_class_error_alone_moves_the_detector():
    """With the map error's gradient taken away, what reaches the detector is the class error."""
    model = SalClassNet(*parts(), alpha=1.0)
    data = batch()
    with tf.GradientTape() as tape:
        logits = model(data, training=True)["logits"]
        loss = tf.reduce_sum(tf.nn.log_softmax(logits)[:, 0])
    gradients = tape.gradient(loss, model.detector.trainable_variables)
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


def test_map_error_is_taken_before_the_classifier_normalises_the_map():
    model = SalClassNet(*parts(), alpha=0.0)
    data = batch()
    expected = np.mean((model.detector(data["image"]).numpy() - data["saliency"].numpy()) ** 2)
    model.compile(keras.optimizers.SGD(0.0))
    logs = model.test_step(data)
    np.testing.assert_allclose(float(logs["loss"]), expected, rtol=1e-5)
    np.testing.assert_allclose(float(logs["saliency_loss"]), expected, rtol=1e-5)


def test_fit_reports_the_loss_and_learns():
    model = SalClassNet(*parts())
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    history = model.fit(dataset(), epochs=6, verbose=0, validation_data=dataset()).history
    assert history["loss"][-1] < history["loss"][0]
    both = 0.2 * np.array(history["classification_loss"]) + np.array(history["saliency_loss"])
    np.testing.assert_allclose(history["loss"], both, rtol=1e-5)
    assert {"val_loss", "val_accuracy", "val_cc"} <= set(history)


@pytest.mark.slow
def test_compiled_by_xla_takes_the_same_step():
    losses = []
    for jit in (False, True):
        model = SalClassNet(*parts())
        model.compile(sgd())
        step = tf.function(model.train_step, jit_compile=jit)
        losses.append([float(step(batch())["step_loss"]) for _ in range(4)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_takes_nearly_the_same_step(policy, bfloat16):
    before = keras.config.dtype_policy()
    moved = []
    try:
        for name in ("float32", policy):
            keras.config.set_dtype_policy(name)
            model = SalClassNet(*parts())
            model.compile(sgd(0.1))
            head = model.detector.get_layer("saliency_score").kernel
            start = head.numpy()
            for _ in range(2):
                logs = model.train_step(batch())
            assert logs["step_loss"].dtype == tf.float32
            moved.append(head.numpy() - start)
    finally:
        keras.config.set_dtype_policy(before)
    assert np.linalg.norm(moved[0]) > 0
    # A lost loss scale would make the float16 step 32768 times too small.
    np.testing.assert_allclose(np.linalg.norm(moved[1]) / np.linalg.norm(moved[0]), 1, atol=0.1)


# Adam's steps are as large where the gradient is rounding alone: a large epsilon forgets those.
@pytest.mark.parametrize("make", [sgd, lambda: Adam(0.01, epsilon=1e-2)])
def test_two_replicas_take_the_steps_of_one(two_replicas, make):
    single = SalClassNet(*parts())
    single.compile(make())
    for shared in dataset(8, size=4):
        single.train_step(shared)
    with two_replicas.scope():
        double = SalClassNet(*parts())
        double.compile(make())
        double.optimizer.build(double.trainable_variables)
    data = two_replicas.experimental_distribute_dataset(dataset(8, size=4))
    step = tf.function(lambda x: two_replicas.run(double.train_step, (x,)))
    for shared in data:
        step(shared)
    for mine, theirs in zip(double.detector.weights, single.detector.weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["detector", "classifier", "joint"])
def test_saved_and_loaded_model_answers_the_same(kind, tmp_path):
    detector, classifier = parts()
    model = {
        "detector": lambda: DetectorModel(detector),
        "classifier": lambda: ClassifierModel(classifier),
        "joint": lambda: SalClassNet(detector, classifier, alpha=0.7),
    }[kind]()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for key, value in model(batch()).items():
        np.testing.assert_array_equal(again(batch())[key].numpy(), value.numpy())
    assert getattr(again, "alpha", 0.7) == 0.7


def test_chosen_saliency_loss_takes_the_place_of_the_squared_error_in_equation_1():
    model = SalClassNet(*parts(), alpha=0.7, saliency_loss="nss")
    model.compile(keras.optimizers.SGD(0.0))
    counts = tf.constant(np.random.default_rng(3).poisson(0.05, (4, SIZE, SIZE, 1)), tf.float32)
    data = batch() | {"fixation_counts": counts}
    logs = {name: float(value) for name, value in model.test_step(data).items()}
    saliency = model(data)["saliency"]
    error = np.mean((saliency - data["saliency"]) ** 2)
    nss = np.mean(metrics.normalized_scanpath(saliency, counts))
    np.testing.assert_allclose([logs["saliency_loss"], logs["mse"]], [-nss, error], rtol=1e-4)
    both = 0.7 * logs["classification_loss"] + logs["saliency_loss"]
    np.testing.assert_allclose(logs["loss"], both, rtol=1e-5)
    assert "mse" not in SalClassNet(*parts()).get_metrics_result()


@pytest.mark.parametrize("kind", [DetectorModel, SalClassNet])
def test_saliency_loss_survives_saving_and_is_the_papers_in_older_files(kind, tmp_path):
    given = parts()[: 1 if kind is DetectorModel else 2]
    model = kind(*given, saliency_loss="kl", output="density")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert (again.saliency_loss.name, again.output_kind) == ("kl", "density")
    older = model.get_config()
    del older["saliency_loss"], older["output"]
    older = kind.from_config(older)
    assert (older.saliency_loss.name, older.output_kind) == ("mse", "map")


def test_refuses_a_loss_and_an_output_that_are_not_there():
    with pytest.raises(ValueError, match="'emd'; choose one of bhattacharyya"):
        SalClassNet(*parts(), saliency_loss="emd")
    with pytest.raises(ValueError, match="map, density; got 'logits'"):
        DetectorModel(parts()[0], output="logits")


def test_refuses_negative_alpha():
    with pytest.raises(ValueError, match="alpha"):
        SalClassNet(*parts(), alpha=-0.1)


def test_refuses_a_classifier_without_map():
    with pytest.raises(ValueError, match="saliency_input"):
        SalClassNet(*parts(saliency_input=False))


def test_refuses_parts_of_different_sizes():
    detector, _ = parts()
    classifier = build_classifier("vgg16", 3, image_size=SIZE + 8, width=1 / 32, top="pool")
    with pytest.raises(ValueError, match="one size"):
        SalClassNet(detector, classifier)


def test_examples_without_weight_do_not_count_in_what_is_reported():
    model = SalClassNet(*parts())
    model.compile("sgd")
    whole = batch(4)
    counted = {key: value[:3] for key, value in whole.items()}
    model.reset_metrics()
    expected = {k: float(v) for k, v in model.test_step(counted).items()}
    model.reset_metrics()
    filled = model.test_step(whole | {"weight": tf.constant([1.0, 1.0, 1.0, 0.0])})
    assert {k: float(v) for k, v in filled.items()} == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx({k: float(v) for k, v in model.test_step(whole).items()})
