"""Checkpoints of a running stage: everything that the next step depends on."""

import json
import logging
import pathlib
import tempfile

import tensorflow as tf

from salclass_tf.distribution import LOST_PEER_ERRORS
from salclass_tf.model import GazeModel

_log = logging.getLogger(__name__)

# What TensorFlow raises for a file that is cut short, altered, or of another network.
_UNREADABLE = (tf.errors.OpError, IndexError, ValueError, AssertionError)


class Checkpoints:
    """Saves and restores a model, its optimizer and where the loop is.

    Args:
        folder: the stage's folder; checkpoints live in its `checkpoints/`.
        model: compiled, its optimizer built.
        keep: how many of the newest stay.
        writes: whether this process is the one that writes. The others have to save as well, since
            reading a variable may need all of them; what they save is thrown away.
    """

    def __init__(self, folder: pathlib.Path, model: GazeModel, keep: int = 2, writes: bool = True):
        """See the class."""
        self._position = tf.Variable("", dtype=tf.string, trainable=False)
        self._writes = writes
        means = [variable for mean in model.metrics for variable in mean.variables]
        variables = [*model.variables, *model.optimizer.variables, *means]
        # Unwrapped: Keras' metrics are nothing that TensorFlow's checkpoints know.
        checkpoint = tf.train.Checkpoint(
            variables=[variable.value for variable in variables], position=self._position
        )
        self._manager = tf.train.CheckpointManager(
            checkpoint, str(folder / "checkpoints"), max_to_keep=keep
        )

    def save(self, step: int, position: dict) -> None:
        """Writes a checkpoint; the one before stays complete until this one is.

        Args:
            step: steps taken since the stage began.
            position: where the loop is, plain types.

        Raises:
            OSError: if it cannot be written; what it left behind is removed.
        """
        self._position.assign(json.dumps(position))
        if not self._writes:
            with tempfile.TemporaryDirectory() as scratch:
                self._manager.checkpoint.write(f"{scratch}/{step}")
            return
        try:
            self._manager.save(checkpoint_number=step)
        except LOST_PEER_ERRORS:
            raise
        except (tf.errors.OpError, OSError) as error:
            self._remove_unfinished(step)
            reason = str(error).splitlines()[0]
            raise OSError(
                f"cannot write the checkpoint of step {step} in {self._manager.directory}: "
                f"{reason}. Checkpoints before it are intact ({self.newest or 'there are none'}); "
                "make room, then the same command goes on"
            ) from error

    def restore(self) -> dict | None:
        """Restores the newest checkpoint that is whole.

        Returns:
            The position it was saved with, None where there is no checkpoint.

        Raises:
            ValueError: if there are checkpoints and none of them reads.
        """
        for path in reversed(self._manager.checkpoints):
            try:
                self._manager.checkpoint.restore(path).assert_existing_objects_matched()
            except _UNREADABLE as error:
                _log.warning("checkpoint %s does not read (%s); trying the one before", path, error)
                continue
            return json.loads(self._position.numpy())
        if self._manager.checkpoints:
            folder = self._manager.directory
            raise ValueError(
                f"no checkpoint in {folder} reads; remove the stage's folder to train it again"
            )
        return None

    @property
    def newest(self) -> str | None:
        """Path prefix of the newest checkpoint, None before the first."""
        return self._manager.latest_checkpoint

    def _remove_unfinished(self, step: int) -> None:
        """Removes the files of a checkpoint that could not be written."""
        for path in pathlib.Path(self._manager.directory).glob(f"ckpt-{step}.*"):
            path.unlink(missing_ok=True)
