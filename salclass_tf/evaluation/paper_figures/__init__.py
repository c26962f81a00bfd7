"""The paper's figures for any methods on any data sets: what `evaluate.py --figure` draws."""

from salclass_tf.evaluation.paper_figures.drawing import run as run
from salclass_tf.evaluation.paper_figures.settings import FIGURES as FIGURES
from salclass_tf.evaluation.paper_figures.settings import Settings as Settings
