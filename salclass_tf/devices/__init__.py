"""Where and in which arithmetic training computes."""

from salclass_tf.devices.placement import Placement as Placement
from salclass_tf.devices.placement import choose as choose_placement
from salclass_tf.devices.precision import choose as choose_precision

__all__ = ["Placement", "choose_placement", "choose_precision"]
