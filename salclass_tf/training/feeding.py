"""The batches of a stage: what it learns from, validates on, is scored on and shows."""

import contextlib
import functools
import math
from typing import Any

import tensorflow as tf

from salclass_tf.config import Config
from salclass_tf.config.stage import needs_maps
from salclass_tf.data import damage, fixed_views, pipeline, sets, tickets
from salclass_tf.data.geometry import Geometry
from salclass_tf.training import checks, loop

_EVALUATION_BATCH = 16
_SHOWN_IMAGES = 12
_SHOWN_WHILE_TRAINING = 4

# What networks and losses read of an evaluation batch; names would not fit on a GPU.
_READ = ("image", "saliency", "label")


def build_feed(config: Config, name: str, gaze_set: sets.GazeSet, replicas: int = 1) -> loop.Feed:
    """The batches of a stage.

    Args:
        config: the run.
        name: of the stage.
        gaze_set: what it learns from.
        replicas: number of devices that share a batch.
    """
    stage = config.stages[name]
    validation = gaze_set.split("validation", stage.validation_share)
    content = _content(config, name, gaze_set)

    def epoch(number: int, skip: int) -> tf.data.Dataset:
        return pipeline.training_batches(
            _source(gaze_set, "train", stage.validation_share),
            geometry=config.geometry(name),
            seed=config.seed,
            epoch=number,
            skip_steps=skip,
            fixed_views=stage.fixed_views,
            **content,
        )

    return loop.Feed(
        epoch,
        check_feed(config, name, gaze_set),
        validation and _validation_batches(config, name, gaze_set, validation, replicas),
        _shown_while_training(config, name, gaze_set),
        gaze_set.class_names,
    )


def check_feed(config: Config, name: str, gaze_set: sets.GazeSet) -> int:
    """Returns the number of steps in an epoch of a stage, and builds no pipeline.

    Args:
        config: the run.
        name: of the stage.
        gaze_set: what it learns from, prepared.

    Raises:
        ValueError: if not one batch can be filled, or the set lacks what the loss reads.
    """
    source = _source(gaze_set, "train", config.stages[name].validation_share)
    return pipeline.training_steps(source, **_content(config, name, gaze_set))


def every_view(config: Config, name: str, gaze_set: sets.GazeSet) -> tf.data.Dataset:
    """The fixed views of a stage, in the order of their numbers.

    Args:
        config: the run.
        name: of the stage.
        gaze_set: what it learns from.
    """
    return fixed_views.every_view(
        _source(gaze_set, "train", config.stages[name].validation_share),
        geometry=config.geometry(name),
        seed=config.seed,
        **_content(config, name, gaze_set),
    )


def count_views(config: Config, name: str, gaze_set: sets.GazeSet) -> int:
    """Returns how many views `every_view` gives."""
    stage = config.stages[name]
    images = gaze_set.size(gaze_set.split("train", stage.validation_share))
    return images * tickets.views_per_image(stage.crops, stage.mirror)


def view_order(
    config: Config, name: str, gaze_set: sets.GazeSet, epoch: int, skip: int
) -> tf.data.Dataset:
    """The numbers of the views in each batch of an epoch.

    Args:
        config: the run.
        name: of the stage, whose views are fixed.
        gaze_set: what it learns from.
        epoch: number of the epoch.
        skip: steps to leave out at the start.
    """
    stage = config.stages[name]
    return fixed_views.view_order(
        gaze_set.size(gaze_set.split("train", stage.validation_share)),
        batch_size=stage.batch_size,
        seed=config.seed,
        epoch=epoch,
        crops=stage.crops,
        mirror=stage.mirror,
        skip_steps=skip,
    )


def _content(config: Config, name: str, gaze_set: sets.GazeSet) -> dict[str, Any]:
    """What the batches that a stage learns from hold."""
    stage = config.stages[name]
    return {
        "sigma_px": gaze_set.sigma_px,
        "batch_size": stage.batch_size,
        "crops": stage.crops,
        "mirror": stage.mirror,
        "crop_around": stage.crop_around,
        "with_maps": needs_maps(name, stage),
        "with_fixations": checks.needs_fixations(config, name),
    }


def _validation_batches(
    config: Config, name: str, gaze_set: sets.GazeSet, split: str, replicas: int
) -> tf.data.Dataset:
    """What validation reads of a split, in batches of one size that all devices have a share of."""
    read = (*_READ, "fixation_counts") if checks.needs_fixations(config, name) else _READ
    size = math.ceil(_EVALUATION_BATCH / replicas) * replicas
    batches = central_batches(config, name, gaze_set, split, batch_size=size)
    return pipeline.whole_batches(batches.map(lambda batch: _only(batch, read)), size)


def _shown_while_training(
    config: Config, name: str, gaze_set: sets.GazeSet
) -> tf.data.Dataset | None:
    """A batch of a few test images for TensorBoard."""
    batches = shown_batches(config, name, gaze_set)
    if batches is None:
        return None

    def few(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {key: value[:_SHOWN_WHILE_TRAINING] for key, value in _only(batch, _READ).items()}

    return batches.take(1).map(few).cache()


def _only(batch: dict[str, tf.Tensor], keys: tuple[str, ...]) -> dict[str, tf.Tensor]:
    """What a batch has of some keys."""
    return {key: batch[key] for key in keys if key in batch}


def readable(gaze_set: sets.GazeSet) -> contextlib.AbstractContextManager[None]:
    """Has a broken image or a damaged file named while a stage reads a set; see `damage.named`."""
    source = pipeline.open_split(gaze_set.builder, "all")
    return damage.named(gaze_set, source, "What was learned until the newest checkpoint is saved. ")


def _source(gaze_set: sets.GazeSet, part: str, share: float) -> tf.data.Dataset:
    """The undecoded examples of a part of a set."""
    return pipeline.open_split(gaze_set.builder, gaze_set.split(part, share))


def central_batches(
    config: Config,
    name: str,
    gaze_set: sets.GazeSet,
    split: str,
    every: int = 1,
    batch_size: int = _EVALUATION_BATCH,
) -> tf.data.Dataset:
    """Central crops of a split: of all images, or of some that are evenly spread."""
    return _central_batches(gaze_set, config.geometry(name), split, every, batch_size)


@functools.lru_cache(maxsize=16)  # the stages of a run look at the same images
def _central_batches(
    gaze_set: sets.GazeSet, geometry: Geometry, split: str, every: int, batch_size: int
) -> tf.data.Dataset:
    """The pipeline of `central_batches`, made once for all stages."""
    source = pipeline.open_split(gaze_set.builder, split)
    if every > 1:
        source = source.shard(every, index=0).take(_SHOWN_IMAGES)
    return pipeline.evaluation_batches(
        source,
        geometry=geometry,
        sigma_px=gaze_set.sigma_px,
        batch_size=batch_size,
        with_maps=gaze_set.has_gaze,
    )


def shown_batches(config: Config, name: str, gaze_set: sets.GazeSet) -> tf.data.Dataset | None:
    """Test images for the picture, evenly spread over the split."""
    split = gaze_set.split("test")
    if split is None:
        return None
    count = gaze_set.size(split)
    return central_batches(config, name, gaze_set, split, every=max(count // _SHOWN_IMAGES, 1))
