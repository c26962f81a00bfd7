"""The input pipeline: tf.data stages that training, evaluation and serving share.

A source is a `tf.data.Dataset` of single examples in the schema of the gaze sets: `image`
(encoded string, or uint8 [h, w, 3]), `image/id`, `fixations` with `x` and `y`, `heatmap` where
the set ships maps in place of points, and `label` where it has classes. `open_split` makes one from
a prepared TFDS builder.

Image, heat map and fixation counts go through one resize rule and one crop, so they cannot
drift apart. The peak of a heat map is 1 on the whole image; a crop is not stretched again.
"""

import contextlib
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

from salclass_tf.data import cropping, tickets
from salclass_tf.data.geometry import Geometry

# Nothing here has Python control flow over tensors, and what TFDS maps has none either: without
# AutoGraph's translation of the code a pipeline is ready in half the time.
_untranslated = tf.autograph.experimental.do_not_convert


@_untranslated
def open_split(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    """Opens a prepared split as a source: images still encoded, always in the same order.

    Args:
        builder: a TFDS builder whose data are prepared.
        split: name or slice of a split, such as "train" or "test[:10]".

    Returns:
        One example per element, `image` as the encoded string.

    Raises:
        ValueError: if the data are not prepared, or there is no such split.
    """
    if not builder.is_prepared():
        raise ValueError(
            f"data set {builder.name!r} is not prepared in {builder.data_path}: run "
            "download_and_prepare, or name another data_dir"
        )
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
    )


@_untranslated
def training_batches(
    source: tf.data.Dataset,
    *,
    geometry: Geometry,
    sigma_px: float,
    batch_size: int,
    seed: int,
    epoch: int,
    crops: int = 5,
    mirror: str = "both",
    crop_around: str = "image",
    with_maps: bool = True,
    with_fixations: bool = False,
    shuffle_images: int = tickets.SHUFFLED_IMAGES,
    shuffle_views: int = tickets.SHUFFLED_VIEWS,
    skip_steps: int = 0,
    fixed_views: bool = False,
) -> tf.data.Dataset:
    """Random crops and mirror images for one epoch (paper, Sec. 5.2: five crops, both mirrored).

    Every image is decoded, resized and rendered once for all its views. Content and order
    are a function of (seed, epoch), so that an epoch can be made again and entered at any step;
    TensorFlow's global seed, where a program sets it, changes the order and nothing else.

    Args:
        source: examples of known number, see the module.
        geometry: crop and resize sizes.
        sigma_px: sigma of the heat map, in pixels of the original image; not used where the
            source has `heatmap`.
        batch_size: views in a batch.
        seed: of the run.
        epoch: number of the epoch; each has its own crops and order, or its own order alone.
        crops: random crops of each image.
        mirror: "both" gives each crop and its mirror image, "random" one of the two, "none"
            the crop as it is.
        crop_around: "image" draws crops anywhere, "gaze" so that each holds some gaze, see
            `cropping.random_view`.
        with_maps: False leaves `saliency` out, for a classifier alone.
        with_fixations: whether `fixation_counts` are added, for losses that are taken there.
        shuffle_images: images shuffled among each other, still encoded; a full permutation
            of sets up to this number.
        shuffle_views: views mixed, so that those of one image do not meet in a batch.
        skip_steps: batches to leave out at the start, to continue a broken epoch.
        fixed_views: whether the views of an image are those of `fixed_views.every_view`, in each
            epoch.

    Returns:
        Dicts of `image` uint8 [b, s, s, 3], `saliency` float32 [b, s, s, 1] in [0, 1] and
        `label` int32 [b], 0 where the source has none; where asked, `fixation_counts` float32
        [b, s, s, 1], how many fixations hit each pixel. Views beyond the last full batch are left
        out.

    Raises:
        ValueError: if an argument is out of range, not one batch can be filled, or fixations are
            asked of a source that has maps in place of them.
    """
    steps = training_steps(
        source,
        sigma_px=sigma_px,
        batch_size=batch_size,
        crops=crops,
        mirror=mirror,
        crop_around=crop_around,
        with_maps=with_maps,
        with_fixations=with_fixations,
    )
    if not 0 <= skip_steps <= steps:
        raise ValueError(f"skip_steps must be 0 to {steps}, the epoch's steps; got {skip_steps}")
    views, images = tickets.views_per_image(crops, mirror), int(source.cardinality())
    image_seed, view_seed, crop_seed = tickets.seeds(seed, epoch)
    skipped = skip_steps * batch_size

    def shuffled(elements: tf.data.Dataset) -> tf.data.Dataset:
        return elements.shuffle(shuffle_images, seed=image_seed, reshuffle_each_iteration=False)

    if fixed_views:  # an image is known by its place in the source, and not by that in the epoch
        order, crop_seed = shuffled(source.enumerate()), tickets.seeds(seed, 0)[2]
    else:
        order = shuffled(source).enumerate()
    prepare = tickets.preparation(geometry, sigma_px, with_maps, with_fixations)
    mixed = tickets.mixed(order, prepare, views, view_seed, shuffle_views, skipped)
    known = tf.data.experimental.assert_cardinality(images * views - skipped)
    cut = tickets.cutting(geometry, crops, mirror, crop_seed, crop_around)
    crops_cut = mixed.apply(known).map(cut, num_parallel_calls=tf.data.AUTOTUNE)
    return batched(crops_cut, batch_size, drop_remainder=True)


