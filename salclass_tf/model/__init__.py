"""SalClassNet: a detector and a classifier in one model, and the step that trains them."""

from salclass_tf.model.gaze_model import Batch as Batch
from salclass_tf.model.gaze_model import GazeModel as GazeModel
from salclass_tf.model.networks import ClassifierModel as ClassifierModel
from salclass_tf.model.networks import DetectorModel as DetectorModel
from salclass_tf.model.networks import SalClassNet as SalClassNet
