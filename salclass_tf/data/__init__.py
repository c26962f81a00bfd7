"""Images, maps and fixations of prepared data sets as batches of tensors."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salclass_tf.data.catalogue import load_sets as load_sets
    from salclass_tf.data.geometry import Geometry as Geometry
    from salclass_tf.data.supply import batches as batches

# Imported on use: whoever needs the sizes alone does without TensorFlow.
_HOMES = {"Geometry": "geometry", "batches": "supply", "load_sets": "catalogue"}

__all__ = ["Geometry", "batches", "load_sets"]  # noqa: F822


def __getattr__(name: str):
    """Imports what is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
