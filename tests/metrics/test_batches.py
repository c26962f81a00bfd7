import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from salclass_tf import metrics


def batch(seed=0):
    maps = np.random.default_rng(seed).random((2, 3, 7, 5, 1), dtype=np.float32)
    fixations = np.random.default_rng(seed).integers(0, 3, (3, 7, 5, 1)).astype(np.float32)
    return maps[0], maps[1], fixations


def test_correlation_matches_scipy():
    target, predicted, _ = batch()
    expected = [
        scipy.stats.pearsonr(t.ravel(), p.ravel())[0]
        for t, p in zip(target, predicted, strict=True)
    ]
    np.testing.assert_allclose(metrics.correlation(target, predicted), expected, atol=1e-6)


def test_normalized_scanpath_matches_nss():
    _, predicted, fixations = batch()
    expected = []
    for values, counted in zip(predicted[..., 0], fixations[..., 0].astype(int), strict=True):
        rows, columns = np.nonzero(counted)
        xy = np.repeat(np.stack([columns, rows], axis=1), counted[rows, columns], axis=0)
        expected.append(metrics.nss(values, xy))
    scores = metrics.normalized_scanpath(predicted, fixations)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


def test_batch_metrics_ignore_scale_and_offset_even_of_faint_maps():
    target, predicted, fixations = batch()
    np.testing.assert_allclose(
        metrics.correlation(target * 1e-30, predicted * 40 - 7),
        metrics.correlation(target, predicted),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        metrics.normalized_scanpath(predicted * 1e-30, fixations),
        metrics.normalized_scanpath(predicted, fixations),
        atol=1e-5,
    )


def test_batch_metrics_give_0_and_a_mask_where_undefined():
    target, predicted, fixations = batch()
    target[1], fixations[1], predicted[2] = 0, 0, 0.1
    correlation = metrics.correlation(target, predicted).numpy()
    scanpath = metrics.normalized_scanpath(predicted, fixations).numpy()
    assert correlation[0] != 0 and scanpath[0] != 0
    np.testing.assert_array_equal(correlation[1:], [0, 0])
    np.testing.assert_array_equal(scanpath[1:], [0, 0])
    np.testing.assert_array_equal(metrics.has_gaze(fixations), [True, False, True])
    np.testing.assert_array_equal(metrics.has_gaze(target), [True, False, True])


def test_batch_metrics_widen_half_precision():
    target, predicted, _ = (tf.cast(values, tf.bfloat16) for values in batch())
    wide = metrics.correlation(tf.cast(target, tf.float32), tf.cast(predicted, tf.float32))
    narrow = metrics.correlation(target, predicted)
    assert narrow.dtype == tf.float32
    np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("score", [metrics.correlation, metrics.normalized_scanpath])
def test_batch_metrics_refuse_what_would_broadcast(score):
    with pytest.raises(ValueError, match=r"one shape \[b, h, w, 1\]"):
        score(tf.zeros([2, 4, 4, 1]), tf.zeros([1, 4, 4, 1]))
    with pytest.raises(ValueError, match=r"one shape \[b, h, w, 1\]"):
        score(tf.zeros([4, 4, 1]), tf.zeros([4, 4, 1]))


def test_keras_metrics_are_running_means_over_images_with_gaze():
    target, predicted, fixations = batch()
    target[1], fixations[1] = 0, 0
    correlations = metrics.correlation(target, predicted).numpy()
    scanpaths = metrics.normalized_scanpath(predicted, fixations).numpy()
    for metric, truth, each in (
        (metrics.TrainingCorrelation(), target, correlations),
        (metrics.TrainingScanpath(), fixations, scanpaths),
    ):
        metric.update_state(truth[:2], predicted[:2])
        metric.update_state(truth[2:], predicted[2:])
        np.testing.assert_allclose(metric.result(), (each[0] + each[2]) / 2, atol=1e-6)
        metric.reset_state()
        metric.update_state(truth, predicted, sample_weight=[[1.0], [1.0], [3.0]])
        np.testing.assert_allclose(metric.result(), (each[0] + 3 * each[2]) / 4, atol=1e-6)


def test_keras_metrics_are_compiled_and_saved_like_any_other():
    target, predicted, _ = batch()
    model = keras.Sequential([keras.Input((7, 5, 1)), keras.layers.Activation("linear")])
    model.compile(loss="mse", metrics=[metrics.TrainingCorrelation()])
    found = model.evaluate(predicted, target, batch_size=2, verbose=0, return_dict=True)
    expected = np.mean(metrics.correlation(target, predicted))
    np.testing.assert_allclose(found["training_cc"], expected, rtol=1e-5)
    config = keras.saving.serialize_keras_object(metrics.TrainingScanpath(name="nss_of_crops"))
    assert keras.saving.deserialize_keras_object(config).name == "nss_of_crops"
