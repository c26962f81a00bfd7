"""Files of trained weights: found, downloaded, checked, and loaded into a network."""

from salclass_tf.weights.loading import PUBLIC_FILES as PUBLIC_FILES
from salclass_tf.weights.loading import LoadReport as LoadReport
from salclass_tf.weights.loading import PublicFile as PublicFile
from salclass_tf.weights.loading import download as download
from salclass_tf.weights.loading import find as find
from salclass_tf.weights.loading import layer_names as layer_names
from salclass_tf.weights.loading import load as load
