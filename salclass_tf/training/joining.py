"""What happens to the two parts when they are joined, before they are trained together."""

import tensorflow as tf

from salclass_tf.classifiers import rgbs
from salclass_tf.model import SalClassNet

_BATCHES = 20


def fit_normalization(model: SalClassNet, batches: tf.data.Dataset) -> None:
    """Gives the classifier's normalisation of the map the statistics of the maps that it will read.

    Those that it has are of people's maps. The detector's are lower, and so would come out of it
    lower than what the first kernel has learned.

    Args:
        model: the parts, joined and not yet trained together.
        batches: of the training images; the first 20 are looked at.

    Raises:
        ValueError: if the classifier has no normalisation of the map.
    """
    layer = rgbs.map_normalization(model.classifier)
    if layer is None:
        raise ValueError(
            f"{model.classifier.name} has no layer saliency_normalization that could be fitted to "
            "predicted maps; leave out --fit_map_normalization"
        )

    @tf.function(autograph=False)
    def moments(image: tf.Tensor) -> tf.Tensor:
        maps = model.map_scale(model.detector(image, training=False))
        return tf.stack([tf.reduce_mean(maps), tf.reduce_mean(tf.square(maps))])

    found = tf.stack([moments(batch["image"]) for batch in batches.take(_BATCHES)])
    mean, square = tf.unstack(tf.reduce_mean(tf.cast(found, tf.float64), axis=0))
    layer.moving_mean.assign([tf.cast(mean, tf.float32)])
    layer.moving_variance.assign([tf.cast(square - mean**2, tf.float32)])
