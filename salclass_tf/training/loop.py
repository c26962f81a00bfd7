"""The one training loop: epochs of compiled steps on `tf.distribute`, resumable between any two."""

import dataclasses
import logging
import math
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterable

import tensorflow as tf
from tqdm import tqdm

from salclass_tf.config import Stage
from salclass_tf.model import GazeModel
from salclass_tf.training.checkpoints import Checkpoints
from salclass_tf.training.history import History
from salclass_tf.training.networks import KEPT, kept_part

_log = logging.getLogger(__name__)

#: what is monitored, and the sign that makes larger better
MONITORED = {"accuracy": 1.0, "saliency_loss": -1.0}
_CHECKPOINT_SECONDS = 120
_LOSS_CHECK_STEPS = 20


class Diverged(ValueError):
    """The loss is not a number any more."""


class Interrupted(KeyboardInterrupt):
    """The user, or the machine, asked the run to stop; its state is saved."""


@dataclasses.dataclass
class Position:
    """Where the loop is, and what it has seen so far.

    Attributes:
        epoch: epochs finished.
        epoch_step: steps taken in the epoch under way.
        step: steps taken in all.
        seconds: time spent in training steps.
        best: best value of each monitored quantity, larger being better.
        best_epoch: epoch of the kept network, counted from 1.
        stale_epochs: epochs since anything monitored improved.
    """

    epoch: int = 0
    epoch_step: int = 0
    step: int = 0
    seconds: float = 0.0
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    best_epoch: int = 0
    stale_epochs: int = 0


@dataclasses.dataclass(frozen=True)
class Feed:
    """The batches of a stage.

    Attributes:
        epoch: (epoch, steps to skip) -> batches, the same whenever it is asked.
        steps: batches in an epoch.
        validation: batches of the validation part, or None.
    """

    epoch: Callable[[int, int], tf.data.Dataset]
    steps: int
    validation: tf.data.Dataset | None


