"""What builders of gaze sets share: one function makes an example, here or on Apache Beam."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import tensorflow_datasets as tfds

from tfds_builders.common import preparing, shuffling

Record = TypeVar("Record")
Made = tuple[str, dict[str, Any], dict[str, int]]

_NAMESPACE = "gaze_sets"


class GazeBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A builder that makes each example from a small record, by one function.

    The examples are made in this process, one after the other. Where the download configuration
    names a `beam_runner` or `beam_options`, Apache Beam makes them, on as many workers as it has,
    by the same function. Either way the counts that come with the examples are added up in
    `info.metadata`; a builder sets those counts to zero before it starts. Memory does not grow with
    the set.
    """

    _on_beam = False

    def download_and_prepare(self, **options: Any) -> None:
        """Downloads and prepares the set; see `tfds.core.DatasetBuilder`.

        Where another process prepares the same set, its end is waited for, and its set taken.

        Args:
            **options: as TFDS takes them. `download_config` with a `beam_runner` (such as
                "DirectRunner") or `beam_options` needs the package `apache-beam`.
        """
        config = options.get("download_config")
        self._on_beam = config is not None and bool(config.beam_runner or config.beam_options)

        def make() -> None:
            with shuffling.in_little_memory():
                super(GazeBuilder, self).download_and_prepare(**options)

        overwrite = config is not None and config.download_mode.overwrite_dataset
        if preparing.prepare(self, make, overwrite, cleans_up=True):
            self._check_taken(options)

    def _check_taken(self, options: Mapping[str, Any]) -> None:
        """Checks a set that another process has prepared; for sets that remember their files.

        Args:
            options: what this process would have prepared it with.

        Raises:
            ValueError: if it was made from other files.
        """

    def _generate_examples(
        self, make: Callable[[Record], Made], records: Iterable[Record]
    ) -> Any:  # an iterator of keys and examples, or a PTransform that yields them
        """Makes one split.

        Args:
            make: function of a module, so that Beam can send it to its workers; returns the key,
                the example and what to add to the counts.
            records: what `make` needs for each example. Picklable, and small: all of a split's are
                held at once on Beam.

        Returns:
            What TFDS takes as a split.
        """
        if not self._on_beam:
            return self._make_here(make, records)
        beam = tfds.core.lazy_imports.apache_beam
        return beam.Create(list(records)) | beam.Map(functools.partial(_make_on_worker, make))

    def _make_here(
        self, make: Callable[[Record], Made], records: Iterable[Record]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, example, counts in map(make, records):
            self._add(counts)
            yield key, example

    def _process_pipeline_result(self, pipeline_result: Any) -> None:
        """Fetches the counts from Beam's workers; TFDS calls this when they have finished."""
        for counter in pipeline_result.metrics().query()["counters"]:
            if counter.key.metric.namespace == _NAMESPACE:
                self._add({counter.key.metric.name: counter.result})

    def _add(self, counts: dict[str, int]) -> None:
        for name, count in counts.items():
            self.info.metadata[name] += count


def _make_on_worker(make: Callable[[Record], Made], record: Record) -> tuple[str, dict[str, Any]]:
    key, example, counts = make(record)
    for name, count in counts.items():
        tfds.beam.inc_counter(name, count, namespace=_NAMESPACE)
    return key, example
