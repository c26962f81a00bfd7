"""Training: the stages of the paper, each from the ones before it, in one loop."""

from salclass_tf.training.execution import Execution as Execution
from salclass_tf.training.families import train_seeds as train_seeds
from salclass_tf.training.stages import run as run
from salclass_tf.training.sweeps import sweep_alpha as sweep_alpha
