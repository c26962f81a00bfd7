"""What a run is: its networks, its stages, and the presets they come from."""

from salclass_tf.config.config import PRECISIONS as PRECISIONS
from salclass_tf.config.config import PRESETS as PRESETS
from salclass_tf.config.config import STAGES as STAGES
from salclass_tf.config.config import STRATEGIES as STRATEGIES
from salclass_tf.config.config import Config as Config
from salclass_tf.config.config import build_config as build_config
from salclass_tf.config.config import default_workdir as default_workdir
from salclass_tf.config.config import sweep_values as sweep_values
from salclass_tf.config.stage import Optimizer as Optimizer
from salclass_tf.config.stage import Stage as Stage
