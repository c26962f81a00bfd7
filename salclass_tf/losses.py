"""The two losses of SalClassNet and their sum (paper, Sec. 3.3, Eq. 1-3).

Each returns one value per example in float32, so that the caller chooses how to average over
a batch (under a distribution strategy: over the global batch).
"""

import tensorflow as tf


def classification_loss(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the softmax output, L_C = -log y_t (paper, Eq. 2).

    Args:
        label: correct classes t, integers in [0, n), [b].
        logits: class scores before the softmax, float [b, n]; half precision is widened.

    Returns:
        One loss per example, float32 [b].

    Raises:
        ValueError: if the labels are not integers, or the shapes are not [b] and [b, n].
    """
    label, logits = tf.convert_to_tensor(label), tf.convert_to_tensor(logits)
    if not label.dtype.is_integer:
        raise ValueError(f"labels must be class numbers of an integer type; got {label.dtype.name}")
    if label.shape.rank != 1 or logits.shape.rank != 2:
        raise ValueError(
            f"labels must be [b] and logits [b, n]; got labels {label.shape}, logits {logits.shape}"
        )
    if not label.shape.is_compatible_with(logits.shape[:1]):
        raise ValueError(
            f"labels and logits must hold the same examples; got labels {label.shape}, "
            f"logits {logits.shape}"
        )
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(label, tf.int64), tf.cast(logits, tf.float32)
    )


def saliency_loss(target: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean squared error, L_S = 1/(h w) sum_ij (Y_ij - T_ij)^2 (paper, Eq. 3).

    Args:
        target: ground-truth maps T in [0, 1], float [b, h, w, 1]; half precision is widened.
        predicted: predicted maps Y, same shape; unbounded, the head is linear.

    Returns:
        One loss per example, float32 [b].

    Raises:
        ValueError: if the shapes differ or lack an axis; broadcasting would hide it.
    """
    target, predicted = tf.convert_to_tensor(target), tf.convert_to_tensor(predicted)
    if (
        target.shape.rank != 4
        or predicted.shape.rank != 4
        or not target.shape.is_compatible_with(predicted.shape)
    ):
        raise ValueError(
            "maps must share one shape [b, h, w, 1]; "
            f"got target {target.shape}, predicted {predicted.shape}"
        )
    error = tf.cast(predicted, tf.float32) - tf.cast(target, tf.float32)
    return tf.reduce_mean(tf.square(error), axis=(1, 2, 3))


def joint_loss(classification: tf.Tensor, saliency: tf.Tensor, alpha: float) -> tf.Tensor:
    """The multi-loss objective, L = alpha L_C + L_S (paper, Eq. 1).

    Args:
        classification: L_C of each example, float32 [b].
        saliency: L_S of each example, float32 [b].
        alpha: weight of the classification loss, at least 0 (paper: 0.2).

    Returns:
        One loss per example, float32 [b].

    Raises:
        ValueError: if `alpha` is below 0 or NaN, or the two losses differ in shape.
    """
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0 (the paper uses 0.2); got {alpha}")
    classification, saliency = tf.convert_to_tensor(classification), tf.convert_to_tensor(saliency)
    if not classification.shape.is_compatible_with(saliency.shape):
        raise ValueError(
            "both losses must hold one value per example; "
            f"got classification {classification.shape}, saliency {saliency.shape}"
        )
    return alpha * classification + saliency
