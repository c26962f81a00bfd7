"""What a run is: its networks, its stages, and the presets they come from."""

from salclass_tf.config.config import COMPILES as COMPILES
from salclass_tf.config.config import FEATURE_PLACES as FEATURE_PLACES
from salclass_tf.config.config import MAP_SCALES as MAP_SCALES
from salclass_tf.config.config import PRECISIONS as PRECISIONS
from salclass_tf.config.config import STRATEGIES as STRATEGIES
from salclass_tf.config.config import Config as Config
from salclass_tf.config.flag_checks import seed_values as seed_values
from salclass_tf.config.flag_checks import sweep_values as sweep_values
from salclass_tf.config.optimizer import OPTIMIZERS as OPTIMIZERS
from salclass_tf.config.optimizer import Optimizer as Optimizer
from salclass_tf.config.presets import PRESETS as PRESETS
from salclass_tf.config.presets import build_config as build_config
from salclass_tf.config.presets import default_workdir as default_workdir
from salclass_tf.config.stage import CROPS_AROUND as CROPS_AROUND
from salclass_tf.config.stage import MIRRORS as MIRRORS
from salclass_tf.config.stage import ROLES as ROLES
from salclass_tf.config.stage import STAGES as STAGES
from salclass_tf.config.stage import Role as Role
from salclass_tf.config.stage import Stage as Stage
