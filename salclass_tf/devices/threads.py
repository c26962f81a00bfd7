"""How many threads of a CPU share an operation."""

import os

import tensorflow as tf

from salclass_tf.devices.placement import Placement

#: widths up to this one have operations that are too small to be shared
NARROW = 0.125

_VARIABLE = "TF_NUM_INTRAOP_THREADS"


def is_narrow(width: float, placement: Placement) -> bool:
    """Whether operations of networks of a width are too small for a CPU's threads to share.

    Args:
        width: what scales every channel count.
        placement: the devices.
    """
    alone = placement.workers == 1 and placement.strategy.num_replicas_in_sync == 1
    on_tpu = isinstance(placement.strategy, tf.distribute.TPUStrategy)
    return alone and not on_tpu and width <= NARROW and not tf.config.get_visible_devices("GPU")


def choose(width: float, placement: Placement) -> str | None:
    """Has narrow networks on a CPU compute an operation by one thread, several at a time.

    Inception's branches and the two gradients of a convolution run beside each other then, and no
    thread waits for another one within an operation (`docs/scaling.md` has what that saves). What
    comes out does not depend on the number of cores any more: the order of sums is that of one
    thread.

    To be called before TensorFlow computes anything; after that nothing is changed.
    `TF_NUM_INTRAOP_THREADS` is left as it is where the user has set it.

    Args:
        width: what scales every channel count.
        placement: the devices.

    Returns:
        What is said of it in the log; None for networks that are not narrow.
    """
    if not is_narrow(width, placement):
        return None
    if _VARIABLE in os.environ:
        return f"{os.environ[_VARIABLE]} an operation, as {_VARIABLE} says"
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        return "as TensorFlow was started"
    return f"one an operation: narrow networks, up to width {NARROW:g}, have none to share"
