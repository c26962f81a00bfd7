"""Eye-gaze data sets for TensorFlow Datasets; importing this package registers their names."""

from tfds_builders.cub_gha import cub_gha_dataset_builder as cub_gha_dataset_builder
from tfds_builders.gaze_critters import (
    gaze_critters_dataset_builder as gaze_critters_dataset_builder,
)
from tfds_builders.osie import osie_dataset_builder as osie_dataset_builder
