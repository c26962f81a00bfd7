"""The job on an engine: a plan, the pipeline, and what became of the images."""

import contextlib
import dataclasses
import errno
import logging
import os
import pathlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.ml.inference.base import RunInference
from tqdm import tqdm

from salclass_tf import failures, prediction_shards
from salclass_tf.prediction import models
from salclass_tf.prediction.job import Summary, check_manner, maps_text
from salclass_tf.prediction.on_beam import places, plan, stages
from salclass_tf.prediction.on_beam.handler import ExportHandler
from salclass_tf.runs import finished_export
from salclass_tf.runs.files import hash_files
from salclass_tf.runs.sole_user import sole_user

_log = logging.getLogger(__name__)

_TOLD = 10  # images that are skipped; the others are in the shards
_LOOK_EVERY_S, _LOOK_AFAR_EVERY_S = 0.5, 30


@dataclasses.dataclass(frozen=True)
class Settings:
    """How images are predicted on an engine.

    Attributes:
        export_dir: place of the export.
        out_dir: place of all that is written.
        map_format: see `prediction.predict`.
        batch_size: see there.
        view: see there.
        shard_images: images of a shard.

    Raises:
        ValueError: if one of them is unknown, or below 1.
    """

    export_dir: str
    out_dir: str
    map_format: str
    batch_size: int
    view: str
    shard_images: int

    def __post_init__(self) -> None:
        """Validates the values."""
        check_manner(self.map_format, self.batch_size, self.view)
        if self.shard_images < 1:
            raise ValueError(f"shard_images must be at least 1; got {self.shard_images}")


def predict(
    settings: Settings, arguments: Sequence[str], listed: Sequence[str], options: Any
) -> Summary:
    """Predicts images and writes shards of predictions; see `prediction_shards`.

    Shards that are there stay: a job that was stopped goes on, and leaves what it would have left.

    Args:
        settings: how.
        arguments: images, see `plan.find`.
        listed: see there.
        options: `PipelineOptions`, see `engines.choose`.

    Returns:
        How many images were predicted and skipped.

    Raises:
        ValueError: if there is no export or image, the folder is that of another job, or on disk
            and in use.
    """
    version = finished_export.require(places.local_copy(settings.export_dir)).version
    model = models.load_export(version)
    root, pictures = plan.find(arguments, listed, settings.out_dir)
    facts = _facts(settings, model, hash_files([version / finished_export.GRAPH]))
    columns = prediction_shards.schema(model.top_k, model.makes_maps, facts)
    print(f"Model: {model.name}")
    del model  # workers load their own
    with _alone(settings.out_dir):
        job = plan.make(settings.out_dir, root, pictures, facts, settings.shard_images)
        _run(job, settings, columns, options)
        return _told(job)


def _alone(out_dir: str) -> contextlib.AbstractContextManager[None]:
    """Keeps a second job out of a folder on disk: it would remove what the first has begun."""
    if places.is_address(out_dir):
        return contextlib.nullcontext()
    return sole_user(pathlib.Path(out_dir))


def _facts(settings: Settings, model: models.Model, graph_sha256: str) -> dict[str, Any]:
    """What decides the content of the shards, besides the images."""
    facts = {"model": model.description, "graph_sha256": graph_sha256}
    if model.makes_maps:
        facts |= {"maps": maps_text(model, settings.view), "map_format": settings.map_format}
    # How many images the network gets together may change the last bit of a probability.
    return facts | {"view": settings.view, "batch_size": settings.batch_size}


def _run(job: plan.Plan, settings: Settings, columns: pa.Schema, options: Any) -> None:
    """Makes the shards that are not there."""
    places.remove_unfinished(job.shards_folder)
    finished = job.finished()
    missing = [shard for shard in job.shards if shard.number not in finished]
    if finished and missing:
        _log.info("%d of %d shards are there", len(finished), len(job.shards))
    if not missing:
        return
    handler = ExportHandler(settings.export_dir, settings.view, settings.map_format)
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | "Shards" >> beam.Create(missing)
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.ParDo(stages.ReadShards(job, settings.batch_size))
        | "Predict" >> RunInference(handler.with_no_batching())
        | "Write" >> beam.ParDo(stages.WriteShards(job, columns))
    )
    try:
        with _progress(job):
            pipeline.run().wait_until_finish()
    except Exception as error:
        # What a worker says comes as the text of its traceback.
        if not failures.is_full_disk(error):
            raise
        full = os.strerror(errno.ENOSPC)
        raise OSError(f"cannot write {job.folder}: {full}; {failures.MAKE_ROOM}") from error


@contextlib.contextmanager
def _progress(job: plan.Plan) -> Iterator[None]:
    """Shows how many shards are there, by looking at them."""
    ended = threading.Event()
    every = _LOOK_AFAR_EVERY_S if places.is_address(job.folder) else _LOOK_EVERY_S
    with tqdm(total=len(job.shards), unit="shard", leave=False, disable=None) as bar:

        def look() -> None:
            while not ended.wait(every):
                bar.update(len(job.finished()) - bar.n)

        looking = threading.Thread(target=look, daemon=True)
        if not bar.disable:
            looking.start()
        try:
            yield
        finally:
            ended.set()


def _told(job: plan.Plan) -> Summary:
    """Counts predictions, and says of the first images why they have none."""
    images, skipped = 0, 0
    for shard in job.shards:
        with places.open_to_read(job.place(shard)) as file:
            count, errors = prediction_shards.errors(file)
        for image, reason in errors[: max(_TOLD - skipped, 0)]:
            _log.warning("skipped %s: %s", image, reason)
        images, skipped = images + count, skipped + len(errors)
    if skipped > _TOLD:
        _log.warning("and %d more: column error of the shards", skipped - _TOLD)
    return Summary(images - skipped, skipped)
