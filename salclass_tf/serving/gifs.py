"""The frames that a GIF claims to hold, found without unpacking any.

The decoder unpacks every frame before it shows the first, and its canvas is as large as the largest
frame, so the header alone does not tell what decoding costs.
"""

import tensorflow as tf

#: steps through a file, two or three to a frame
_MOST_STEPS = 3_000
#: a still image costs about 15 bytes a pixel on its way to the network, a frame one
_FRAMES_TO_A_STILL = 8

_FRAME, _EXTENSION = 0x2C, 0x21


def claims(image: tf.Tensor) -> tf.Tensor:
    """Walks the records of a GIF: frames and extensions, each followed by blocks of data.

    Source: GIF89a specification.

    Args:
        image: encoded GIF, string [].

    Returns:
        Height and width of the canvas, and the pixels of a still image that costs as much; int64
        [3]. Sides of -1 for a file that no encoder writes, 0 for one without frames.
    """
    raw = tf.io.decode_raw(image, tf.uint8)
    length = tf.size(raw)
    raw = tf.concat([raw, tf.zeros([512], tf.uint8)], axis=0)  # reads beyond the end give 0
    start = 13 + _table(_byte(raw, 10))
    at, _, canvas, frames = tf.while_loop(
        lambda at, *_: at < length,
        lambda *state: _step(raw, length, *state),
        (start, tf.constant(False), tf.zeros([2], tf.int64), tf.zeros([], tf.int64)),
        maximum_iterations=_MOST_STEPS,
    )
    canvas = tf.where(at < length, tf.constant(-1, tf.int64), canvas)
    pixels = tf.maximum(tf.reduce_prod(canvas), frames // _FRAMES_TO_A_STILL)
    return tf.concat([canvas, [pixels]], axis=0)


def _step(
    raw: tf.Tensor,
    length: tf.Tensor,
    at: tf.Tensor,
    in_blocks: tf.Tensor,
    canvas: tf.Tensor,
    frames: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Reads the record at `at`, or more of the blocks of one: where it ends, and what it adds."""
    is_frame = ~in_blocks & (_byte(raw, at) == _FRAME)
    is_extension = ~in_blocks & (_byte(raw, at) == _EXTENSION)
    # The decoder reads on where an extension begins with an empty block; nobody writes that.
    broken = is_extension & (_byte(raw, at + 2) == 0)
    sides = tf.stack([_short(raw, at + 7), _short(raw, at + 5)])
    sides = tf.where(is_frame, sides, 0)
    canvas = tf.where(broken, tf.constant(-1, tf.int64), tf.maximum(canvas, sides))
    before = tf.where(is_frame, 11 + _table(_byte(raw, at + 9)), tf.where(in_blocks, 0, 2))
    after, more = _skip_blocks(raw, length, tf.minimum(at + before, length))
    goes_on = (in_blocks | is_frame | is_extension) & ~broken
    return tf.where(goes_on, after, length), more, canvas, frames + tf.reduce_prod(sides)


def _skip_blocks(raw: tf.Tensor, length: tf.Tensor, at: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Goes beyond all full blocks and the one after them; tells whether more follow."""
    full = tf.argmax(raw[at::256] != 255, output_type=tf.int32)
    last = _byte(raw, at + 256 * full)
    after = at + 256 * full + 1 + last
    ends_next = (last > 0) & (_byte(raw, tf.minimum(after, length)) == 0)
    return after + tf.cast(ends_next, tf.int32), (last > 0) & ~ends_next


def _byte(raw: tf.Tensor, at: tf.Tensor | int) -> tf.Tensor:
    """One byte as a number, int32."""
    return tf.cast(raw[at], tf.int32)


def _short(raw: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """The number of two bytes, the lower one first, int64."""
    return tf.cast(_byte(raw, at) + 256 * _byte(raw, at + 1), tf.int64)


def _table(flags: tf.Tensor) -> tf.Tensor:
    """Bytes of the colour table that flags announce, int32."""
    return tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)
