"""Maps of whole images, brought to the central crop that networks are scored on."""

import tensorflow as tf

from salclass_tf.data.geometry import Geometry


def central_map(saliency: tf.Tensor, size: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Resizes a map as its image is resized, and cuts out the crop of `cropping.central_view`.

    Bilinear with antialiasing, as for the image, but not rounded: a map is no picture.

    Args:
        saliency: float32 [height, width, 1], in any size that shows the whole image.
        size: height and width of the image, int32 [2].
        geometry: crop and resize sizes.

    Returns:
        float32 [image_size, image_size, 1].
    """
    resized = geometry.resized(*tf.unstack(size))
    row, column = geometry.central_origin(*resized)
    side = geometry.image_size
    whole = tf.image.resize(saliency, resized, antialias=True)
    return tf.ensure_shape(whole[row : row + side, column : column + side], [side, side, 1])
