"""Grad-CAM against its derivatives by hand, and as a row and a column beside the detector's map."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import figures, model
from salclass_tf.classifiers import build_classifier
from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.activations import feature_layers, grad_cam
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods import explanations
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import LOGITS, SALIENCY, Method
from salclass_tf.evaluation.tables import of_families, paper

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 9, 9, 3)).astype(np.float32)


def tiny(head, width=9):
    """Two convolutions and a head of four classes."""
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 9, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", activation="relu")(image / 255)
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="last")(x)
    x = keras.layers.MaxPooling2D(9 // width)(x)
    scores = keras.layers.Dense(4, bias_initializer="random_normal", name="scores")(head(x))
    return keras.Model(image, scores)


def features_of(network):
    """The maps of the last convolution on the images, and the classes that are named."""
    body = keras.Model(network.input, network.get_layer("last").output)
    return body(IMAGES).numpy().astype(np.float64), network(IMAGES).numpy().argmax(-1)


@pytest.mark.parametrize("trainable", [True, False])
def test_over_a_global_mean_it_is_the_class_activation_map(trainable):
    """There d score / d A_k = W_k / units, everywhere, which is CAM (Zhou et al. 2016)."""
    network = tiny(keras.layers.GlobalAveragePooling2D())
    network.trainable = trainable
    features, named = features_of(network)
    weights = network.get_layer("scores").kernel.numpy()[:, named].T / 81
    expected = np.maximum(np.einsum("bhwk,bk->bhw", features, weights), 0)
    found = grad_cam.build(network)({"image": IMAGES}).numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-4, atol=1e-8)


def test_over_a_dense_layer_weights_are_means_of_its_kernel():
    network = tiny(keras.layers.Flatten())
    features, named = features_of(network)
    kernel = network.get_layer("scores").kernel.numpy().reshape(9, 9, 6, 4)
    weights = kernel.mean(axis=(0, 1))[:, named].T
    expected = np.maximum(np.einsum("bhwk,bk->bhw", features, weights), 0)
    found = grad_cam.build(network)({"image": tf.constant(IMAGES, tf.uint8)}).numpy()
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-4, atol=1e-6)


def test_pooling_behind_the_last_convolution_is_part_of_the_head():
    network = tiny(keras.layers.GlobalAveragePooling2D(), width=3)
    head = keras.Model(network.get_layer("last").output, network.output)
    body = keras.Model(network.input, network.get_layer("last").output)
    with tf.GradientTape() as tape:
        features = body(IMAGES)
        tape.watch(features)
        scores = head(features)
        named = tf.gather(scores, tf.argmax(scores, 1), axis=1, batch_dims=1)
    weights = tape.gradient(named, features).numpy().mean(axis=(1, 2))
    expected = np.maximum(np.einsum("bhwk,bk->bhw", features.numpy(), weights), 0)
    found = grad_cam.build(network)({"image": IMAGES}).numpy()
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "layer"), [("vgg16", "block5_conv3"), ("inception_v3", "mixed10")]
)
def test_layer_is_the_last_that_everything_comes_through(name, layer):
    network = build_classifier(name, 2, image_size=139, width=1 / 64)
    maps, answers = feature_layers.last(network)
    assert maps.shape[1:] == feature_layers.find(network)[layer].maps.shape[1:]
    assert answers.shape == (None, 2)
    assert maps.shape[1] > 1


def test_salclassnet_is_explained_with_the_map_of_its_detector():
    detector = build_detector("vgg16", image_size=40, width=1 / 32)
    score = detector.get_layer("saliency_score")
    score.kernel.assign(50 * score.kernel)
    classifier = build_classifier("vgg16", 3, image_size=40, width=1 / 32)
    images = RNG.integers(0, 256, (2, 40, 40, 3)).astype(np.float32)
    both = grad_cam.build(model.SalClassNet(detector, classifier))({"image": images}).numpy()
    saliency = detector(images)
    alone = grad_cam.build(classifier)({"image": images, "saliency": saliency}).numpy()
    other = grad_cam.build(classifier)({"image": images, "saliency": 1 - saliency}).numpy()
    assert both.shape == (2, 40, 40, 1) and both.max() > 0
    np.testing.assert_allclose(both, alone, rtol=1e-4, atol=1e-9)
    assert np.abs(both - other).max() > 1e-3 * both.max()


def test_whole_images_are_squeezed_into_the_square(tiny_data_dir):
    network = build_classifier("vgg16", 3, saliency_input=False, image_size=40, width=1 / 32)
    geometry = Geometry(40, 46)
    method = Method("c", "x", "f", frozenset({LOGITS}), geometry=geometry, network=lambda: network)
    [_, explaining] = explanations.beside([method], {"dotted_noise"})
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    answer = explaining.load(EvaluatedSet(noise, "test", None))
    assert answer.shown == "squeezed to 40 x 40"
    batch = next(iter(EvaluatedSet(noise, "test", None).batches()))
    found = answer(batch)["saliency"]
    assert found.shape == (1, 44, 52, 1)
    squeezed = tf.image.resize(batch["image"], (40, 40), antialias=True)
    small = grad_cam.build(network)({"image": squeezed})
    back = tf.image.resize(small, (44, 52), antialias=True)
    np.testing.assert_allclose(found, back, rtol=1e-4, atol=1e-9)


def test_it_is_a_row_and_a_column(tmp_path, tiny_data_dir, monkeypatch):
    detector = build_detector("vgg16", image_size=40, width=1 / 32)
    classifier = build_classifier("vgg16", 3, image_size=40, width=1 / 32)
    model.SalClassNet(detector, classifier).save(tmp_path / "net.keras")
    where = ((str(tmp_path / "net.keras"),), ("dotted_noise",))
    given = {"output": tmp_path / "out", "data_dir": tiny_data_dir, "gradcam": True}
    paper.run(paper.Settings(*where, tables=(4,), baselines=(), **given))
    rows = json.loads((tmp_path / "out" / "table4.json").read_text())["rows"]
    names = [row["labels"]["method"] for row in rows]
    assert names == ["net", "Grad-CAM of net"]
    assert rows[1]["metrics"]["nss"]["images"] == 6
    assert rows[1]["metrics"]["nss"]["mean"] != rows[0]["metrics"]["nss"]["mean"]
    shown = []
    monkeypatch.setattr(figures, "comparison", lambda *given: shown.append(given) or [tmp_path])
    paper_figures.run(paper_figures.Settings(("6",), *where, images=2, **given))
    [(drawn, heads, *_)] = shown
    assert [" ".join(head.split()) for head in heads] == names
    assert {len(row.maps) for row in drawn} == {2}


def test_what_has_no_classes_is_not_explained():
    detector = Method("detector", "x", "f", trained_on="osie")
    other = Method("c", "x", "f", frozenset({LOGITS}), trained_on="birds", network=lambda: None)
    with pytest.raises(ValueError, match="Grad-CAM looks into a Keras network that has learned"):
        explanations.beside([detector, other], {"osie"})
    found = explanations.beside([detector, other], {"birds"})
    assert [method.name for method in found] == ["detector", "c", "Grad-CAM of c"]


def test_explanations_of_several_seeds_are_a_family_of_their_own():
    given = {"gives": frozenset({SALIENCY, LOGITS}), "network": lambda: None}
    other = Method("net", "x", "f", reads="no map")
    methods = [
        Method(f"net, seed {seed}", "x", "f", family="net", variants=(other,), **given)
        for seed in (0, 1)
    ]
    found = explanations.beside(methods, ())
    assert [method.family for method in found] == ["net", "Grad-CAM of net"] * 2
    assert [len(method.variants) for method in found] == [1, 0] * 2
    rng, nobody = np.random.default_rng(1), ({}, {}, 0)
    scored = [
        (
            one,
            Scores({"data set": "x"}, ("a", "b"), np.ones(2, int), {"cc": rng.random(2)}, *nobody),
        )
        for one in found
    ]
    rows = of_families.rows(scored, resamples=9)
    assert [(row.name, row.seeds) for row in rows] == [("net", 2), ("Grad-CAM of net", 2)]
    means = [np.mean([row.values["cc"] for _, row in scored[first::2]]) for first in (0, 1)]
    assert [row.mean.mean for row in rows] == pytest.approx(means)
