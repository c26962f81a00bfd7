"""Layers that Keras lacks; what matters to a map computes in float32 under every policy."""

from salclass_tf.layers.caffe import BilinearKernel as BilinearKernel
from salclass_tf.layers.caffe import CaffePreprocessing as CaffePreprocessing
from salclass_tf.layers.caffe import LocalResponseNormalization as LocalResponseNormalization
from salclass_tf.layers.caffe import VggPreprocessing as VggPreprocessing
from salclass_tf.layers.densities import Density as Density
from salclass_tf.layers.densities import GaussianBlur as GaussianBlur
from salclass_tf.layers.densities import UnitRange as UnitRange
from salclass_tf.layers.frozen import FrozenConv2D as FrozenConv2D
from salclass_tf.layers.frozen import UnitFilters as UnitFilters
from salclass_tf.layers.fused_normalization import fuse_normalization as fuse_normalization
from salclass_tf.layers.fused_normalization import restore_normalization as restore_normalization
from salclass_tf.layers.gaze_pooling import GazePooling as GazePooling
from salclass_tf.layers.gaze_pooling import cell_means as cell_means
from salclass_tf.layers.maxout import Maxout as Maxout
from salclass_tf.layers.nested_layers import leaves as leaves
from salclass_tf.layers.priors import CentreBias as CentreBias
from salclass_tf.layers.priors import GaussianMaps as GaussianMaps
from salclass_tf.layers.priors import LearnedPrior as LearnedPrior
from salclass_tf.layers.resizing import BilinearUpsampling as BilinearUpsampling
from salclass_tf.layers.resizing import ProportionalUpsampling as ProportionalUpsampling
from salclass_tf.layers.resizing import interpolation_matrix as interpolation_matrix
from salclass_tf.layers.scaling import MAP_SCALES as MAP_SCALES
from salclass_tf.layers.scaling import MapScale as MapScale
from salclass_tf.layers.strided_convolutions import take_strides_first as take_strides_first
from salclass_tf.layers.weight_gradients import (
    compiled_weight_gradients as compiled_weight_gradients,
)
