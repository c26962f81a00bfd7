"""Views that are the same in every epoch, and which of them its batches are made of.

The paper's "randomly extracting five 299x299 crops" of each image "plus the corresponding
horizontal flips" (Sec. 5.2) can be read as ten views that are cut once and come again in each
epoch.
"""

import tensorflow as tf

from salclass_tf.data import pipeline, tickets
from salclass_tf.data.geometry import Geometry


@tf.autograph.experimental.do_not_convert
def every_view(
    source: tf.data.Dataset,
    *,
    geometry: Geometry,
    sigma_px: float,
    batch_size: int,
    seed: int,
    crops: int = 5,
    mirror: str = "both",
    crop_around: str = "image",
    with_maps: bool = True,
    with_fixations: bool = False,
) -> tf.data.Dataset:
    """The fixed views of all images, in the order of the source: see `view_order`.

    Args:
        source: see `pipeline.training_batches`, as everything else here.
        geometry: crop and resize sizes.
        sigma_px: of the heat maps.
        batch_size: views in a batch; the last one may be smaller.
        seed: of the run.
        crops: random crops of each image.
        mirror: which of a crop and its mirror image there are.
        crop_around: where crops lie.
        with_maps: whether there are heat maps.
        with_fixations: whether fixations are counted in each pixel.

    Returns:
        Batches as of `pipeline.training_batches`; view v of image i is number i * views + v.
    """
    views = tickets.views_per_image(crops, mirror)
    prepare = tickets.preparation(geometry, sigma_px, with_maps, with_fixations)
    examples = source.enumerate().map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    cut_by = examples.flat_map(lambda example: tickets.of_image(example, views))
    cut = tickets.cutting(geometry, crops, mirror, tickets.seeds(seed, 0)[2], crop_around)
    crops_cut = cut_by.map(cut, num_parallel_calls=tf.data.AUTOTUNE)
    return pipeline.batched(crops_cut, batch_size, drop_remainder=False)


@tf.autograph.experimental.do_not_convert
def view_order(
    images: int,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    crops: int = 5,
    mirror: str = "both",
    shuffle_images: int = tickets.SHUFFLED_IMAGES,
    shuffle_views: int = tickets.SHUFFLED_VIEWS,
    skip_steps: int = 0,
) -> tf.data.Dataset:
    """Which of the views of `every_view` are in the batches of `pipeline.training_batches`.

    Args:
        images: how many the source has.
        batch_size: see `pipeline.training_batches`, as everything else here.
        seed: of the run.
        epoch: number of the epoch.
        crops: random crops of each image.
        mirror: which of a crop and its mirror image there are.
        shuffle_images: images shuffled among each other.
        shuffle_views: views mixed.
        skip_steps: batches to leave out at the start.

    Returns:
        The numbers of the views in each batch, int64 [b]: the same batches in the same order as
        `pipeline.training_batches` gives with `fixed_views` and the same arguments.
    """
    views, skipped = tickets.views_per_image(crops, mirror), skip_steps * batch_size
    image_seed, view_seed, _ = tickets.seeds(seed, epoch)
    order = tf.data.Dataset.range(images).shuffle(
        shuffle_images, seed=image_seed, reshuffle_each_iteration=False
    )
    mixed = tickets.mixed(order, lambda index: index, views, view_seed, shuffle_views, skipped)
    numbers = mixed.map(lambda view, index: index * views + view)
    return pipeline.batched(numbers, batch_size, drop_remainder=True)
