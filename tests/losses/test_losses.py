import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import losses


def draw_maps(dtype=np.float32):
    rng = np.random.default_rng(0)
    return rng.random((3, 5, 7, 1)).astype(dtype), rng.normal(size=(3, 5, 7, 1)).astype(dtype)


def cross_entropy(label, logits):
    logits = np.asarray(logits, np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(softmax[np.arange(len(label)), label])


@pytest.mark.parametrize("integer", [np.int32, np.int64, np.uint8])
def test_classification_loss_is_equation_2(integer):
    logits = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32) * 3
    label = np.array([0, 5, 2, 2], integer)
    loss = losses.classification_loss(label, logits)
    np.testing.assert_allclose(loss, cross_entropy(label, logits), rtol=1e-5)


def test_classification_loss_stays_finite_for_a_sure_and_wrong_answer():
    loss = losses.classification_loss(np.array([1]), np.array([[200.0, 0.0]], np.float32))
    np.testing.assert_allclose(loss, [200.0])


def test_saliency_loss_is_equation_3():
    target, predicted = draw_maps()
    expected = np.square(predicted.astype(np.float64) - target).reshape(3, -1).sum(axis=1) / 35
    loss = losses.saliency_loss(target, predicted)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_joint_loss_is_equation_1():
    loss = losses.joint_loss(tf.constant([2.0, 4.0]), tf.constant([0.5, 0.25]), alpha=0.2)
    np.testing.assert_allclose(loss, [0.2 * 2 + 0.5, 0.2 * 4 + 0.25], rtol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_widened_before_it_is_squared(dtype):
    target, predicted = (tf.cast(maps, dtype) for maps in draw_maps())
    loss = losses.saliency_loss(target, predicted * 300)  # squares overflow float16
    assert loss.dtype == tf.float32
    wide = np.float64(tf.cast(predicted * 300, tf.float32)) - np.float64(
        tf.cast(target, tf.float32)
    )
    np.testing.assert_allclose(loss, np.square(wide).mean(axis=(1, 2, 3)), rtol=1e-5)
    logits = tf.cast([[0.1, 0.7, -2.0]], dtype)
    loss = losses.classification_loss(tf.constant([2]), logits)
    expected = cross_entropy([2], tf.cast(logits, tf.float32))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_works_in_a_graph_with_unknown_batch_size():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, 6]),
            tf.TensorSpec([None, None, None, 1]),
            tf.TensorSpec([None, 5, 7, 1]),
        ]
    )
    def graph(label, logits, target, predicted):
        return losses.joint_loss(
            losses.classification_loss(label, logits),
            losses.saliency_loss(target, predicted),
            alpha=0.2,
        )

    target, predicted = draw_maps()
    logits = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
    expected = 0.2 * cross_entropy([1, 2, 3], logits) + np.square(
        predicted.astype(np.float64) - target
    ).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(graph([1, 2, 3], logits, target, predicted), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("target", "predicted"),
    [((2, 4, 4, 1), (1, 4, 4, 1)), ((2, 4, 4), (2, 4, 4)), ((2, 4, 4, 1), (2, 4, 4))],
)
def test_saliency_loss_refuses_what_would_broadcast(target, predicted):
    with pytest.raises(ValueError, match=r"one shape \[b, h, w, 1\]; got target"):
        losses.saliency_loss(tf.zeros(target), tf.zeros(predicted))


@pytest.mark.parametrize(
    ("label", "logits", "message"),
    [
        (tf.zeros([2, 1], tf.int32), tf.zeros([2, 3]), r"labels must be \[b\]"),
        (tf.zeros([2], tf.int32), tf.zeros([3]), r"logits \[b, n\]; got"),
        (tf.zeros([2], tf.int32), tf.zeros([3, 4]), "same examples"),
        (tf.zeros([2]), tf.zeros([2, 4]), "integer type; got float32"),
    ],
)
def test_classification_loss_refuses_wrong_shapes_and_types(label, logits, message):
    with pytest.raises(ValueError, match=message):
        losses.classification_loss(label, logits)


@pytest.mark.parametrize("alpha", [-0.1, float("nan")])
def test_joint_loss_refuses_alpha_below_0(alpha):
    with pytest.raises(ValueError, match=f"alpha must be at least 0 .* got {alpha}"):
        losses.joint_loss(tf.zeros([2]), tf.zeros([2]), alpha)


def test_joint_loss_refuses_a_reduced_part():
    with pytest.raises(ValueError, match="one value per example"):
        losses.joint_loss(tf.zeros([]), tf.zeros([2]), 0.2)
