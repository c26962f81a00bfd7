"""Scores of a split against NumPy on the whole split at once."""

import keras
import numpy as np
import tensorflow as tf

from salclass_tf import metrics
from salclass_tf.training import final_scores

SIZE = 12


def split(images=7):
    rng = np.random.default_rng(0)
    counts = np.zeros((images, SIZE, SIZE, 1), np.float32)
    for index in range(images - 1):  # nobody looked at the last one
        counts[index, rng.integers(0, SIZE, 4), rng.integers(0, SIZE, 4)] = 1
    return {
        "image": rng.integers(0, 256, (images, SIZE, SIZE, 3)).astype(np.uint8),
        "saliency": rng.random((images, SIZE, SIZE, 1)).astype(np.float32)
        * (counts.sum((1, 2, 3), keepdims=True) > 0),
        "fixation_counts": counts,
        "label": np.array([0, 0, 0, 0, 1, 1, 2], np.int32),
    }


def batches(arrays, size=3):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size)


class RedIsSalient(keras.layers.Layer):
    def call(self, image):
        return tf.cast(image[..., :1], tf.float32) / 255


def test_map_scores_are_means_over_the_images_with_gaze():
    data = split()
    image = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    result = final_scores.score(
        final_scores.Forward(keras.Model(image, RedIsSalient()(image))), batches(data)
    )
    maps = data["image"][..., 0] / 255
    truth = data["saliency"][..., 0]
    points = [np.argwhere(c[..., 0])[:, ::-1] for c in data["fixation_counts"]]
    seen = range(6)
    np.testing.assert_allclose(
        result.cc, np.mean([metrics.cc(maps[i], truth[i]) for i in seen]), rtol=1e-4
    )
    np.testing.assert_allclose(
        result.nss, np.mean([metrics.nss(maps[i], points[i]) for i in seen]), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(result.mse, np.mean((maps - truth) ** 2), rtol=1e-4)
    assert result.accuracy is None and result.images == 7


def test_mean_class_accuracy_weighs_classes_and_not_images():
    data = split()
    image = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    always_zero = keras.layers.Lambda(
        lambda x: tf.repeat([[1.0, 0.0, 0.0]], tf.shape(x)[0], axis=0), output_shape=(3,)
    )
    result = final_scores.score(
        final_scores.Forward(keras.Model(image, always_zero(image))), batches(data)
    )
    assert result.accuracy == np.float64(4 / 7)
    assert result.mean_class_accuracy == np.float64(1 / 3)
    assert result.cc is None


def test_mean_map_is_the_mean_over_all_images():
    data = split()
    np.testing.assert_allclose(
        final_scores.mean_map(batches(data)), data["saliency"].mean(axis=0), rtol=1e-5
    )


def test_constant_map_scores_as_itself_on_every_image():
    data = split()
    guess = data["saliency"].mean(axis=0)
    result = final_scores.score_map(guess, batches(data))
    expected = [metrics.cc(guess[..., 0], t[..., 0]) for t in data["saliency"][:6]]
    np.testing.assert_allclose(result.cc, np.mean(expected), rtol=1e-4)


def test_forward_is_traced_once_for_all_batch_sizes_and_follows_the_weights():
    traced = []

    class Counted(keras.layers.Dense):
        def call(self, inputs):
            traced.append(inputs.shape)
            return super().call(inputs)

    image = keras.Input((SIZE, SIZE, 3))
    flat = keras.layers.GlobalAveragePooling2D()(image)
    network = keras.Model(image, Counted(2, bias_initializer="ones")(flat))
    traced.clear()
    forward = final_scores.Forward(network)
    for batch in batches(split()):  # of three, three and one
        np.testing.assert_allclose(
            forward(batch)["logits"], network(tf.cast(batch["image"], tf.float32)), rtol=1e-5
        )
    network.set_weights([np.zeros((3, 2)), np.array([5.0, 7.0])])
    np.testing.assert_array_equal(forward(batch)["logits"], [[5, 7]])
    assert traced.count((None, 3)) == 1
