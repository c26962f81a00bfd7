"""The one training loop: epochs of compiled steps on `tf.distribute`, resumable between any two."""

import contextlib
import dataclasses
import functools
import logging
import math
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salclass_tf import failures, figures, keras_internals
from salclass_tf.config import Stage
from salclass_tf.data import damage
from salclass_tf.devices.placement import Placement
from salclass_tf.model import GazeModel
from salclass_tf.model.gaze_model import FEATURES
from salclass_tf.runs.files import whole
from salclass_tf.runs.finished_stage import KEPT
from salclass_tf.signals import Interrupted, StopSignals
from salclass_tf.training import batch_statistics, compilation
from salclass_tf.training.checkpoints import Checkpoints
from salclass_tf.training.execution import Execution
from salclass_tf.training.final_scores import Forward
from salclass_tf.training.history import History
from salclass_tf.training.networks import fuse_normalizations, kept_part, rate_of_last_step

_log = logging.getLogger(__name__)

#: what is monitored, and the sign that makes larger better
MONITORED = {"accuracy": 1.0, "saliency_loss": -1.0}
_LOSS_CHECK_STEPS = 20
_SAVING_SHARE = 0.02
_DATA_ERRORS = (*damage.DATA_ERRORS, tf.errors.InvalidArgumentError)


class Diverged(ValueError):
    """The loss is not a number any more."""


@dataclasses.dataclass
class Position:
    """Where the loop is, and what it has seen so far.

    Attributes:
        epoch: epochs finished.
        epoch_step: steps taken in the epoch under way.
        step: steps taken in all.
        seconds: time spent in training steps.
        epoch_seconds: the same, in the epoch under way.
        best: best value of each monitored quantity, larger being better.
        best_epoch: epoch of the kept network, counted from 1.
        stale_epochs: epochs since anything monitored improved.
    """

    epoch: int = 0
    epoch_step: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    best_epoch: int = 0
    stale_epochs: int = 0


@dataclasses.dataclass(frozen=True)
class Feed:
    """The batches of a stage.

    Attributes:
        epoch: (epoch, steps to skip) -> batches, the same whenever it is asked.
        steps: batches in an epoch.
        validation: batches of the validation part, all of one size, or None; see
            `pipeline.whole_batches`.
        shown: a batch of images to show in TensorBoard, or None.
        class_names: in label order, where there are classes.
    """

    epoch: Callable[[int, int], tf.data.Dataset]
    steps: int
    validation: tf.data.Dataset | None
    shown: tf.data.Dataset | None = None
    class_names: tuple[str, ...] = ()


