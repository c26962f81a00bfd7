"""What the header of an encoded image claims, read before anything is decoded.

A few bytes can claim 20000 x 20000 pixels, and a decoder allocates what they claim. All of this
runs inside the served graph.
"""

import tensorflow as tf

from salclass_tf.data.geometry import resized_size
from salclass_tf.serving import gifs

#: passes over a progressive JPEG; encoders make about ten, each costs a look at every pixel
_MOST_SCANS = 100

_KINDS = "a JPEG, PNG, GIF or BMP image"


def checked(image: tf.Tensor, short_side: int, max_pixels: int) -> tf.Tensor:
    """Passes an encoded image on if decoding and resizing it stay within bounds.

    Args:
        image: encoded JPEG, PNG, GIF or BMP, string [].
        short_side: to which the image will be resized, in pixels; a long thin one grows.
        max_pixels: the most that it may have, before and after resizing.

    Returns:
        `image`. Running it fails with InvalidArgumentError for what is too large or no such image.
    """
    height, width, pixels = tf.unstack(_claims(image))
    resized = resized_pixels(height, width, short_side)
    known = tf.debugging.Assert(tf.minimum(height, width) > 0, [f"image_bytes must be {_KINDS}"])
    with tf.control_dependencies([known]):
        fits = tf.reduce_max([height, width, pixels, resized]) <= max_pixels
        bounded = tf.debugging.Assert(
            fits,
            [f"an image may have {max_pixels} pixels, before and after resizing; got h, w:"]
            + [height, width],
        )
    with tf.control_dependencies([bounded]):
        # Through the data too: a server that strips assertions still decodes nothing large.
        return tf.where(fits, image, "")


def size(image: tf.Tensor) -> tf.Tensor:
    """Height and width in pixels of an encoded image that has been checked, int32 [2]."""
    return tf.cast(_claims(image)[:2], tf.int32)


def resized_pixels(height: tf.Tensor, width: tf.Tensor, short_side: int) -> tf.Tensor:
    """Number of pixels once the short side has `short_side` of them, int64 []."""
    # What claims to have no pixels is refused elsewhere; here it must not divide by 0.
    resized = resized_size(tf.maximum(height, 1), tf.maximum(width, 1), short_side)
    return resized[0] * resized[1]


def _claims(image: tf.Tensor) -> tf.Tensor:
    """Height, width, and pixels that decoding costs; -1 for what is no image; int64 [3]."""
    head = tf.cast(tf.io.decode_raw(image, tf.uint8, fixed_length=32), tf.int64)

    def begins(magic: bytes, at: int = 0) -> tf.Tensor:
        return tf.reduce_all(head[at : at + len(magic)] == list(magic))

    def still(width: tf.Tensor, height: tf.Tensor) -> tf.Tensor:
        return tf.stack([height, width, height * width])

    def bmp() -> tf.Tensor:
        width, height = (_signed(_little(head, at, 4)) for at in (18, 22))
        return still(width, tf.abs(height))  # negative where the rows go down

    return tf.case(
        [
            (begins(b"\xff\xd8\xff"), lambda: _jpeg(image)),
            (
                begins(b"\x89PNG") & begins(b"IHDR", at=12),
                lambda: still(_big(head, 16), _big(head, 20)),
            ),
            (begins(b"GIF8"), lambda: gifs.claims(image)),
            (begins(b"BM"), bmp),
        ],
        default=lambda: tf.constant([-1, -1, -1], tf.int64),
    )


def _jpeg(image: tf.Tensor) -> tf.Tensor:
    """Claims of a JPEG, after counting its scans."""
    # Within coded data FF is followed by 00, so that FF DA begins a scan wherever it stands.
    raw = tf.io.decode_raw(image, tf.uint8)
    scans = tf.math.count_nonzero((raw[:-1] == 0xFF) & (raw[1:] == 0xDA))
    few = tf.debugging.Assert(
        scans <= _MOST_SCANS, [f"a JPEG may have {_MOST_SCANS} scans; got", scans]
    )
    with tf.control_dependencies([few]):
        shape = tf.cast(tf.io.extract_jpeg_shape(image), tf.int64)
    return tf.stack([shape[0], shape[1], shape[0] * shape[1]])


def _little(head: tf.Tensor, at: int, count: int) -> tf.Tensor:
    """The unsigned number of `count` bytes, lowest first."""
    return tf.reduce_sum(head[at : at + count] * [256**place for place in range(count)])


def _big(head: tf.Tensor, at: int) -> tf.Tensor:
    """The unsigned number of four bytes, highest first."""
    return tf.reduce_sum(head[at : at + 4] * [256**place for place in (3, 2, 1, 0)])


def _signed(number: tf.Tensor) -> tf.Tensor:
    """A number of 32 bits, read as two's complement."""
    return tf.where(number >= 2**31, number - 2**32, number)
