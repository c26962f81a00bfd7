"""Pictures: arrays in, PNG and PDF out. Nothing here knows networks or data sets."""

from salclass_tf.figures.alpha import Sweep as Sweep
from salclass_tf.figures.alpha import Trial as Trial
from salclass_tf.figures.alpha import alpha_curves as alpha_curves
from salclass_tf.figures.canvas import CHANGE_COLOURS as CHANGE_COLOURS
from salclass_tf.figures.comparison import Row as Row
from salclass_tf.figures.comparison import Scale as Scale
from salclass_tf.figures.comparison import caption as caption
from salclass_tf.figures.comparison import comparison as comparison
from salclass_tf.figures.confusion import confusion as confusion
from salclass_tf.figures.examples import Example as Example
from salclass_tf.figures.examples import example_grid as example_grid
from salclass_tf.figures.examples import strips as strips
from salclass_tf.figures.overlays import Overlay as Overlay
from salclass_tf.figures.overlays import overlays as overlays
from salclass_tf.figures.regions import RegionRow as RegionRow
from salclass_tf.figures.regions import region_grid as region_grid
from salclass_tf.figures.training_curves import curves as curves