class Loop:
    """Trains one stage to its end.

    Keras' callbacks see of it what they see of `fit`, `stop_training` included.

    Args:
        name: of the stage.
        stage: its numbers.
        model: compiled, under the placement's strategy.
        feed: its batches.
        folder: where checkpoints, history and the kept network go.
        max_steps: maximum number of steps, or None.
        placement: the devices; None is whatever TensorFlow takes.
        execution: when to save, what to keep, callbacks.
        compiled: what of the step XLA compiles, see `compilation.Compilation`; for one device.
        fit_statistics: whether batch normalisation is fitted to training batches after each epoch,
            before validation.
        forward: answers of the network that the stage keeps, if some have been traced before.

    Attributes:
        forward: answers of the network that the stage keeps, with the weights of now.
    """

    def __init__(
        self,
        name: str,
        stage: Stage,
        model: GazeModel,
        feed: Feed,
        folder: pathlib.Path,
        max_steps: int | None = None,
        placement: Placement | None = None,
        execution: Execution | None = None,
        compiled: str = "none",
        fit_statistics: bool = False,
        forward: Forward | None = None,
    ):
        self.name, self.stage, self.model, self.feed = name, stage, model, feed
        self.folder, self.max_steps = folder, max_steps
        self.placement = placement or Placement(tf.distribute.get_strategy(), "as it is")
        self.execution = execution or Execution()
        self.strategy, self.writes = self.placement.strategy, self.placement.is_chief
        with self.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        keep = self.execution.keep_checkpoints
        alone = self.placement.workers == 1
        self.checkpoints = Checkpoints(folder, model, keep, self.writes, alone)
        found = self.checkpoints.restore()
        self.position = Position(**(found or {}))
        there = f"a checkpoint of step {self.position.step} in {folder}" if found else "none so far"
        self.placement.require_same(there, found)
        if found:
            _log.info("stage %s goes on at step %d", name, self.position.step)
        self.history = History(folder, self.position.epoch, self.writes)
        self.callbacks = keras.callbacks.CallbackList(
            list(self.execution.callbacks(name)),
            model=model,
            epochs=stage.epochs,
            steps=feed.steps,
            verbose=0,
        )
        if compiled != "xla" and not isinstance(self.strategy, tf.distribute.TPUStrategy):
            fuse_normalizations(model)
        self._fitting = batch_statistics.Fitting(model, self.strategy) if fit_statistics else None
        self._to_compile = compiled != "none"
        self._train_step = tf.function(
            self._on_replicas(compilation.training_step(model, compiled), "step_loss"),
            autograph=False,  # no Python control flow over tensors: nothing to translate
            jit_compile=compiled == "xla" or None,
        )
        self.forward = forward or Forward(kept_part(model))
        self._test_step = tf.function(self._on_replicas(model.test_step), autograph=False)
        self._track = tf.function(model.track, autograph=False)
        self._unchecked: list[tuple[int, tf.Tensor]] = []
        self._saved_at = self._clock = time.monotonic()
        self._saving = 0.0
        self._just_kept = False

    def run(self) -> list[dict[str, float]]:
        """Trains until the epochs, the patience, a callback or `max_steps` end.

        Returns:
            The rows of the history.

        Raises:
            Diverged: if the loss becomes NaN or infinite; nothing of that state is saved.
            Interrupted: after SIGINT or SIGTERM, with the state saved.
            OSError: if something cannot be written; what was written before is intact.
        """
        self.model.stop_training = False
        self.callbacks.on_train_begin()
        with StopSignals() as signals:
            while not self.is_finished:
                self._epoch(signals)
        self.callbacks.on_train_end(self.history.rows[-1] if self.history.rows else None)
        return self.history.rows

    @property
    def holds_kept(self) -> bool:
        """Whether the network still has the weights that this loop has written as the best."""
        # What callbacks do to the weights after an epoch is not known.
        return self._just_kept and not self.callbacks.callbacks

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to train."""
        place = self.position
        # An epoch that was begun is still to be validated, also where no step of it is left.
        stopped = self._at_limit() and place.epoch_step == 0
        stopped = stopped or self.model.stop_training
        return (
            stopped or place.epoch >= self.stage.epochs or place.stale_epochs >= self.stage.patience
        )

    def _at_limit(self) -> bool:
        """Whether no more steps may be taken."""
        return self.max_steps is not None and self.position.step >= self.max_steps

    def _epoch(self, signals: StopSignals) -> None:
        """Runs what is left of an epoch, validates, keeps the best network, saves."""
        place = self.position
        if place.epoch_step == 0:
            self.model.reset_metrics()
        self._clock = time.monotonic()
        self._just_kept = False
        self.callbacks.on_epoch_begin(place.epoch)
        with self._progress() as bar, self._saved_on(*_DATA_ERRORS):
            for batch in () if self._at_limit() else self._batches():
                self._step(batch)
                bar.update(self.stage.batch_size)
                self._housekeeping(bar, signals)
                if self._at_limit() or self.model.stop_training:
                    break
        self._check_losses()
        self._check_weights()
        self._note_time()
        row = {"epoch": place.epoch + 1, "step": place.step} | self._results()
        row["images_per_second"] = place.epoch_step * self.stage.batch_size / place.epoch_seconds
        row["learning_rate"] = rate_of_last_step(self.model.optimizer)
        self._fit_statistics()
        row |= self._validate(signals)
        pictures = self._pictures()
        place.epoch, place.epoch_step, place.epoch_seconds = place.epoch + 1, 0, 0.0
        self._keep_best(row)
        self.history.add(row, pictures)
        self._save()
        _log.info("%s epoch %d: %s", self.name, place.epoch, _summary(row))
        self.callbacks.on_epoch_end(place.epoch - 1, row)
        self._stop_if(*self.placement.any_worker([bool(signals.received)]), signals)

    def _batches(self) -> Iterable:
        """The batches that are left of this epoch, over all replicas."""
        dataset = self.feed.epoch(self.position.epoch, self.position.epoch_step)
        return self.strategy.experimental_distribute_dataset(dataset)

    @contextlib.contextmanager
    def _saved_on(self, *errors: type[BaseException]) -> Iterator[None]:
        """Saves where the run is if it cannot go on for one of these."""
        try:
            yield
        except errors as error:
            # Saving takes all workers: they stop together, but data may be gone for one alone.
            if self.placement.workers == 1 or isinstance(error, Interrupted):
                self._check_losses()
                self._check_weights()
                self._note_time()
                self._save()
            raise

    def _step(self, batch) -> None:
        """Takes a step; its loss is looked at later, so that the device need not wait."""
        self.callbacks.on_train_batch_begin(self.position.epoch_step)
        with compilation.shown(self.name) if self._to_compile else contextlib.nullcontext():
            loss = self._train_step(batch)
        self._to_compile = False
        self.position.step += 1
        self.position.epoch_step += 1
        self._unchecked.append((self.position.step, loss))
        self.callbacks.on_train_batch_end(self.position.epoch_step - 1, {"loss": loss})

    def _housekeeping(self, bar: tqdm, signals: StopSignals) -> None:
        """Between two steps: looks at the losses, saves when it is time, stops when asked."""
        looks = self.position.step % _LOSS_CHECK_STEPS == 0
        if looks:
            self._check_losses()
            bar.set_postfix_str(_summary(self._results()), refresh=False)
        if self.placement.workers > 1 and not (looks or self.execution.checkpoint_steps):
            return  # asking the others costs as much as waiting for the step
        stop, due = self.placement.any_worker([bool(signals.received), self._is_due()])
        if due or stop:
            self._check_losses()
            self._check_weights()
            self._note_time()
            self._save()
        self._stop_if(stop, signals)

    def _is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        if self.execution.checkpoint_steps:
            return self.position.step % self.execution.checkpoint_steps == 0
        interval = max(self.execution.checkpoint_seconds, self._saving / _SAVING_SHARE)
        return time.monotonic() - self._saved_at > interval

    def _stop_if(self, asked: bool, signals: StopSignals) -> None:
        """Raises where a signal has come to any worker."""
        if asked:
            by = signals.received or "another worker"
            raise Interrupted(f"stopped by {by} at step {self.position.step}")

    def _note_time(self) -> None:
        """Adds what has passed since the last look to the training time."""
        now = time.monotonic()
        self.position.seconds += now - self._clock
        self.position.epoch_seconds += now - self._clock
        self._clock = now

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

    def _fit_statistics(self) -> None:
        """Fits batch normalisation to batches that this epoch has seen, where that is asked for."""
        if self._fitting is not None:
            batches = self.feed.epoch(self.position.epoch, 0).take(self.position.epoch_step)
            with self._saved_on(*_DATA_ERRORS):
                self._fitting.measure(batches)

    def _validate(self, signals: StopSignals) -> dict[str, float]:
        """Scores the validation part, if there is one."""
        if self.feed.validation is None:
            return {}
        self.callbacks.on_test_begin()
        with self._saved_on(Interrupted, *_DATA_ERRORS), self._training_means_kept():
            self.model.reset_metrics()
            batches = self.strategy.experimental_distribute_dataset(self.feed.validation)
            for number, batch in enumerate(batches):
                self.callbacks.on_test_batch_begin(number)
                self._test(batch)
                self.callbacks.on_test_batch_end(number)
                if self.placement.workers == 1 or (number + 1) % _LOSS_CHECK_STEPS == 0:
                    self._stop_if(*self.placement.any_worker([bool(signals.received)]), signals)
            results = {f"val_{name}": value for name, value in self._results().items()}
        self.callbacks.on_test_end(results)
        return results

    def _test(self, batch) -> None:
        """Scores a batch; on one device by the answers that final scores and pictures need too.

        Kept features are read by the step alone.
        """
        by_answers = self.model.is_scored_by_answers and FEATURES not in batch
        if self.strategy.num_replicas_in_sync > 1 or not by_answers:
            self._test_step(batch)
        else:
            self._track(batch, self.forward(batch))

    @contextlib.contextmanager
    def _training_means_kept(self) -> Iterator[None]:
        """Puts the running means of training back if validation does not come to its end."""
        variables = [variable for mean in self.model.metrics for variable in mean.variables]
        before = [variable.numpy() for variable in variables]
        try:
            yield
        except BaseException:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
            raise

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
            self._write_network()
            self._just_kept = True

    def _write_network(self) -> None:
        """Writes the network whole or not at all; workers that do not write throw theirs away."""
        keras_internals.remember_saved_attributes()
        with tempfile.TemporaryDirectory() as scratch:
            folder = self.folder if self.writes else pathlib.Path(scratch)
            try:
                with whole(folder / KEPT) as temporary:
                    kept_part(self.model).save(temporary)
            except OSError as error:
                why = failures.reason(error.__cause__ or error)
                raise OSError(
                    f"cannot write {self.folder / KEPT}: {why}. The checkpoints are intact; "
                    f"{failures.MAKE_ROOM}"
                ) from error

    def _pictures(self) -> np.ndarray | None:
        """The images to show, with true and predicted map, true and answered class."""
        if self.feed.shown is None:
            return None
        with self._saved_on(*_DATA_ERRORS):
            [batch] = self.feed.shown
        out = self.forward(batch)
        maps = [source["saliency"] for source in (batch, out) if "saliency" in source]
        answers = []
        if "logits" in out:
            pairs = zip(batch["label"], np.argmax(out["logits"], -1), strict=True)
            answers = [tuple(self.feed.class_names[int(n)] for n in pair) for pair in pairs]
        return figures.strips(batch["image"], maps, answers)

    def _save(self) -> None:
        """Writes a checkpoint."""
        started = time.monotonic()
        self.checkpoints.save(self.position.step, dataclasses.asdict(self.position))
        self._saved_at = time.monotonic()
        self._saving = self._saved_at - started

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

    def _on_replicas(self, step: Callable, wanted: str | None = None) -> Callable:
        """Runs a step on every replica; the mean over the replicas of one of its results."""

        def on_replicas(batch):
            results = self.strategy.run(step, args=(batch,))
            return self.strategy.reduce("MEAN", results[wanted], axis=None) if wanted else None

        # TensorFlow warns of much tracing by the code of a function, which all stages share.
        return functools.partial(on_replicas)


def _summary(values: dict[str, float]) -> str:
    """A line of the numbers that a person wants to see."""
    return " ".join(
        f"{name} {value:.4g}" for name, value in values.items() if name not in ("epoch", "step")
    )
