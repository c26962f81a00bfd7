"""The signatures of a served network: what a request holds and what its answer holds."""

from collections.abc import Callable

import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry
from salclass_tf.serving import headers, overlays

Answers = dict[str, tf.Tensor]

#: images of a batch that are decoded at the same time
_DECODED_AT_ONCE = 4

# Images of a part of a batch at most, and parts that are computed at the same time.
_OF_A_PART = 4
_PARTS_AT_ONCE = 16

#: the most images of a request where nothing else is asked for; docs/serving.md has what they cost
MAX_BATCH = 32


def build(
    forward: Callable[[tf.Tensor], Answers],
    *,
    geometry: Geometry,
    class_names: tuple[str, ...] = (),
    top_k: int = 5,
    max_pixels: int = 25_000_000,
    max_batch: int = MAX_BATCH,
    narrow: bool = False,
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """Builds the signatures around the inference of a network.

    `serving_default` takes `image_bytes`, encoded images as string [b], of any sizes;
    `serving_image` takes `image`, RGB uint8 [b, h, w, 3]. Both prepare images with
    `cropping.central_view`, as evaluation does, and answer with `probabilities` float32
    [b, classes], `top_classes` string [b, k], `top_probabilities` float32 [b, k], largest first,
    and `saliency` float32 [b, s, s, 1] on the central crop, as far as the network gives them.
    `saliency_overlay`, of networks with maps, takes `image_bytes` and answers with `overlay_bytes`,
    string [b]: 8-bit PNGs in the images' own sizes.

    Args:
        forward: uint8 [b, s, s, 3] -> `probabilities`, `saliency` or both.
        geometry: crop and resize sizes.
        class_names: in the order of the probabilities; unused without them.
        top_k: how many classes to name, at most; all of them where there are fewer.
        max_pixels: the most that an image may have, before and after resizing.
        max_batch: the most images that a request may have; one with more is refused before
            anything is decoded.
        narrow: whether operations of the network are too small to be shared between threads, so
            that parts of a batch had better be computed beside each other, see `in_parts`.

    Returns:
        Signature name -> function, for `tf.saved_model.save`.

    Raises:
        ValueError: if `top_k`, `max_pixels` or `max_batch` is below 1.
    """
    limits = {"top_k": top_k, "max_pixels": max_pixels, "max_batch": max_batch}
    for name, limit in limits.items():
        if limit < 1:
            raise ValueError(f"{name} must be at least 1; got {limit}")

    infer = _also_of_none(in_parts(forward) if narrow else forward)

    def prepare_bytes(image: tf.Tensor) -> tf.Tensor:
        checked = headers.checked(image, geometry.short_side, max_pixels)
        return cropping.central_view(checked, geometry)

    def prepare_pixels(images: tf.Tensor) -> tf.Tensor:
        images = _bounded(images, geometry.short_side, max_pixels)
        return _each(lambda image: cropping.central_view(image, geometry), images, crop)

    def from_bytes(image_bytes: tf.Tensor) -> Answers:
        views = _each(prepare_bytes, _few(image_bytes, max_batch), crop)
        return _with_classes(infer(views), class_names, top_k)

    def from_pixels(image: tf.Tensor) -> Answers:
        views = prepare_pixels(_few(image, max_batch))
        return _with_classes(infer(views), class_names, top_k)

    def overlay(image_bytes: tf.Tensor) -> Answers:
        image_bytes = _few(image_bytes, max_batch)
        views = _each(prepare_bytes, image_bytes, crop)
        png = _each(
            lambda one: overlays.encode(one[0], headers.size(one[1]), geometry),
            (infer(views)["saliency"], image_bytes),
            tf.TensorSpec([], tf.string),
        )
        return {"overlay_bytes": png}

    crop = tf.TensorSpec([geometry.image_size, geometry.image_size, 3], tf.uint8)
    encoded = tf.TensorSpec([None], tf.string, name="image_bytes")
    pixels = tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")
    signatures = {"serving_default": (from_bytes, encoded), "serving_image": (from_pixels, pixels)}
    if "saliency" in forward.structured_outputs:
        signatures["saliency_overlay"] = (overlay, encoded)
    return {
        name: tf.function(function, autograph=False).get_concrete_function(spec)
        for name, (function, spec) in signatures.items()
    }


def _few(images: tf.Tensor, max_batch: int) -> tf.Tensor:
    """Passes the images of a request on if they are not too many."""
    count = tf.shape(images)[0]
    fits = count <= max_batch
    few = tf.debugging.Assert(fits, [f"a request may have {max_batch} images; got", count])
    with tf.control_dependencies([few]):
        # Through the data too: a server that strips assertions still works on none of them.
        return images[: tf.where(fits, count, 0)]


def _each(function: Callable, elements: tf.Tensor | tuple, result: tf.TensorSpec) -> tf.Tensor:
    """Applies a function to the images of a batch, a few at a time."""
    return tf.map_fn(
        function, elements, fn_output_signature=result, parallel_iterations=_DECODED_AT_ONCE
    )


def _also_of_none(forward: Callable[[tf.Tensor], Answers]) -> Callable[[tf.Tensor], Answers]:
    """The same inference, with an empty answer to an empty batch.

    oneDNN's convolutions give an empty batch as many channels as it came with, whatever their
    kernels say, and the next convolution refuses those: so the network gets one black image.
    """

    def infer(views: tf.Tensor) -> Answers:
        count = tf.shape(views)[0]
        added = tf.cast(tf.equal(count, 0), tf.int32)
        filled = tf.ensure_shape(tf.pad(views, [[0, added], [0, 0], [0, 0], [0, 0]]), views.shape)
        return {name: value[:count] for name, value in forward(filled).items()}

    return infer


def in_parts(forward: Callable[[tf.Tensor], Answers]) -> Callable[[tf.Tensor], Answers]:
    """Returns the same inference of at least one image, of parts of a batch beside each other.

    A core that computes a part by itself waits for no other one: where TensorFlow computes an
    operation by one thread, as narrow networks should be served, a batch keeps several cores busy,
    two from two images on, one more for every four images from eight on.

    Args:
        forward: see `build`; it has `structured_outputs`.
    """
    shapes = {name: value.shape for name, value in forward.structured_outputs.items()}

    def infer(images: tf.Tensor) -> Answers:
        count = tf.shape(images)[0]
        size = tf.clip_by_value((count + 1) // 2, 1, _OF_A_PART)
        parts = (count + size - 1) // size
        answers = {
            name: tf.TensorArray(tf.float32, parts, infer_shape=False, element_shape=shape)
            for name, shape in shapes.items()
        }

        def one(index: tf.Tensor, answers: dict) -> tuple[tf.Tensor, dict]:
            given = forward(images[index * size : (index + 1) * size])
            return index + 1, {name: answers[name].write(index, given[name]) for name in answers}

        _, answers = tf.while_loop(
            lambda index, _: index < parts, one, (0, answers), parallel_iterations=_PARTS_AT_ONCE
        )
        return {
            name: tf.ensure_shape(array.concat(), shapes[name]) for name, array in answers.items()
        }

    return infer


def _bounded(images: tf.Tensor, short_side: int, max_pixels: int) -> tf.Tensor:
    """Passes images on if they and what they are resized to stay within bounds."""
    height, width = tf.unstack(tf.shape(images, tf.int64)[1:3])
    resized = headers.resized_pixels(height, width, short_side)
    fits = (tf.maximum(height * width, resized) <= max_pixels) & (tf.minimum(height, width) > 0)
    bounded = tf.debugging.Assert(
        fits,
        [f"image must have 1 to {max_pixels} pixels, before and after resizing; got h, w:"]
        + [height, width],
    )
    with tf.control_dependencies([bounded]):
        return tf.identity(images)


def _with_classes(answers: Answers, class_names: tuple[str, ...], top_k: int) -> Answers:
    """Adds the names and the probabilities of the likeliest classes."""
    if "probabilities" not in answers:
        return answers
    top = tf.math.top_k(answers["probabilities"], min(top_k, len(class_names)))
    names = tf.gather(tf.constant(class_names), top.indices)
    return answers | {"top_classes": names, "top_probabilities": top.values}
