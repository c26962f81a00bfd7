"""From samples to fixations: `choose` once a file, `find_all` for its presentations."""

from tfds_builders.gaze_folder.detection.batches import find_all as find_all
from tfds_builders.gaze_folder.detection.choice import Choice as Choice
from tfds_builders.gaze_folder.detection.choice import choose as choose
from tfds_builders.gaze_folder.detection.finding import Detected as Detected
from tfds_builders.gaze_folder.detection.finding import find_fixations as find_fixations
from tfds_builders.gaze_folder.detection.finding import suspect_share as suspect_share
from tfds_builders.gaze_folder.detection.summary import Summary as Summary
