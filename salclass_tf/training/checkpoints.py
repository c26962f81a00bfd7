"""Checkpoints of a running stage: everything that the next step depends on."""

import json
import logging
import pathlib

import tensorflow as tf

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
    """

    def __init__(self, folder: pathlib.Path, model: GazeModel, keep: int = 2):
        """See the class."""
        self._position = tf.Variable("", dtype=tf.string, trainable=False)
        means = [variable for mean in model.metrics for variable in mean.variables]
        variables = [*model.variables, *model.optimizer.variables, *means]
        # Unwrapped: Keras' metrics are nothing that TensorFlow's checkpoints know.
        checkpoint = tf.train.Checkpoint(
            variables=[variable.value for variable in variables], position=self._position
        )
        self._manager = tf.train.CheckpointManager(
            checkpoint, str(folder / "checkpoints"), max_to_keep=keep
        )

    def save(self, step: int, position: dict) -> str:
        """Writes a checkpoint; the one before stays complete until this one is.

        Args:
            step: steps taken since the stage began.
            position: where the loop is, plain types.

        Returns:
            Path prefix of the checkpoint.
        """
        self._position.assign(json.dumps(position))
        return self._manager.save(checkpoint_number=step)

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
