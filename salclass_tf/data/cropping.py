"""From one example to what a network gets: decoded, resized, with heat map and counts, cropped.

Everything on the pixel grid goes through one resize rule and one crop, so it cannot drift apart.
"""

from collections.abc import Sequence

import tensorflow as tf

from salclass_tf import heatmaps
from salclass_tf.data.geometry import Geometry

#: what lies on the pixel grid of the image, and so is cropped and mirrored with it
SPATIAL = ("image", "saliency", "fixation_counts")
#: where random crops may lie
AROUND = ("image", "gaze")


def central_view(image: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Decodes and resizes one image and cuts out its centre: what evaluation and serving see.

    Args:
        image: encoded JPEG, PNG, GIF (first frame) or BMP, string []; or RGB uint8 [h, w, 3].
        geometry: crop and resize sizes.

    Returns:
        uint8 [image_size, image_size, 3].
    """
    decoded = decode(image)
    resized = resize(decoded, geometry.resized(*size(decoded)))
    origin = geometry.central_origin(*size(resized))
    return crop({"image": resized}, origin, geometry.image_size)["image"]


def resize(image: tf.Tensor, size: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """Resizes an image as all stages do: bilinear with antialiasing, rounded to bytes.

    Args:
        image: RGB uint8 [h, w, 3].
        size: height and width, in pixels.

    Returns:
        uint8 [*size, 3].
    """
    # Rounded to bytes: a quarter of the memory for everything downstream.
    return tf.cast(tf.round(tf.image.resize(image, size, antialias=True)), tf.uint8)


def prepare(example: dict, geometry: Geometry | None) -> dict:
    """Decodes and resizes an image; its fixations move along.

    Args:
        example: in the schema of the gaze sets, see `pipeline`.
        geometry: crop and resize sizes; None keeps the image's size.

    Returns:
        `image` uint8 [h, w, 3], `label` int32, 0 where there is none; of points `x` and `y`
        float32 [n] in pixels of the resized image and `scale`, its size over the original's; or
        `heatmap` as it is.
    """
    original = decode(example["image"])
    image = original
    if geometry is not None:
        image = resize(original, geometry.resized(*size(original)))
    prepared = {"image": image, "label": tf.cast(example.get("label", 0), tf.int32)}
    if "fixations" in example:
        sizes = tf.shape(original)[:2], tf.shape(image)[:2]
        prepared["x"], prepared["y"] = moved(example["fixations"], *sizes)
        prepared["scale"] = tf.constant(1.0)
        if geometry is not None:
            prepared["scale"] = geometry.short_side / tf.reduce_min(tf.shape(original)[:2])
    if "heatmap" in example:
        prepared["heatmap"] = example["heatmap"]
    return prepared


def moved(fixations: dict, original: tf.Tensor, resized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `x` and `y` of fixations in pixels of the resized image, float32 [n].

    Args:
        fixations: `x` and `y` in pixels of the original image, [n].
        original: its height and width, int32 [2].
        resized: those of the resized image, likewise.
    """
    scale = tf.cast(resized / original, tf.float32)
    # Whole numbers are the centres of pixels, so the image begins at -0.5.
    x, y = (
        (tf.cast(fixations[axis], tf.float32) + 0.5) * scale[side] - 0.5
        for axis, side in (("x", 1), ("y", 0))
    )
    return x, y


def nearest_pixels(x: tf.Tensor, y: tf.Tensor, size: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """Returns the pixels (row, column) that fixations belong to, int32 [n, 2].

    Args:
        x: columns on the image, float32 [n].
        y: rows, likewise.
        size: height and width of the image.
    """
    pixels = tf.cast(tf.floor(tf.stack([y, x], axis=-1) + 0.5), tf.int32)
    # The outer half of the last original pixel would round to a pixel beyond the edge.
    return tf.clip_by_value(pixels, 0, [size[0] - 1, size[1] - 1])


def stored_size(image: tf.Tensor) -> tf.Tensor:
    """Returns height and width of an encoded image, int32 [2]; of a JPEG without decoding it."""
    return tf.cond(
        tf.io.is_jpeg(image),
        lambda: tf.io.extract_jpeg_shape(image)[:2],
        lambda: tf.shape(decode(image))[:2],
    )


def decode(image: tf.Tensor) -> tf.Tensor:
    """Returns an image as RGB uint8 [h, w, 3]; one that is decoded already passes."""
    if image.dtype != tf.string:
        return image
    decoded = tf.io.decode_image(image, channels=3, expand_animations=False)
    return tf.ensure_shape(decoded, [None, None, 3])


def size(image: tf.Tensor) -> list[tf.Tensor]:
    """Returns height and width in pixels, int32 []."""
    return tf.unstack(tf.shape(image)[:2])


def scorable(prepared: dict, sigma_px: float, with_maps: bool) -> dict:
    """Adds what maps are scored against: the true map, and fixations where there are points.

    Args:
        prepared: what `prepare` returns.
        sigma_px: sigma of the heat map, in pixels of the original image.
        with_maps: False adds nothing.
    """
    if not with_maps:
        return prepared
    scorable = add_saliency(prepared, sigma_px)
    return scorable if "heatmap" in prepared else add_fixation_counts(scorable)


def add_saliency(example: dict, sigma_px: float) -> dict:
    """Adds the heat map of the whole resized image, float32 [h, w, 1]; its peak is 1."""
    height, width, _ = tf.unstack(tf.shape(example["image"]))
    if "heatmap" in example:
        resized = tf.image.resize(example["heatmap"], (height, width), antialias=True)
        return example | {"saliency": tf.math.divide_no_nan(resized, tf.reduce_max(resized))}
    sigma = sigma_px * tf.cast(example["scale"], tf.float32)
    heatmap = heatmaps.render(example["x"], example["y"], height, width, sigma)
    return example | {"saliency": heatmap[..., tf.newaxis]}


def add_fixation_counts(example: dict) -> dict:
    """Adds the number of fixations in each pixel of the resized image, float32 [h, w, 1]."""
    height, width, _ = tf.unstack(tf.shape(example["image"]))
    pixels = nearest_pixels(example["x"], example["y"], (height, width))
    counts = tf.scatter_nd(pixels, tf.ones_like(example["x"]), [height, width])
    return example | {"fixation_counts": counts[..., tf.newaxis]}


def crop(example: dict, origin: Sequence[tf.Tensor], side: int) -> dict:
    """Cuts the same square out of everything on the pixel grid and drops the rest."""
    row, column = origin
    cropped = {}
    for key in SPATIAL:
        if key in example:
            square = example[key][row : row + side, column : column + side]
            cropped[key] = tf.ensure_shape(square, [side, side, square.shape[-1]])
    return cropped


def random_view(
    example: dict,
    view: tf.Tensor,
    side: int,
    crops: int,
    mirror: str,
    seed: tf.Tensor,
    around: str = "image",
) -> dict:
    """Returns a random crop of an image, mirrored or not.

    Args:
        example: what `prepare` returns, with `index`, the number of the image, and what lies on
            its grid.
        view: number of the view: views v and v + crops are one crop and its mirror image.
        side: of the crop, in pixels.
        crops: of the image.
        mirror: which of a crop and its mirror image there are, see `pipeline.training_batches`.
        seed: of the epoch, int64 [2].
        around: "image" draws the crop among all of the image, "gaze" among those that hold one of
            its fixations, which is drawn first (where there are maps in place of fixations, a
            pixel, by the height of the map there). An image that nobody looked at has its crops
            anywhere.
    """
    seed = tf.random.fold_in(tf.random.fold_in(seed, example["index"]), view % crops)
    draw = tf.random.stateless_uniform([3], seed)
    low, high = _origins(example, side, seed, around)
    room = tf.cast(high - low + 1, tf.float32)
    cropped = crop(example, tf.unstack(low + tf.cast(draw[:2] * room, tf.int32)), side)
    if mirror != "none":
        mirrored = view >= crops if mirror == "both" else draw[2] < 0.5
        cropped = tf.cond(
            mirrored,
            lambda: {key: tf.reverse(value, [1]) for key, value in cropped.items()},
            lambda: cropped,
        )
    return cropped | {"label": example["label"]}


def _origins(example: dict, side: int, seed: tf.Tensor, around: str) -> tuple[tf.Tensor, tf.Tensor]:
    """First and last row and column that a crop may begin at, int32 [2] each."""
    first, last = tf.constant([0, 0]), tf.shape(example["image"])[:2] - side
    if around == "image":
        return first, last
    pixel, is_there = _drawn_gaze(example, tf.random.stateless_uniform([], _apart(seed)))
    held = tf.maximum(pixel - side + 1, first), tf.minimum(pixel, last)
    return tuple(
        tf.where(is_there, near, anywhere)
        for near, anywhere in zip(held, (first, last), strict=True)
    )


def _apart(seed: tf.Tensor) -> tf.Tensor:
    """A seed for the choice of a fixation: crops and mirror images are drawn from the other one."""
    return tf.random.fold_in(seed, 1)


def _drawn_gaze(example: dict, draw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A pixel that somebody looked at, (row, column) int32 [2], and whether there is one.

    Args:
        example: what `prepare` returns.
        draw: in [0, 1), which of them.
    """
    height, width = size(example["image"])
    if "heatmap" in example:
        heatmap = tf.image.resize(example["heatmap"], (height, width), antialias=True)
        summed = tf.cumsum(tf.reshape(tf.cast(heatmap, tf.float64), [-1]))
        place = tf.searchsorted(summed, [tf.cast(draw, tf.float64) * summed[-1]], side="right")[0]
        place = tf.minimum(place, height * width - 1)
        return tf.stack([place // width, place % width]), summed[-1] > 0
    count = tf.shape(example["x"])[0]
    chosen = tf.cast(draw * tf.cast(count, tf.float32), tf.int32)
    # Of no fixations at all a made-up one is looked up, and not used.
    x, y = (tf.concat([example[axis], [0.0]], axis=0)[chosen] for axis in "xy")
    return nearest_pixels(x[tf.newaxis], y[tf.newaxis], (height, width))[0], count > 0
