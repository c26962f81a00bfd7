"""Classifiers that pool by gaze, against NumPy on their own last features."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_config import tiny_config

from salclass_tf import config
from salclass_tf.classifiers import build_classifier, pooling, rgbs
from salclass_tf.classifiers.rebuilding import Rebuilding
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation.activations import grad_cam
from salclass_tf.model import SalClassNet
from salclass_tf.serving import folding
from salclass_tf.training import checks

SIZE, CLASSES = 64, 4
RNG = np.random.default_rng(0)
INPUTS = {
    "image": tf.constant(RNG.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)),
    "saliency": tf.constant(RNG.random((3, SIZE, SIZE, 1), dtype=np.float32) ** 8),
}
BLANK = INPUTS | {"saliency": tf.zeros((3, SIZE, SIZE, 1))}


def vgg(how, **arguments):
    keras.utils.set_random_seed(1)
    return build_classifier(
        "vgg16", CLASSES, image_size=SIZE, width=1 / 32, top="pool", pooling=how, **arguments
    )


def stock(keepdims=False, between=False):
    """A network as those of `keras.applications` end: a mean of channels in the middle too."""
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(6, 3, strides=8, activation="relu", name="stem")(image)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name="gate")(x)
    x = keras.layers.Multiply(name="gated")([x, gate])
    x = keras.layers.GlobalAveragePooling2D(keepdims=keepdims, name="avg_pool")(x)
    if keepdims:
        x = keras.layers.Flatten(name="flatten")(x)
    if between:
        x = keras.layers.Dense(6, name="between")(x)
    return keras.Model(image, keras.layers.Dense(CLASSES, name="classes")(x), name="small")


def rebuilt(how, **arguments):
    keras.utils.set_random_seed(1)
    identity = keras.layers.Rescaling(1 / 255, name="pixels")
    inputs, stack = rgbs.build_input(identity, SIZE, True, 1.0)
    logits = Rebuilding(stock(**arguments), CLASSES, pooled=how).apply(stack, inputs)
    return keras.Model(inputs, logits)


def class_scores(classifier, how):
    """What the class layer makes of the last features, pooled in float64."""
    body = keras.Model(classifier.inputs, pooling.last_features(classifier))
    features = body(INPUTS).numpy().astype(np.float64)
    cells = features.shape[1]
    assert SIZE % cells == 0 and cells > 1
    blocks = INPUTS["saliency"].numpy().reshape(3, cells, SIZE // cells, cells, SIZE // cells)
    weights = blocks.mean((2, 4), dtype=np.float64)[..., None] + 1e-3
    pooled = {"mean": features.mean((1, 2))}
    pooled["gaze"] = (features * weights).sum((1, 2)) / weights.sum((1, 2))
    pooled["both"] = np.concatenate([pooled["mean"], pooled["gaze"]], axis=-1)
    kernel, bias = classifier.layers[-1].get_weights()
    return pooled[how] @ kernel + bias


@pytest.mark.parametrize("how", ["mean", "gaze", "both"])
@pytest.mark.parametrize("build", [vgg, rebuilt])
def test_class_layer_reads_the_features_where_people_look(build, how):
    classifier = build(how)
    found = classifier(INPUTS).numpy()
    np.testing.assert_allclose(found, class_scores(classifier, how), rtol=1e-3, atol=1e-5)
    if how == "gaze":
        error = np.abs(found - class_scores(classifier, "gaze")).max()
        assert np.abs(found - class_scores(classifier, "mean")).max() > 100 * error


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_last_mean_alone_is_replaced_and_keeps_its_shape(keepdims):
    by_gaze, plain = rebuilt("gaze", keepdims=keepdims), rebuilt("mean", keepdims=keepdims)
    assert [x.name for x in by_gaze.layers if "by_gaze" in x.name] == ["avg_pool_by_gaze"]
    for left, right in zip(by_gaze.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    # Where nobody looked it is the network with the plain mean.
    np.testing.assert_allclose(by_gaze(BLANK), plain(BLANK), rtol=1e-4, atol=1e-6)
    assert np.abs(by_gaze(INPUTS) - plain(INPUTS)).max() > 1e-4


def test_without_a_map_the_plain_mean_is_all_that_there_is():
    one, other = (vgg(how, saliency_input=False) for how in ("both", "mean"))
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(one(INPUTS["image"]), other(INPUTS["image"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inception_v3", "mobilenet_v3_small", "convnext_tiny"])
def test_every_kind_of_builder_has_the_option(name):
    keras.utils.set_random_seed(1)
    classifier = build_classifier(name, CLASSES, image_size=96, width=1 / 16, pooling="gaze")
    [layer] = [x for x in classifier.layers if x.name.endswith("_by_gaze")]
    features, saliency = layer.input
    assert features.shape[1:3] == (3, 3) or name == "inception_v3"
    assert saliency is classifier.input["saliency"]


@pytest.mark.parametrize("how", ["gaze", "both"])
def test_joined_saved_folded_and_explained_it_answers_alike(how, tmp_path):
    keras.utils.set_random_seed(2)
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    score = detector.get_layer("saliency_score")
    score.kernel.assign(300 * score.kernel)
    model, image = SalClassNet(detector, vgg(how)), INPUTS["image"]
    answers = model(image)["logits"].numpy()
    alone = model.classifier({"image": image, "saliency": detector(image)})
    np.testing.assert_allclose(answers, alone, atol=1e-5)
    assert np.abs(answers - model.classifier(BLANK)).max() > 1e-4
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(image)["logits"][:, 0])
    assert np.abs(tape.gradient(loss, score.kernel)).max() > 0
    model.save(tmp_path / "joint.keras")
    loaded = keras.models.load_model(tmp_path / "joint.keras", compile=False)
    np.testing.assert_array_equal(loaded(image)["logits"], answers)
    np.testing.assert_allclose(folding.fold(model, model)(image)["logits"], answers, atol=1e-4)
    assert grad_cam.build(model)({"image": image}).shape == (3, SIZE, SIZE, 1)


def test_an_export_answers_as_the_model(tmp_path):
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    model = SalClassNet(detector, vgg("both"))
    model.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1").signatures["serving_image"]
    images = tf.constant(RNG.integers(0, 256, (2, 80, 90, 3), np.uint8))
    expected = model.predict(list(images.numpy()), verbose=0)["probabilities"]
    np.testing.assert_allclose(served(image=images)["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "fixation", "top": "pool"}, "mean, gaze, both; got 'fixation'"),
        ({"pooling": "gaze"}, "pooling='gaze' needs top=\"pool\""),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build_classifier("vgg16", CLASSES, image_size=SIZE, width=1 / 32, **options)


def test_both_poolings_are_refused_where_other_layers_would_read_them():
    with pytest.raises(ValueError, match="doubles what between of small reads; take pooling="):
        rebuilt("both", between=True)
    assert rebuilt("gaze", between=True).count_params() > 0


@pytest.mark.parametrize("top", ["pool", "dense"])
def test_last_features_are_those_that_the_answer_is_made_of(top):
    arguments = {"saliency_input": False, "width": 1 / 32, "top": top}
    classifier = build_classifier("vgg16", CLASSES, image_size=SIZE, **arguments)
    assert pooling.last_features(classifier) is classifier.get_layer("block5_pool").output
    tiny = build_classifier("vgg16", CLASSES, image_size=32, **arguments)
    with pytest.raises(ValueError, match="no map of features of more than one cell"):
        pooling.last_features(tiny)  # block 5 has four cells before its pool, which leaves one


@pytest.mark.parametrize("keepdims", [False, True])
def test_last_features_are_what_the_last_mean_reads(keepdims):
    classifier = stock(keepdims)
    assert pooling.last_features(classifier) is classifier.get_layer("gated").output


def test_pixels_are_no_features():
    for side in (8, None):
        image = keras.Input((side, side, 3))
        x = keras.layers.Flatten()(image) if side else keras.layers.GlobalMaxPooling2D()(image)
        with pytest.raises(ValueError, match="no map of features of more than one cell"):
            pooling.last_features(keras.Model(image, keras.layers.Dense(2)(x)))


def test_attention_that_cannot_be_read_is_refused_before_anything_is_made():
    run = tiny_config("dotted_noise").override("classifier_rgb", {}, {"attention_loss": 0.5})
    with pytest.raises(ValueError, match="of stage classifier_rgb: vgg16_classifier pools no map"):
        checks.check_parts(run, ["classifier_rgb"])
    checks.check_parts(dataclasses.replace(run, image_size=64, short_side=72), ["classifier_rgb"])


def test_stages_without_a_map_refuse_it_and_are_not_changed_by_it():
    run = config.build_config("demo", "cub_gha")
    asked = {"classifier": {"pooling": "both"}}
    with pytest.raises(ValueError, match="needs a map.*--stage=classifier_rgb --classifier_"):
        run.override("classifier_rgb", {}, {}, options=asked)
    pooled = run.override("joint", {}, {}, options=asked)
    for stage in ("classifier_rgb", "classifier_rgb_longer"):
        assert pooled.for_stage(stage) == run.for_stage(stage)
    for stage in ("classifier", "joint"):
        assert pooled.for_stage(stage)["classifier_options"]["pooling"] == "both"
    options = {"classifier": {"top": "dense", "pooling": "gaze"}}
    dense = run.override("classifier", {}, {}, options=options)
    with pytest.raises(ValueError, match="pooling='gaze' needs top"):
        checks.check_parts(dense, ["classifier"])
