"""Training views by tf.data, written the obvious way: to compare the input pipeline with.

Each view is decoded, resized and rendered for itself, as a map function does that is written for
one view.
"""

from collections.abc import Callable

import tensorflow as tf

from salclass_tf.data.geometry import Geometry

VIEWS = 10  # of each image

Render = Callable[..., tf.Tensor]  # of x, y, height, width and sigma, as `heatmaps.render`


def batches(
    source: tf.data.Dataset,
    geometry: Geometry,
    sigma_px: float,
    render: Render,
    batch_size: int,
) -> tf.data.Dataset:
    """Repeats, shuffles, maps, batches, prefetches.

    Args:
        source: examples with encoded images, see `salclass_tf.data.pipeline`.
        geometry: crop and resize sizes.
        sigma_px: sigma of the heat map, in pixels of the original image.
        render: makes a heat map.
        batch_size: views in a batch.

    Returns:
        Dicts of `image` uint8 [b, s, s, 3] and `saliency` float32 [b, s, s, 1] in [0, 1].
    """
    views = source.repeat(VIEWS).shuffle(256, seed=0)
    views = views.map(
        lambda example: view(example, geometry, sigma_px, render),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return views.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def view(example: dict, geometry: Geometry, sigma_px: float, render: Render) -> dict:
    """Makes one random view, from the encoded image to the crop.

    Args:
        example: with an encoded image and fixations.
        geometry: crop and resize sizes.
        sigma_px: sigma of the heat map, in pixels of the original image.
        render: makes a heat map.

    Returns:
        `image` uint8 [s, s, 3] and `saliency` float32 [s, s, 1].
    """
    image = tf.io.decode_image(example["image"], channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = geometry.short_side / tf.reduce_min(shape)
    size = tf.cast(tf.round(shape * scale), tf.int32)
    image = tf.image.resize(image, size, antialias=True)
    x, y = example["fixations"]["x"] * scale, example["fixations"]["y"] * scale
    saliency = render(x, y, size[0], size[1], sigma_px * scale)
    both = tf.concat([image, saliency[..., tf.newaxis]], axis=-1)
    both = tf.image.random_crop(both, [geometry.image_size, geometry.image_size, 4])
    both = tf.image.random_flip_left_right(both)
    return {"image": tf.cast(both[..., :3], tf.uint8), "saliency": both[..., 3:]}


def blur(x: tf.Tensor, y: tf.Tensor, height: int, width: int, sigma: tf.Tensor) -> tf.Tensor:
    """Blurs the counts of fixations by two convolutions with a window of 7 sigma.

    Args:
        x: columns in pixels, float32 [n].
        y: rows, likewise.
        height: rows of the map.
        width: columns of the map.
        sigma: standard deviation of the Gaussian, pixels.

    Returns:
        Heat map [h, w] with peak 1.
    """
    pixels = tf.minimum(tf.cast(tf.stack([y, x], axis=-1), tf.int32), [height - 1, width - 1])
    counts = tf.scatter_nd(pixels, tf.ones_like(x), [height, width])
    radius = tf.math.ceil(3.5 * sigma)
    kernel = tf.exp(-0.5 * tf.square(tf.range(-radius, radius + 1) / sigma))
    blurred = counts[tf.newaxis, ..., tf.newaxis]
    for shape in ([-1, 1, 1, 1], [1, -1, 1, 1]):
        blurred = tf.nn.conv2d(blurred, tf.reshape(kernel, shape), strides=1, padding="SAME")
    return blurred[0, ..., 0] / tf.reduce_max(blurred)
