"""How many threads of a CPU share an operation."""

import os

import tensorflow as tf

from salclass_tf.config import Config
from salclass_tf.devices.placement import Placement

#: widths up to this one have operations that are too small to be shared
NARROW = 0.125

#: what a user sets to decide it, read by TensorFlow
VARIABLE = "TF_NUM_INTRAOP_THREADS"


def choose(config: Config, placement: Placement) -> str | None:
    """Has narrow networks on a CPU compute an operation by one thread, several at a time.

    Inception's branches and the two gradients of a convolution run beside each other then, and no
    thread waits for another one within an operation (`docs/scaling.md` has what that saves). What
    comes out does not depend on the number of cores any more: the order of sums is that of one
    thread.

    To be called before TensorFlow computes anything; after that nothing is changed, and what it was
    set to stays for the whole process. `TF_NUM_INTRAOP_THREADS` is left as it is where the user has
    set it. Steps that XLA compiles as a whole share their loops between all threads, whatever their
    width.

    Args:
        config: the run.
        placement: the devices.

    Returns:
        What is said of it in the log; None where TensorFlow's own choice is left.
    """
    if VARIABLE in os.environ:
        return f"{os.environ[VARIABLE]} an operation, as {VARIABLE} says"
    if not _is_narrow(config, placement):
        if tf.config.threading.get_intra_op_parallelism_threads() == 1:
            return "one an operation, as this process began; in one of its own it would be faster"
        return None
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        return "as TensorFlow was started"
    return f"one an operation: narrow networks, up to width {NARROW:g}, have none to share"


def has_one_an_operation(config: Config, placement: Placement) -> bool:
    """Whether `choose` has, or would have, one thread compute an operation of a run."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE] == "1"
    return _is_narrow(config, placement)


def _is_narrow(config: Config, placement: Placement) -> bool:
    """Whether operations are too small for a CPU's threads to share."""
    alone = placement.workers == 1 and placement.strategy.num_replicas_in_sync == 1
    on_tpu = isinstance(placement.strategy, tf.distribute.TPUStrategy)
    left = config.width <= NARROW and config.compile != "xla"
    return alone and not on_tpu and left and not tf.config.get_visible_devices("GPU")
