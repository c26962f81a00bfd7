"""The steps of the pipeline before and after the network: images are read, shards written."""

import contextlib
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa

from salclass_tf import prediction_shards
from salclass_tf.prediction.on_beam import places
from salclass_tf.prediction.on_beam.handler import Read, Row
from salclass_tf.prediction.on_beam.plan import Picture, Plan, Shard


class ReadShards(beam.DoFn):
    """Reads the images of shards, in batches that no shard shares with another.

    So a shard is the same whichever others its worker makes.

    Args:
        plan: the job.
        batch_size: images of a batch.
    """

    def __init__(self, plan: Plan, batch_size: int):
        self._plan, self._batch_size = plan, batch_size

    def process(self, shard: Shard) -> Iterator[list[Read]]:
        """Yields the batches of a shard; none of one that is there, from an earlier attempt."""
        if places.exists(self._plan.place(shard)):
            return
        pictures = self._plan.pictures(shard)
        for start in range(0, len(pictures), self._batch_size):
            batch = enumerate(pictures[start : start + self._batch_size], start)
            yield [self._read(shard, place, picture) for place, picture in batch]

    def _read(self, shard: Shard, place: int, picture: Picture) -> Read:
        """An image, or why it cannot be read."""
        try:
            content = places.read(places.join(self._plan.root, picture.name))
        except OSError as error:
            return Read(shard, place, picture, b"", error.strerror or str(error))
        return Read(shard, place, picture, content, "")


class WriteShards(beam.DoFn):
    """Writes shards, each of which gets its name when it is whole.

    A shard's rows must come in order, in one bundle: they do, since all runners carry out steps
    without a shuffle between them as one. A shuffle would hold every map of the job back until the
    last one is made, and a job that is killed would have nothing.

    Args:
        plan: the job.
        columns: of `prediction_shards.schema`.
    """

    def __init__(self, plan: Plan, columns: pa.Schema):
        self._plan, self._columns = plan, columns

    def start_bundle(self) -> None:
        """Begins with no shard."""
        self._begun: dict[int, _Begun] = {}

    def process(self, row: Row) -> Iterator[int]:
        """Adds a row; yields the number of a shard that is whole."""
        shard = row.shard
        if shard.number not in self._begun:
            self._begun[shard.number] = _Begun(self._plan.place(shard), self._columns)
        begun = self._begun[shard.number]
        if begun.rows != row.place:
            self._refuse()
        begun.add(row)
        if begun.rows == shard.count:
            begun.publish()
            del self._begun[shard.number]
            yield shard.number

    def finish_bundle(self) -> None:
        """Checks that no shard is left half-written."""
        if self._begun:
            self._refuse()

    def teardown(self) -> None:
        """Removes what an error has left."""
        for begun in getattr(self, "_begun", {}).values():
            begun.discard()

    def _refuse(self) -> None:
        """Says why shards cannot be written."""
        self.teardown()
        raise RuntimeError(
            f"this runner has torn the images of shards {sorted(self._begun)} apart: it puts a "
            "shuffle between reading, predicting and writing, which must be one step"
        )


class _Begun:
    """A shard that is being written.

    Attributes:
        rows: how many it has.
    """

    def __init__(self, place: str, columns: pa.Schema):
        self.rows = 0
        self._unfinished = places.Unfinished(place)
        self._writer = prediction_shards.Writer(self._unfinished.file, columns)

    def add(self, row: Row) -> None:
        self._writer.add(row.columns)
        self.rows += 1

    def publish(self) -> None:
        try:
            self._writer.close()
            self._unfinished.publish()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a full disk; closed before
            self._writer.close()
        self._unfinished.discard()
