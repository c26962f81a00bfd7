"""Checkpoints of a running stage: everything that the next step depends on."""

import json
import logging
import os
import pathlib
import shutil
import tempfile

import tensorflow as tf

from salclass_tf.devices.placement import LOST_PEER_ERRORS
from salclass_tf.failures import MAKE_ROOM, reason
from salclass_tf.model import GazeModel
from salclass_tf.runs.files import put
from salclass_tf.runs.finished_stage import SPARE

_log = logging.getLogger(__name__)

# What TensorFlow raises for a file that is cut short, altered, or of another network ...
_UNREADABLE = (tf.errors.OpError, IndexError, ValueError, AssertionError)
# ... and among it what says nothing against the file itself.
_BLAMELESS = (
    *LOST_PEER_ERRORS,
    tf.errors.InvalidArgumentError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    AssertionError,
    ValueError,
)


class Checkpoints:
    """Saves and restores a model, its optimizer and where the loop is.

    A checkpoint is a pair of TensorFlow's files, `ckpt-<step>.index` and its data. They are written
    in a folder of their own and moved, the index last: what has an index is finished. There is no
    list of them that could be lost.

    Args:
        folder: the stage's folder; checkpoints live in its `checkpoints/`.
        model: compiled, its optimizer built.
        keep: how many of the newest stay.
        writes: whether this process is the one that writes. The others have to save as well, since
            reading a variable may need all of them; what they save is thrown away.
        alone: whether there is no other process.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        model: GazeModel,
        keep: int = 2,
        writes: bool = True,
        alone: bool = True,
    ):
        self._alone = alone
        self._folder, self._keep, self._writes = folder / SPARE, keep, writes
        self._unfinished = self._folder / "unfinished"
        self._position = tf.Variable("", dtype=tf.string, trainable=False)
        means = [variable for mean in model.metrics for variable in mean.variables]
        variables = [*model.variables, *model.optimizer.variables, *means]
        # Unwrapped: Keras' metrics are nothing that TensorFlow's checkpoints know.
        self._checkpoint = tf.train.Checkpoint(
            variables=[variable.value for variable in variables], position=self._position
        )
        if writes:
            self._remove_unfinished()

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
            self._save_for_others(step)
            return
        try:
            self._checkpoint.write(str(self._unfinished / self._new_name(step)))
            # Not waited for until it is on the disk, which may take ten times as long: a machine
            # that loses power has the one before.
            for part in sorted(self._unfinished.iterdir()):  # "data" comes before "index"
                put(part, self._folder / part.name, durable=False)
            self._unfinished.rmdir()
        except (tf.errors.OpError, OSError) as error:
            if self._is_of_a_peer(error):
                raise
            self._remove_unfinished()
            raise OSError(
                f"cannot write the checkpoint of step {step} in {self._folder}: {reason(error)}. "
                f"Checkpoints before it are intact ({self.newest or 'there are none'}); "
                f"{MAKE_ROOM}"
            ) from error
        *older, newest = self._paths()
        for path in older[-1:]:
            _secure(path)  # before those go that the disk has for sure
        for path in [*older, newest][: -self._keep]:
            _remove(path)

    def _save_for_others(self, step: int) -> None:
        """Takes part in what the process that writes does."""
        with tempfile.TemporaryDirectory() as scratch:
            try:
                self._checkpoint.write(f"{scratch}/{step}")
            except (tf.errors.OpError, OSError) as error:
                if self._is_of_a_peer(error):
                    raise
                raise OSError(
                    f"cannot write in {pathlib.Path(scratch).parent}: {reason(error)}. Every "
                    "worker needs room for a checkpoint there; make room, or set TMPDIR"
                ) from error

    def _is_of_a_peer(self, error: Exception) -> bool:
        """Whether an error says that another process has gone."""
        return not self._alone and isinstance(error, LOST_PEER_ERRORS)

    def restore(self) -> dict | None:
        """Restores the newest checkpoint that is whole; newer ones, which are torn, are removed.

        Returns:
            The position it was saved with, None where there is no checkpoint.

        Raises:
            ValueError: if there are checkpoints and none of them reads.
        """
        there, torn, reasons = self._paths(), [], []
        for path in reversed(there):
            try:
                self._checkpoint.read(str(path)).assert_existing_objects_matched()
            except _UNREADABLE as error:
                reasons.append(reason(error))
                _log.warning(
                    "checkpoint %s does not read (%s); trying the one before", path, reasons[-1]
                )
                if not isinstance(error, _BLAMELESS):
                    torn.append(path)
                continue
            for one in torn if self._writes else ():
                _remove(one)  # it would take the place of a good one among those that stay
            return json.loads(self._position.numpy())
        if there:
            raise ValueError(
                f"no checkpoint in {self._folder} reads; of the newest, TensorFlow says: "
                f"{reasons[0]}. If it is of another network, perhaps made from another --data_dir, "
                f"name another --workdir; else remove {self._folder.parent} to train that stage "
                "again"
            )
        return None

    @property
    def newest(self) -> pathlib.Path | None:
        """Path of the newest checkpoint, without an ending; None before the first."""
        return next(reversed(self._paths()), None)

    def _paths(self) -> list[pathlib.Path]:
        """Paths of the checkpoints that are there, without an ending, the newest last."""
        return list_checkpoints(self._folder.parent)

    def _new_name(self, step: int) -> str:
        """A name of its own: a step may be saved twice, in its epoch and at the epoch's end."""
        times = [_numbers(path)[1] for path in self._paths() if _numbers(path)[0] == step]
        again = f"-{max(times) + 1}" if times else ""
        return f"ckpt-{step}{again}"

    def _remove_unfinished(self) -> None:
        """Removes what is left of checkpoints that were not written, or not removed, to the end."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        for path in self._folder.glob("ckpt-*.data-*"):
            if not path.with_suffix(".index").is_file():
                path.unlink()


def list_checkpoints(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the paths of a stage's checkpoints, without an ending, the newest last."""
    found = (folder / SPARE).glob("ckpt-*.index")
    return sorted((path.with_suffix("") for path in found), key=_numbers)


def _numbers(path: pathlib.Path) -> tuple[int, int]:
    """Step of a checkpoint, and which one of that step it is, from 1."""
    step, *again = path.name.split("-")[1:]
    return int(step), int(again[0]) if again else 1


def _secure(path: pathlib.Path) -> None:
    """Waits until a checkpoint is on the disk."""
    for part in path.parent.glob(f"{path.name}.*"):
        with part.open("rb") as file:
            os.fsync(file.fileno())


def _remove(path: pathlib.Path) -> None:
    """Removes a checkpoint, its index first: what is left of half of it is no checkpoint."""
    path.with_suffix(".index").unlink()
    for data in path.parent.glob(f"{path.name}.data-*"):
        data.unlink()