class Loop:
    """Trains one stage to its end.

    Args:
        name: of the stage.
        stage: its numbers.
        model: compiled.
        feed: its batches.
        folder: where checkpoints, history and the kept network go.
        max_steps: stop after so many steps, or None.
    """

    def __init__(
        self,
        name: str,
        stage: Stage,
        model: GazeModel,
        feed: Feed,
        folder: pathlib.Path,
        max_steps: int | None = None,
    ):
        """See the class."""
        self.name, self.stage, self.model, self.feed = name, stage, model, feed
        self.folder, self.max_steps = folder, max_steps
        self.strategy = tf.distribute.get_strategy()
        model.optimizer.build(model.trainable_variables)
        self.checkpoints = Checkpoints(folder, model)
        found = self.checkpoints.restore()
        self.position = Position(**(found or {}))
        if found:
            _log.info("stage %s goes on at step %d", name, self.position.step)
        self.history = History(folder, self.position.epoch)
        self._train_step = tf.function(self._distributed(model.train_step))
        self._test_step = tf.function(self._distributed(model.test_step), reduce_retracing=True)
        self._unchecked: list[tuple[int, tf.Tensor]] = []
        self._saved_at = self._clock = time.monotonic()

    def run(self) -> list[dict[str, float]]:
        """Trains until the epochs, the patience or `max_steps` end.

        Returns:
            The rows of the history.

        Raises:
            Diverged: if the loss becomes NaN or infinite; nothing of that state is saved.
            Interrupted: after SIGINT or SIGTERM, with the state saved.
        """
        with _StopSignals() as signals:
            while not self._finished():
                self._epoch(signals)
        return self.history.rows

    def _finished(self) -> bool:
        """Whether there is nothing left to train."""
        place = self.position
        stopped = self.max_steps is not None and place.step >= self.max_steps
        return (
            stopped or place.epoch >= self.stage.epochs or place.stale_epochs >= self.stage.patience
        )

    def _epoch(self, signals: "_StopSignals") -> None:
        """Runs what is left of an epoch, validates, keeps the best network, saves."""
        place = self.position
        if place.epoch_step == 0:
            self.model.reset_metrics()
        started = self._clock = time.monotonic()
        first = place.epoch_step
        with self._progress() as bar:
            for batch in self._batches():
                self._step(batch)
                bar.update(self.stage.batch_size)
                self._housekeeping(bar, signals)
                if self.max_steps is not None and place.step >= self.max_steps:
                    break
        self._check_losses()
        self._check_weights()
        seconds = self._note_time() - started
        row = {"epoch": place.epoch + 1, "step": place.step} | self._results()
        row["images_per_second"] = (place.epoch_step - first) * self.stage.batch_size / seconds
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        row |= self._validate()
        place.epoch, place.epoch_step = place.epoch + 1, 0
        self._keep_best(row)
        self.history.add(row)
        self._save()
        _log.info("%s epoch %d: %s", self.name, place.epoch, _summary(row))
        self._stop_if_asked(signals)

    def _batches(self) -> Iterable:
        """The batches that are left of this epoch, over all replicas."""
        dataset = self.feed.epoch(self.position.epoch, self.position.epoch_step)
        return self.strategy.experimental_distribute_dataset(dataset)

    def _step(self, batch) -> None:
        """Takes a step; its loss is looked at later, so that the device need not wait."""
        loss = self._train_step(batch)["step_loss"]
        self.position.step += 1
        self.position.epoch_step += 1
        self._unchecked.append((self.position.step, loss))

    def _housekeeping(self, bar: tqdm, signals: "_StopSignals") -> None:
        """Between two steps: looks at the losses, saves when it is time, stops when asked."""
        if self.position.step % _LOSS_CHECK_STEPS == 0:
            self._check_losses()
            bar.set_postfix_str(_summary(self._results()), refresh=False)
        due = time.monotonic() - self._saved_at > _CHECKPOINT_SECONDS
        if due or signals.received:
            self._check_losses()
            self._check_weights()
            self._note_time()
            self._save()
        self._stop_if_asked(signals)

    def _stop_if_asked(self, signals: "_StopSignals") -> None:
        """Raises where a signal has come; everything is saved by then."""
        if signals.received:
            raise Interrupted(f"stopped by {signals.received} at step {self.position.step}")

    def _note_time(self) -> float:
        """Adds what has passed since the last look to the training time; returns the moment."""
        now = time.monotonic()
        self.position.seconds += now - self._clock
        self._clock = now
        return now

    def _check_losses(self) -> None:
        """Raises where a loss since the last look is not finite."""
        for step, loss in self._unchecked:
            if not math.isfinite(float(loss)):
                raise self._diverged(f"the loss became {float(loss)}", step)
        self._unchecked.clear()

    def _check_weights(self) -> None:
        """Raises where a weight is not finite: the last step's loss was taken before its update."""
        finite = [tf.reduce_all(tf.math.is_finite(v)) for v in self.model.trainable_variables]
        if not all(bool(one) for one in finite):
            raise self._diverged("weights became infinite or NaN", self.position.step)

    def _diverged(self, what: str, step: int) -> Diverged:
        """The error that says where it happened and what is left."""
        kept = self.checkpoints.newest or "none yet"
        return Diverged(
            f"{what} at step {step} of stage {self.name}; last good checkpoint: {kept}. "
            "Try a lower learning rate, in another --workdir"
        )

    def _validate(self) -> dict[str, float]:
        """Scores the validation part, if there is one."""
        if self.feed.validation is None:
            return {}
        training = [mean.variables for mean in self.model.metrics]
        kept = [[variable.numpy() for variable in variables] for variables in training]
        self.model.reset_metrics()
        for batch in self.strategy.experimental_distribute_dataset(self.feed.validation):
            self._test_step(batch)
        results = {f"val_{name}": value for name, value in self._results().items()}
        for variables, values in zip(training, kept, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return results

    def _keep_best(self, row: dict[str, float]) -> None:
        """Writes the network if it is the best so far in the stage's own measure.

        That is the squared error for a detector and the accuracy for the others (Sec. 5.2); without
        validation the newest network is kept. Training stops when nothing monitored improves.
        """
        place = self.position
        values = {
            key: sign * row[f"val_{key}"] for key, sign in MONITORED.items() if f"val_{key}" in row
        }
        improved = [key for key, value in values.items() if value > place.best.get(key, -math.inf)]
        place.best |= {key: values[key] for key in improved}
        place.stale_epochs = 0 if improved or not values else place.stale_epochs + 1
        measure = "accuracy" if "accuracy" in values else "saliency_loss"
        if measure in improved or not values:
            place.best_epoch = place.epoch
            temporary = self.folder / f"unfinished-{KEPT}"
            kept_part(self.model).save(temporary)
            os.replace(temporary, self.folder / KEPT)

    def _save(self) -> None:
        """Writes a checkpoint."""
        self.checkpoints.save(self.position.step, dataclasses.asdict(self.position))
        self._saved_at = time.monotonic()

    def _results(self) -> dict[str, float]:
        """The running means."""
        return {mean.name: float(mean.result()) for mean in self.model.metrics}

    def _progress(self) -> tqdm:
        """A progress bar over the images of the epoch."""
        steps = self.feed.steps
        if self.max_steps is not None:
            steps = min(steps, self.position.epoch_step + self.max_steps - self.position.step)
        return tqdm(
            total=steps * self.stage.batch_size,
            initial=self.position.epoch_step * self.stage.batch_size,
            desc=f"{self.name} {self.position.epoch + 1}/{self.stage.epochs}",
            unit="img",
            mininterval=0.5 if sys.stderr.isatty() else 15.0,
            dynamic_ncols=True,
        )

    def _distributed(self, step: Callable) -> Callable:
        """Runs a step on every replica; the mean of what each returns."""

        def on_replicas(batch):
            results = self.strategy.run(step, args=(batch,))
            return tf.nest.map_structure(
                lambda value: self.strategy.reduce("MEAN", value, axis=None), results
            )

        return on_replicas


class _StopSignals:
    """Notes SIGINT and SIGTERM instead of dying of them, while inside a `with`."""

    received: str = ""

    def __enter__(self) -> "_StopSignals":
        self._before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame) -> None:
        self.received = signal.Signals(number).name


def _summary(values: dict[str, float]) -> str:
    """A line of the numbers that a person wants to see."""
    return " ".join(
        f"{name} {value:.4g}" for name, value in values.items() if name not in ("epoch", "step")
    )
