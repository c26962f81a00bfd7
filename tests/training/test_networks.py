"""What each stage starts from, and which of its parameters learn how fast."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, DetectorModel
from salclass_tf.optimization import optimizers
from salclass_tf.runs.finished_stage import KEPT
from salclass_tf.training import checks, networks

SIZE = 76
STAGE = config.build_config("paper").stages["classifier"]


def batch():
    rng = np.random.default_rng(0)
    return {
        "image": tf.constant(rng.integers(0, 256, (2, SIZE, SIZE, 3)), tf.uint8),
        "saliency": tf.constant(rng.random((2, SIZE, SIZE, 1)), tf.float32),
        "label": tf.constant([0, 1]),
    }


@pytest.mark.parametrize("name", ["inception_v3", "vgg16"])
def test_one_step_of_the_classifier_stage_moves_each_group_by_its_own_rate(name):
    moved = []
    for factor in (1.0, 50.0):
        keras.utils.set_random_seed(0)
        options = {"top": "pool"} if name == "vgg16" else {}
        classifier = build_classifier(name, 3, image_size=SIZE, width=1 / 32, **options)
        optimizer = dataclasses.replace(STAGE.optimizer, untrained_multiplier=factor)
        model = ClassifierModel(classifier)
        model.compile(
            networks.build_optimizer(dataclasses.replace(STAGE, optimizer=optimizer), model, 10)
        )
        before = [w.numpy() for w in classifier.trainable_variables]
        model.train_step(batch())
        after = [w.numpy() for w in classifier.trainable_variables]
        moved.append([b - a for a, b in zip(before, after, strict=True)])
    first = next(x for x in classifier.layers if isinstance(x, keras.layers.Conv2D)).name
    for variable, slow, fast in zip(classifier.trainable_variables, *moved, strict=True):
        if variable.path.startswith(("predictions/", "saliency_normalization/")):
            expected = 50 * slow
        elif variable.path == f"{first}/kernel":
            expected = slow * np.array([1, 1, 1, 50])[:, None]
        else:
            expected = slow
        # A step is the difference of two float32 weights, so it is known to their spacing.
        known = 50 * np.spacing(np.abs(variable.numpy()).max())
        np.testing.assert_allclose(fast, expected, rtol=1e-2, atol=known, err_msg=variable.path)
        assert np.abs(expected).max() > 0


def test_only_the_scores_of_a_detector_are_new():
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    patterns = networks.untrained_multipliers(DetectorModel(detector), 10.0)
    optimizer = networks.optimizers.SGD(0.1, lr_multipliers=patterns)
    optimizer.build(detector.trainable_variables)
    fast = {
        v.path
        for v, factor in zip(detector.trainable_variables, optimizer._multipliers, strict=True)
        if factor != 1
    }
    assert fast == {"saliency_score/kernel", "saliency_score/bias"}


def test_frozen_layers_do_not_learn(tmp_path):
    stage = config.Stage("any", frozen="block[1-4]_")
    run = dataclasses.replace(
        config.build_config(),
        stages={"saliency_pretrain": stage},
        detector="vgg16",
        width=1 / 32,
        image_size=SIZE,
        short_side=SIZE,
    )
    model = networks.build_model(run, "saliency_pretrain", tmp_path, 0)
    learning = {v.path.split("/")[0] for v in model.trainable_variables}
    assert learning == {"block5_conv1", "block5_conv2", "block5_conv3", "saliency_score"}


@pytest.mark.parametrize(
    ("detector", "learning"),
    [
        ("vgg16", "block5_conv1"),
        ("salicon", "coarse_block5_conv1"),
        ("salnet", "conv1"),
    ],
)
def test_recipe_of_real_gaze_freezes_trained_trunks_alone(detector, learning):
    """A trunk that stays as it is needs weights; a network without one learns from nothing."""
    run = config.build_config("demo", "cub_gha")
    run = dataclasses.replace(
        run, detector=detector, classifier="mobilenet_v3_small", width=1 / 32, image_size=64
    )
    pattern = run.stages["saliency"].frozen
    layers = [layer.name for layer in networks.blank_detector(run).layers if layer.weights]
    free = [name for name in layers if not networks.is_frozen(pattern, name)]
    assert free[0] == learning
    if free == layers:
        checks.check_parts(run, ["saliency"])
    else:
        with pytest.raises(ValueError, match="block1_conv1 the first.* --detector_weights"):
            checks.check_parts(run, ["saliency"])
        checks.check_parts(dataclasses.replace(run, detector_weights="file.h5"), ["saliency"])


def test_classifier_takes_over_the_pretrained_kernels(tmp_path):
    run = dataclasses.replace(
        config.build_config(),
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "pool"}},
        classifier_weights=None,
        pretrain_classifier=True,
        width=1 / 32,
        image_size=SIZE,
        short_side=SIZE,
    )
    stage = dataclasses.replace(run.stages["classifier_pretrain"], geometry=None)
    run = dataclasses.replace(run, stages=run.stages | {"classifier_pretrain": stage})
    pretrained = networks.build_model(run, "classifier_pretrain", tmp_path, 5).classifier
    (tmp_path / "classifier_pretrain").mkdir()
    pretrained.save(tmp_path / "classifier_pretrain" / KEPT)
    started = networks.build_model(run, "classifier", tmp_path, 3).classifier
    kernel = started.get_layer("block1_conv1").kernel.numpy()
    assert kernel.shape[2] == 4 and np.abs(kernel[:, :, 3]).max() > 0
    np.testing.assert_array_equal(
        kernel[:, :, :3], pretrained.get_layer("block1_conv1").kernel.numpy()
    )
    np.testing.assert_array_equal(
        started.get_layer("block5_conv3").kernel.numpy(),
        pretrained.get_layer("block5_conv3").kernel.numpy(),
    )


def test_parts_trained_on_one_device_share_their_statistics_on_two(tmp_path, two_replicas):
    run = dataclasses.replace(
        config.build_config(),
        detector="msi_net",
        classifier="mobilenet_v3_small",
        classifier_weights=None,
        pretrain_detector=False,
        pretrain_classifier=False,
        width=1 / 16,
        image_size=64,
        short_side=64,
    )
    for stage in ("saliency", "classifier"):
        (tmp_path / stage).mkdir()
        part = networks.kept_part(networks.build_model(run, stage, tmp_path, 3))
        part.save(tmp_path / stage / KEPT)
    for scope, synchronized in ((two_replicas.scope(), True), (contextlib.nullcontext(), False)):
        with scope:
            model = networks.build_model(run, "joint", tmp_path, 3)
        found = [
            layer.synchronized
            for layer in model.classifier.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        assert len(found) == 35 and set(found) == {synchronized}


def _normalized_classifier():
    keras.utils.set_random_seed(3)
    image = keras.Input((12, 12, 3), name="image")
    x = image
    for channels in (4, 6):
        x = keras.layers.Conv2D(channels, 3, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, scale=False)(x)
        x = keras.layers.Activation("relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = ClassifierModel(keras.Model(image, keras.layers.Dense(3)(x)))
    model.compile(optimizers.SGD(0.05, momentum=0.9, weight_decay=1e-3))
    return model


def test_ten_steps_with_fused_normalizations_are_those_of_keras():
    rng = np.random.default_rng(0)
    batch = {
        "image": tf.constant(rng.uniform(0, 2, (8, 12, 12, 3)), tf.float32),
        "label": tf.constant(rng.integers(0, 3, 8), tf.int32),
    }
    stock, fused = _normalized_classifier(), _normalized_classifier()
    networks.fuse_normalizations(fused)
    losses, scores, operations = [], [], []
    for model in (stock, fused):
        step = tf.function(model.train_step, autograph=False)
        losses.append([float(step(batch)["step_loss"]) for _ in range(10)])
        scores.append(float(model.test_step(batch)["loss"]))
        operations.append(len(step.get_concrete_function(batch).graph.get_operations()))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-5)
    for value, expected in zip(fused.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
    assert losses[0][-1] < losses[0][0] - 0.05 and operations[1] < 0.75 * operations[0]


def test_unknown_networks_are_refused_with_the_valid_names():
    with pytest.raises(ValueError, match="vgg16, vgg19"):
        checks.check_settings(dataclasses.replace(config.build_config(), detector="vgg17"), [])
    with pytest.raises(ValueError, match="inception_v3"):
        checks.check_settings(dataclasses.replace(config.build_config(), classifier="vgg"), [])


def test_changed_demo_weights_are_refused(tmp_path, monkeypatch):
    name = networks.DEMO_WEIGHTS[0]
    (tmp_path / name).write_bytes(b"something else")
    monkeypatch.setattr(networks, "_PRETRAINED", tmp_path)
    with pytest.raises(ValueError, match="published file"):
        networks.weights_file("demo")
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match="missing"):
        networks.weights_file("demo")


def test_demo_weights_are_the_published_file():
    assert networks.weights_file("demo").endswith(networks.DEMO_WEIGHTS[0])


@pytest.mark.parametrize(
    ("detector", "loss", "warned"),
    [
        ("pdp", "mse", True),
        ("pdp", "kl", False),
        ("vgg16", "mse", False),
    ],
)
def test_squared_error_of_a_density_is_warned_of(detector, loss, warned, caplog):
    run = config.build_config().override("joint", {"detector": detector}, {}, saliency_loss=loss)
    checks.check_settings(run, ["saliency", "classifier", "joint"])
    assert ("--saliency_loss=bhattacharyya" in caplog.text) == warned


def test_damaged_network_has_no_origin_and_is_no_traceback(tmp_path):
    run = config.build_config()
    (tmp_path / "saliency_pretrain").mkdir()
    kept = tmp_path / "saliency_pretrain" / KEPT
    assert networks.origin(run, "saliency", tmp_path) == {}
    build_detector("vgg16", image_size=SIZE, width=1 / 32).save(kept)
    assert list(networks.origin(run, "saliency", tmp_path)) == ["saliency_pretrain"]
    kept.write_bytes(kept.read_bytes()[:-100])  # cut short
    assert networks.origin(run, "saliency", tmp_path) == {}
