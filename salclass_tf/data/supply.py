"""Batches for `model.fit` from what `tfds.load` gives."""

import functools

import tensorflow as tf
import tensorflow_datasets as tfds

from salclass_tf.data import pipeline
from salclass_tf.data.geometry import Geometry

# Images that a shuffle holds: a decoded one takes ten times the memory of its file.
_SHUFFLED_DECODED = 256


def batches(
    source: tf.data.Dataset,
    info: tfds.core.DatasetInfo | None = None,
    geometry: Geometry | None = None,
    *,
    batch_size: int = 16,
    training: bool = True,
    epochs: int = 1,
    seed: int = 0,
    sigma_px: float | None = None,
    **options,
) -> tf.data.Dataset:
    """Makes the batches that a model learns from, or is evaluated on, of a set in the gaze schema.

    They are those of `pipeline.training_batches` and `pipeline.evaluation_batches`, as
    `train.py` and `evaluate.py` use them. With `decoders={"image": tfds.decode.SkipDecoding()}`
    in `tfds.load` the images stay encoded until they are cropped, and shuffling takes a tenth
    of the memory.

    Args:
        source: single examples as `tfds.load(name, split=...)` gives them.
        info: of the set, from `tfds.load(..., with_info=True)`: it has the blur of the maps.
        geometry: crop and resize sizes; `model.geometry` is what a model needs, None the paper's.
        batch_size: images in a batch.
        training: True gives random crops and mirror images, False the central crop of each image.
        epochs: of training, one after the other, each with its own crops and order. Pass
            `steps_per_epoch=len(batches) // epochs` to `fit`.
        seed: of crops and order.
        sigma_px: blur of the heat maps, in pixels of the original images; in place of `info`'s.
        **options: of `pipeline.training_batches` or `pipeline.evaluation_batches`, such as
            `crops`, `mirror` and `with_fixations`.

    Returns:
        Dicts of `image` uint8 [b, s, s, 3], `saliency` float32 [b, s, s, 1] in [0, 1], `label`
        int32 [b], and what the options add.

    Raises:
        ValueError: if the source is no set in the gaze schema, an argument is out of range, or
            nothing tells the blur.
    """
    _check(source, training, epochs)
    if sigma_px is None:
        sigma_px = _sigma_of(info)
    given = {"geometry": geometry or Geometry(), "sigma_px": sigma_px, "batch_size": batch_size}
    if not training:
        return pipeline.evaluation_batches(source, **given, **options)
    if source.element_spec["image"].dtype != tf.string:
        options = {"shuffle_images": _SHUFFLED_DECODED} | options
    of_epoch = [
        pipeline.training_batches(source, **given, seed=seed, epoch=epoch, **options)
        for epoch in range(epochs)
    ]
    return functools.reduce(tf.data.Dataset.concatenate, of_epoch)


def _sigma_of(info: tfds.core.DatasetInfo | None) -> float:
    """The blur that a set's facts tell, 0 for one without gaze or with maps in place of points."""
    if info is None:
        raise ValueError(
            "nothing tells the blur of the heat maps: pass the info of tfds.load(..., "
            "with_info=True), or sigma_px in pixels of the original images"
        )
    return float((info.metadata or {}).get("sigma_px") or 0.0)


def _check(source: tf.data.Dataset, training: bool, epochs: int) -> None:
    """Checks that the examples are single ones in the gaze schema."""
    spec = source.element_spec
    if not isinstance(spec, dict) or not {"image", "image/id"} <= set(spec):
        raise ValueError(
            "batches are made of single examples in the gaze schema, dicts with image, image/id "
            f"and fixations or heatmap; got {spec}: load the set without as_supervised"
        )
    if spec["image"].shape.rank not in (0, 3):
        raise ValueError(
            "batches are made of single examples; got some that are batched already, image "
            f"{spec['image'].shape}: leave batch_size out of tfds.load"
        )
    if epochs < 1 or (epochs > 1 and not training):
        raise ValueError(f"epochs must be at least 1, and 1 unless training; got {epochs}")