def training_steps(
    source: tf.data.Dataset,
    *,
    sigma_px: float,
    batch_size: int,
    crops: int = 5,
    mirror: str = "both",
    crop_around: str = "image",
    with_maps: bool = True,
    with_fixations: bool = False,
) -> int:
    """Returns how many batches `training_batches` gives in an epoch, and builds none of them.

    Args:
        source: see `training_batches`, as everything else here.
        sigma_px: of the heat maps.
        batch_size: views in a batch.
        crops: random crops of each image.
        mirror: which of a crop and its mirror image there are.
        crop_around: where crops lie.
        with_maps: whether there are heat maps.
        with_fixations: whether fixations are counted in each pixel.

    Raises:
        ValueError: as `training_batches`.
    """
    views, images = tickets.views_per_image(crops, mirror), int(source.cardinality())
    if images < 0:
        raise ValueError(
            "the source must know its number of examples; got an unknown or infinite one: "
            "apply tf.data.experimental.assert_cardinality"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")
    steps = images * views // batch_size
    if steps == 0:
        raise ValueError(
            f"batch_size must not exceed the data set: got {batch_size}, but {images} images x "
            f"{views} views are {images * views}; use a smaller batch"
        )
    if crop_around not in cropping.AROUND:
        raise ValueError(f"crop_around is one of {', '.join(cropping.AROUND)}; got {crop_around!r}")
    if crop_around == "gaze" and not {"fixations", "heatmap"} & set(source.element_spec):
        raise ValueError("crops around gaze need fixations or heatmap in the source; it has none")
    if with_maps:
        _check_sigma(sigma_px, source)
    if with_fixations and "heatmap" in source.element_spec:
        raise ValueError(
            "with_fixations needs fixation points; this source has maps in their place"
        )
    return steps


@_untranslated
def evaluation_batches(
    source: tf.data.Dataset,
    *,
    geometry: Geometry,
    sigma_px: float,
    batch_size: int,
    with_maps: bool = True,
) -> tf.data.Dataset:
    """The central crop of every image, in the order of the source (paper, Sec. 5.2).

    Args:
        source: examples, see the module.
        geometry: crop and resize sizes.
        sigma_px: sigma of the heat map, in pixels of the original image; not used where the
            source has `heatmap`.
        batch_size: images in a batch; the last one may be smaller.
        with_maps: False leaves `saliency` and `fixation_counts` out, for a set without gaze.

    Returns:
        Dicts of `image` uint8 [b, s, s, 3], `saliency` float32 [b, s, s, 1] in [0, 1],
        `fixation_counts` float32 [b, s, s, 1] unless the source has `heatmap`, `label` int32 [b],
        0 where the source has none, and `image_id` string [b].

    Raises:
        ValueError: if `batch_size` is below 1, or `sigma_px` is not above 0 and maps are asked.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")
    if with_maps:
        _check_sigma(sigma_px, source)

    def view(example: dict) -> dict:
        prepared = cropping.scorable(cropping.prepare(example, geometry), sigma_px, with_maps)
        origin = geometry.central_origin(*cropping.size(prepared["image"]))
        cropped = cropping.crop(prepared, origin, geometry.image_size)
        return cropped | {"label": prepared["label"], "image_id": example["image/id"]}

    views = source.map(view, num_parallel_calls=tf.data.AUTOTUNE)
    return batched(views, batch_size, drop_remainder=False)


@_untranslated
def whole_images(
    source: tf.data.Dataset, *, sigma_px: float, with_maps: bool = True
) -> tf.data.Dataset:
    """Every image as it is, in its own pixels, in the order of the source.

    Args:
        source: examples, see the module.
        sigma_px: sigma of the heat map, in pixels of the image; not used where the source has
            `heatmap`.
        with_maps: False leaves `saliency` and `fixation_counts` out, for a set without gaze.

    Returns:
        Batches of one image, since images have sizes of their own; else as `evaluation_batches`.

    Raises:
        ValueError: if `sigma_px` is not above 0 and maps are asked.
    """
    if with_maps:
        _check_sigma(sigma_px, source)

    def view(example: dict) -> dict:
        prepared = cropping.scorable(cropping.prepare(example, None), sigma_px, with_maps)
        return {key: prepared[key] for key in (*cropping.SPATIAL, "label") if key in prepared} | {
            "image_id": example["image/id"]
        }

    views = source.map(view, num_parallel_calls=tf.data.AUTOTUNE)
    return batched(views, 1, drop_remainder=False)


@_untranslated
def whole_batches(batches: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Fills the last batch up, so that all have one size and can be split over any replicas.

    Args:
        batches: dicts of tensors [b, ...] with b at most `batch_size`, `image` among them.
        batch_size: the size.

    Returns:
        The same with `weight` float32 [batch_size]: 1, and 0 for the copies of the last example
        that fill a batch up.
    """

    def fill(batch: dict) -> dict:
        count = tf.shape(batch["image"])[0]
        place = tf.range(batch_size)
        filled = {
            key: tf.gather(value, tf.minimum(place, count - 1)) for key, value in batch.items()
        }
        filled["weight"] = tf.cast(place < count, tf.float32)
        return {
            key: tf.ensure_shape(value, [batch_size, *value.shape[1:]])
            for key, value in filled.items()
        }

    return batches.map(fill, num_parallel_calls=tf.data.AUTOTUNE)


@contextlib.contextmanager
def corrupt_images_named(source: tf.data.Dataset) -> Iterator[None]:
    """Turns the error of an image that cannot be decoded into one that names the image.

    A failing op in a graph does not know which example it had, so the images of `source`
    are tried one by one, once the error is there.

    Args:
        source: the examples that the code inside `with` is reading batches of.

    Raises:
        ValueError: naming the first image that cannot be decoded.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        for example in source:
            try:
                cropping.decode(example["image"])
            except tf.errors.InvalidArgumentError:
                name = example["image/id"].numpy().decode()
                raise ValueError(
                    f"image {name!r} cannot be decoded: its file is corrupt; replace the file "
                    "and prepare the data set again"
                ) from error
        raise


def batched(examples: tf.data.Dataset, batch_size: int, *, drop_remainder: bool) -> tf.data.Dataset:
    """Makes batches, always in the same order, that several workers can share.

    Args:
        examples: dicts of tensors.
        batch_size: how many are in a batch.
        drop_remainder: whether what does not fill a batch is left out.
    """
    options = tf.data.Options()
    options.deterministic = True
    # TensorFlow's tuner sleeps for up to a minute, and the end of an epoch waits for it. Without it
    # AUTOTUNE stands for one call per core, at most 16.
    options.autotune.enabled = False
    # Each worker takes its part of every batch: together they take the batches of one process.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    batches = examples.batch(batch_size, drop_remainder=drop_remainder)
    return batches.prefetch(2).with_options(options)


def _check_sigma(sigma_px: float, source: tf.data.Dataset) -> None:
    if "heatmap" not in source.element_spec and not sigma_px > 0:
        raise ValueError(
            f"sigma_px must be above 0 pixels; got {sigma_px}: a set without gaze has no maps, "
            "pass with_maps=False"
        )
