"""Where and in which arithmetic training computes."""

from salclass_tf.devices.compiled_programs import keep as keep_compiled_programs
from salclass_tf.devices.placement import Placement as Placement
from salclass_tf.devices.placement import choose as choose_placement
from salclass_tf.devices.precision import choose as choose_precision
from salclass_tf.devices.threads import choose as choose_threads

__all__ = [
    "Placement",
    "choose_placement",
    "choose_precision",
    "choose_threads",
    "keep_compiled_programs",
]
