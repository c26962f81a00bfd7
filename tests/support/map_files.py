"""Folders of maps, as other programs write them."""

import numpy as np
import tensorflow_datasets as tfds

from salclass_tf import heatmaps
from salclass_tf.data import sets


def write_maps(folder, tiny_data_dir, suffix=".npy"):
    """The true maps of the test part in the size of the images."""
    folder.mkdir()
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    for example in tfds.as_numpy(noise.builder.as_dataset(split="test")):
        xy = np.c_[example["fixations"]["x"], example["fixations"]["y"]]
        np.save(
            folder / f"{example['image/id'].decode()}{suffix}",
            heatmaps.from_fixations(xy, (44, 52), 4.0),
        )
    return folder
