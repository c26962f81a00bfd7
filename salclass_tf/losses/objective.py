"""The objective of the paper (Sec. 3.3): the class error, and Eq. 1 that adds the two errors."""

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
