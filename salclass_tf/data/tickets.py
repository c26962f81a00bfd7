"""Tickets: (number of a view, image), what an epoch's views are cut by and mixed as."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry

MIRRORS = ("both", "random", "none")

#: images shuffled among each other, and tickets
SHUFFLED_IMAGES, SHUFFLED_VIEWS = 2048, 512


def views_per_image(crops: int, mirror: str) -> int:
    """Returns how many views an image has in an epoch.

    Args:
        crops: random crops.
        mirror: which of a crop and its mirror image there are, see `training_batches`.

    Raises:
        ValueError: if one of them is out of range.
    """
    if crops < 1:
        raise ValueError(f"crops must be at least 1 per image; got {crops}")
    if mirror not in MIRRORS:
        raise ValueError(f"mirror must be one of {', '.join(MIRRORS)}; got {mirror!r}")
    return 2 * crops if mirror == "both" else crops


def seeds(seed: int, epoch: int) -> tuple[int, int, tf.Tensor]:
    """Returns independent seeds for the order of images, the order of views, and the crops."""
    state = np.random.SeedSequence([seed, epoch]).generate_state(4).tolist()
    return state[0], state[1], tf.constant(state[2:], tf.int64)


def preparation(
    geometry: Geometry, sigma_px: float, with_maps: bool, with_fixations: bool
) -> Callable[[tf.Tensor, dict], dict]:
    """Returns what makes of (number, example) an image that views can be cut from.

    Args:
        geometry: crop and resize sizes.
        sigma_px: sigma of the heat map, in pixels of the original image.
        with_maps: whether there are heat maps.
        with_fixations: whether fixations are counted in each pixel.
    """

    def prepare(index: tf.Tensor, example: dict) -> dict:
        prepared = cropping.prepare(example, geometry) | {"index": index}
        prepared = cropping.add_saliency(prepared, sigma_px) if with_maps else prepared
        return cropping.add_fixation_counts(prepared) if with_fixations else prepared

    return prepare


def cutting(
    geometry: Geometry, crops: int, mirror: str, seed: tf.Tensor, crop_around: str = "image"
) -> Callable[[tf.Tensor, dict], dict]:
    """Returns what cuts the view of a ticket.

    Args:
        geometry: crop and resize sizes.
        crops: random crops of each image.
        mirror: which of a crop and its mirror image there are.
        seed: of the crops, see `seeds`.
        crop_around: where crops lie, see `cropping.random_view`.
    """

    def cut(view: tf.Tensor, example: dict) -> dict:
        return cropping.random_view(
            example, view, geometry.image_size, crops, mirror, seed, crop_around
        )

    return cut


def mixed(
    order: tf.data.Dataset,
    prepare: Callable,
    views: int,
    seed: int,
    shuffle_views: int,
    skipped: int,
) -> tf.data.Dataset:
    """Returns the tickets of all images, mixed, without those that are skipped.

    Args:
        order: images in the order of an epoch, of any form.
        prepare: makes of an element what is to be on its tickets.
        views: of each image.
        seed: of the mixing.
        shuffle_views: tickets mixed at a time.
        skipped: how many to leave out at the start.
    """
    if views == 1:
        order = order.skip(skipped)  # one view an image: nothing to decode before the restart
    examples = order.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    tickets = examples.flat_map(lambda example: of_image(example, views))
    if views > 1:
        tickets = tickets.shuffle(shuffle_views, seed=seed, reshuffle_each_iteration=False)
        tickets = tickets.skip(skipped)
    return tickets


def of_image(example: dict, views: int) -> tf.data.Dataset:
    """Returns the tickets of one image.

    All tickets of an image hold the same tensors, not copies: the shuffle buffer behind them
    costs the memory of the images in it, however many views each has.
    """
    return tf.data.Dataset.from_tensors(example).repeat(views).enumerate()
