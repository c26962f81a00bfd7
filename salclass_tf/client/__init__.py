"""A client of TensorFlow Serving: images in, classes, maps and overlays out.

Needs requirements-serving.txt for gRPC, `requests` for REST.
"""

from salclass_tf.client.answers import Answer as Answer
from salclass_tf.client.client import Client as Client
from salclass_tf.client.errors import RequestRefused as RequestRefused
