"""Prints how many training views a second the input pipeline makes, beside plain tf.data ways.

python -m benchmarks.input_pipeline                                    (generated JPEG images)
python -m benchmarks.input_pipeline --dataset=osie --data_dir=<folder>   (a prepared set)

The plain ways decode, resize and render once for every view, as a map function does that is
written for one view: one renders with this package's matrix product, one blurs the fixation
counts with convolutions. All make 299-pixel crops, ten views of each image.
"""

import io
import resource
import time
from collections.abc import Callable

import numpy as np
import PIL.Image
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import app, flags

import tfds_builders  # noqa: F401  registers the names of the gaze sets
from salclass_tf import data, heatmaps

_DATASET = flags.DEFINE_string("dataset", None, "prepared TFDS gaze set, instead of noise")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "folder of prepared TFDS sets")
_SPLIT = flags.DEFINE_string("split", "train", "split of the data set")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "views in a batch")
_SECONDS = flags.DEFINE_float("seconds", 15.0, "how long each way is measured")

_GEOMETRY = data.Geometry()
_TARGET = 250  # views a second on two cores
_VIEWS = 10


def generated_source(images: int = 256) -> tf.data.Dataset:
    """JPEG images of 800 x 600 pixels and about 150 kB, 140 fixations each, as OSIE has them."""
    rng = np.random.default_rng(0)
    encoded = []
    for _ in range(32):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (75, 100, 3), np.uint8))
        buffer = io.BytesIO()
        coarse.resize((800, 600), PIL.Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        encoded.append(buffer.getvalue())
    fixations = rng.random((images, 140, 2), np.float32) * np.float32([800, 600])
    return tf.data.Dataset.from_tensor_slices(
        {
            "image": [encoded[number % 32] for number in range(images)],
            "image/id": [str(number) for number in range(images)],
            "fixations": {"x": fixations[..., 0], "y": fixations[..., 1]},
        }
    )


def open_source() -> tuple[tf.data.Dataset, float]:
    """Returns the source to measure and its sigma in pixels."""
    if _DATASET.value is None:
        return generated_source(), 24.0
    builder = tfds.builder(_DATASET.value, data_dir=_DATA_DIR.value)
    return data.open_split(builder, _SPLIT.value), builder.info.metadata["sigma_px"]


def blur(x: tf.Tensor, y: tf.Tensor, height: int, width: int, sigma: tf.Tensor) -> tf.Tensor:
    """Heat map [h, w] of counted fixations, by two convolutions with a window of 7 sigma."""
    pixels = tf.minimum(tf.cast(tf.stack([y, x], axis=-1), tf.int32), [height - 1, width - 1])
    counts = tf.scatter_nd(pixels, tf.ones_like(x), [height, width])
    radius = tf.math.ceil(3.5 * sigma)
    kernel = tf.exp(-0.5 * tf.square(tf.range(-radius, radius + 1) / sigma))
    blurred = counts[tf.newaxis, ..., tf.newaxis]
    for shape in ([-1, 1, 1, 1], [1, -1, 1, 1]):
        blurred = tf.nn.conv2d(blurred, tf.reshape(kernel, shape), strides=1, padding="SAME")
    return blurred[0, ..., 0] / tf.reduce_max(blurred)


def plain_view(example: dict, sigma_px: float, render: Callable[..., tf.Tensor]) -> dict:
    """One random view, from the encoded image to the crop."""
    image = tf.io.decode_image(example["image"], channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = _GEOMETRY.short_side / tf.reduce_min(shape)
    size = tf.cast(tf.round(shape * scale), tf.int32)
    image = tf.image.resize(image, size, antialias=True)
    x, y = example["fixations"]["x"] * scale, example["fixations"]["y"] * scale
    saliency = render(x, y, size[0], size[1], sigma_px * scale)
    both = tf.concat([image, saliency[..., tf.newaxis]], axis=-1)
    both = tf.image.random_crop(both, [_GEOMETRY.image_size, _GEOMETRY.image_size, 4])
    both = tf.image.random_flip_left_right(both)
    return {"image": tf.cast(both[..., :3], tf.uint8), "saliency": both[..., 3:]}


def plain_batches(
    source: tf.data.Dataset, sigma_px: float, render: Callable[..., tf.Tensor]
) -> tf.data.Dataset:
    """Ten views an image the obvious way: repeat, shuffle, map, batch, prefetch."""
    views = source.repeat(_VIEWS).shuffle(256, seed=0)
    views = views.map(
        lambda example: plain_view(example, sigma_px, render), num_parallel_calls=tf.data.AUTOTUNE
    )
    return views.batch(_BATCH_SIZE.value, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def our_batches(source: tf.data.Dataset, sigma_px: float) -> tf.data.Dataset:
    """Ten views an image through the package."""
    return data.training_batches(
        source,
        geometry=_GEOMETRY,
        sigma_px=sigma_px,
        batch_size=_BATCH_SIZE.value,
        seed=0,
        epoch=0,
    )


def peak_megabytes() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def views_per_second(batches: tf.data.Dataset) -> tuple[float, float, float]:
    """Returns the steady rate, the seconds to the first batch, and the peak memory after it."""
    start = time.perf_counter()
    iterator = iter(batches.repeat())
    next(iterator)
    first = time.perf_counter()
    views = 0
    while time.perf_counter() - first < _SECONDS.value:
        views += len(next(iterator)["image"])
    rate = views / (time.perf_counter() - first)
    return rate, first - start, peak_megabytes()


def main(_: list[str]) -> None:
    """Measures both ways and prints the table."""
    source, sigma_px = open_source()
    ways = {
        "salclass_tf.data": our_batches(source, sigma_px),
        "plain, matrix product": plain_batches(source, sigma_px, heatmaps.render),
        "plain, convolutions": plain_batches(source, sigma_px, blur),
    }
    before = peak_megabytes()
    rows = {name: views_per_second(batches) for name, batches in ways.items()}
    ours, _, after = rows["salclass_tf.data"]
    print(f"{_DATASET.value or 'generated 800 x 600 JPEG'}, {len(source)} images, {_VIEWS} views")
    print(f"{'':22}{'views/s':>8}{f'of {_TARGET}':>8}{'ours is':>9}{'first':>8}")
    for name, (rate, first, _) in rows.items():
        print(f"{name:22}{rate:8.1f}{rate / _TARGET:8.2f}{ours / rate:7.1f} x{first:6.1f} s")
    print(f"salclass_tf.data took {after - before:.0f} MB on top of {before:.0f} MB")


if __name__ == "__main__":
    app.run(main)
