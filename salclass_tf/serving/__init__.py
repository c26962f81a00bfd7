"""Serving: a finished stage becomes a SavedModel that answers requests with encoded images."""

from salclass_tf.serving.exports import Settings as Settings
from salclass_tf.serving.exports import export as export
