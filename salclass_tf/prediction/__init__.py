"""Prediction: images on disk become maps, overlays and class names on disk."""

from salclass_tf.prediction.inputs import common_folder as common_folder
from salclass_tf.prediction.inputs import find_images as find_images
from salclass_tf.prediction.inputs import read_list as read_list
from salclass_tf.prediction.job import predict as predict
from salclass_tf.prediction.models import load_export as load_export
from salclass_tf.prediction.models import load_run as load_run
