"""Networks of several seeds, asked again: what benchmarks of runs of the demo share."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

from salclass_tf import config
from salclass_tf.data import sets
from salclass_tf.evaluation.maps import resampling
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.runs.seeds import seeds_in
from salclass_tf.training import feeding

#: the parts of a data set that networks are asked on
PARTS = ("validation", "test")
_CONFIDENCE, _RESAMPLES = 0.95, 9999

Answer = Callable[[dict[str, tf.Tensor]], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run of one seed.

    Args:
        folder: with a folder for each stage.
        data_dir: prepared data sets, None for TFDS' own place.
        stage: whose images are taken.
    """

    folder: pathlib.Path
    data_dir: str | None
    stage: str

    def __post_init__(self):
        """Computes as the stage did."""
        keras.config.set_dtype_policy(self._begun.settings["precision"])

    @property
    def _begun(self) -> FinishedStage:
        return FinishedStage(self.folder / self.stage)

    @property
    def config(self) -> config.Config:
        """The demo's settings for the set of the stage, with its seed."""
        known = self._begun.settings
        chosen = config.build_config("demo", known["stage"]["dataset"])
        return dataclasses.replace(chosen, seed=known["seed"], precision=known["precision"])

    def central_batches(self, part: str) -> tf.data.Dataset:
        """Central crops of a part of the set, with true maps."""
        gaze_set = self._gaze_set()
        split = gaze_set.split(part, self.config.stages[self.stage].validation_share)
        return feeding.central_batches(self.config, self.stage, gaze_set, split)

    def training_batches(self, count: int) -> tf.data.Dataset:
        """Batches as the stage's first epochs have them."""
        feed = feeding.build_feed(self.config, self.stage, self._gaze_set())
        batches = feed.epoch(0, 0)
        for epoch in range(1, -(-count // feed.steps)):
            batches = batches.concatenate(feed.epoch(epoch, 0))
        return batches.take(count)

    def _gaze_set(self) -> sets.GazeSet:
        return sets.open_set(self.config.stages[self.stage].dataset, self.data_dir, None)


def runs_of(family: str, stages: tuple[str, ...]) -> Iterator[pathlib.Path]:
    """The runs of a family in which some stages are finished.

    Raises:
        ValueError: if there is none.
    """
    found = [
        folder
        for folder in seeds_in(pathlib.Path(family)).values()
        if all(FinishedStage(folder / name).is_finished for name in stages)
    ]
    if not found:
        raise ValueError(f"{family} has no seeds with {', '.join(stages)}; train them: --seeds=0,1")
    return iter(found)


def right(answer: Answer, batches: tf.data.Dataset) -> np.ndarray:
    """Whether the first guess is right, image by image, bool [n]."""
    found = [np.argmax(answer(batch), -1) == batch["label"].numpy() for batch in batches]
    return np.concatenate(found)


def table(found: Mapping[str, Mapping[str, list[np.ndarray]]], first: str) -> str:
    """Returns a Markdown table of accuracies.

    Args:
        found: row -> part -> for each seed, whether each image is named right.
        first: the row that the others are compared with.
    """
    lines = [
        "| | " + " | ".join(f"{part} | seeds | less {first!r}" for part in PARTS) + " |",
        "|---|" + "--:|---|--:|" * len(PARTS),
    ]
    for name, by_part in found.items():
        cells = [name]
        for part in PARTS:
            scores = np.stack(by_part[part]).astype(float)
            gain = scores - np.stack(found[first][part]) if name != first else None
            single = ", ".join(f"{one:.3f}" for one in scores.mean(axis=1))
            cells += [f"{scores.mean():.3f}", single, _with_interval(gain)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _with_interval(values: np.ndarray | None) -> str:
    """The mean of a table of seeds and images, with its interval over both."""
    if values is None:
        return ""
    low, high = resampling.two_way(values, _CONFIDENCE, _RESAMPLES, seed=0)
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
