"""Eye-gaze data sets for TensorFlow Datasets; importing this package registers their names."""

from tfds_builders.cat2000 import cat2000_dataset_builder as cat2000_dataset_builder
from tfds_builders.coco_freeview import (
    coco_freeview_dataset_builder as coco_freeview_dataset_builder,
)
from tfds_builders.coco_search18 import (
    coco_search18_dataset_builder as coco_search18_dataset_builder,
)
from tfds_builders.cub_gha import cub_gha_dataset_builder as cub_gha_dataset_builder
from tfds_builders.eyecrowd import eyecrowd_dataset_builder as eyecrowd_dataset_builder
from tfds_builders.figrim import figrim_dataset_builder as figrim_dataset_builder
from tfds_builders.gaze_critters import (
    gaze_critters_dataset_builder as gaze_critters_dataset_builder,
)
from tfds_builders.gaze_folder import gaze_folder_dataset_builder as gaze_folder_dataset_builder
from tfds_builders.imagenet_without_dogs import (
    imagenet_without_dogs_dataset_builder as imagenet_without_dogs_dataset_builder,
)
from tfds_builders.imgsal import imgsal_dataset_builder as imgsal_dataset_builder
from tfds_builders.isun import isun_dataset_builder as isun_dataset_builder
from tfds_builders.mit300 import mit300_dataset_builder as mit300_dataset_builder
from tfds_builders.mit1003 import mit1003_dataset_builder as mit1003_dataset_builder
from tfds_builders.osie import osie_dataset_builder as osie_dataset_builder
from tfds_builders.pascal_s import pascal_s_dataset_builder as pascal_s_dataset_builder
from tfds_builders.poet import poet_dataset_builder as poet_dataset_builder
from tfds_builders.pysaliency_folder import (
    pysaliency_folder_dataset_builder as pysaliency_folder_dataset_builder,
)
from tfds_builders.salbirds import salbirds_dataset_builder as salbirds_dataset_builder
from tfds_builders.saldogs import saldogs_dataset_builder as saldogs_dataset_builder
from tfds_builders.salflowers import salflowers_dataset_builder as salflowers_dataset_builder
from tfds_builders.salicon import salicon_dataset_builder as salicon_dataset_builder
