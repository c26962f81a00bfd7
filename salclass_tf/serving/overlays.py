"""A map of the central crop, brought back onto the picture that it was cut from."""

import tensorflow as tf

from salclass_tf.data.geometry import Geometry


def encode(saliency: tf.Tensor, size: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Draws a map in the geometry of the original image.

    The map keeps its zero and is scaled to a peak of 255, as the true maps of training have a peak
    of 1; what is below 0, or outside the crop, is 0.

    Args:
        saliency: map of the central crop, float32 [s, s, 1].
        size: height and width of the original image, int32 [2].
        geometry: what the crop was made with.

    Returns:
        8-bit greyscale PNG of `size`, string [].
    """
    positive = tf.nn.relu(place(saliency, size, geometry))
    grey = tf.math.divide_no_nan(255 * positive, tf.reduce_max(positive))
    return tf.io.encode_png(tf.cast(tf.round(grey), tf.uint8))


def place(saliency: tf.Tensor, size: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Resizes a map of the central crop to where the crop lies in the original image.

    Args:
        saliency: map of the central crop, float32 [s, s, 1].
        size: height and width of the original image, int32 [2].
        geometry: what the crop was made with.

    Returns:
        The map in the size of the original, 0 outside the crop, float32 [h, w, 1].
    """
    origin, scale = crop_in_original(size, geometry)
    return tf.raw_ops.ScaleAndTranslate(
        images=saliency[tf.newaxis],
        size=size,
        scale=scale,
        translation=origin,
        kernel_type="triangle",
        antialias=True,
    )[0]


def crop_in_original(size: tf.Tensor, geometry: Geometry) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the central crop lies in the original image.

    Args:
        size: height and width of the original image, int32 [2].
        geometry: crop and resize sizes.

    Returns:
        Upper left corner of the crop, and side of one of its pixels, both in pixels of the
        original, (row, column), float32 [2].
    """
    origin, scale = geometry.central_crop_in_original(*tf.unstack(size))
    return tf.cast(tf.stack(origin), tf.float32), tf.cast(tf.stack(scale), tf.float32)
