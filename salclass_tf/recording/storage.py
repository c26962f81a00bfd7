"""A person's session on disk: each trial is there, whole, before the next begins."""

import contextlib
import json
import os
import pathlib
import shutil
from typing import Any

from salclass_tf.recording import trial
from salclass_tf.runs import files

SESSIONS = "sessions"
_SETUP = "session.json"
_FREE_BYTES = 500 * 2**20


class Session:
    """The folder `sessions/<code>` of a recording.

    `trials/0007.json` is a finished trial; `started/0007-1` says that the picture was about to be
    shown for the first time; `aborted/0007-1.json` is what an interrupted trial had recorded;
    `training/` and `probes/` hold an answer each. Nothing is written before `open`.

    Args:
        recording: the folder of the whole recording.
        code: the person.
    """

    def __init__(self, recording: str | os.PathLike, code: str) -> None:
        self.code = code
        self.folder = pathlib.Path(recording) / SESSIONS / code

    def open(self, setup: dict[str, Any]) -> None:
        """Begins the session, or goes on with it.

        Args:
            setup: plan, screen and tracker of today.

        Raises:
            OSError: if the disk is nearly full.
            ValueError: if the session was begun with another setup.
        """
        self.check(setup)
        if not (self.folder / _SETUP).exists():
            _write(self.folder / _SETUP, setup)

    def check(self, setup: dict[str, Any]) -> None:
        """Checks whether the session could be opened, and writes nothing.

        Args:
            setup: as of `open`.

        Raises:
            OSError: if the disk is nearly full.
            ValueError: if the session was begun with another setup.
        """
        if (free := shutil.disk_usage(self.folder.parents[1]).free) < _FREE_BYTES:
            raise OSError(
                f"a session needs {_FREE_BYTES >> 20} MB of free space; {self.folder} has "
                f"{free >> 20}. Free some, then the same command goes on"
            )
        if (self.folder / _SETUP).exists():
            check_same(self.setup(), setup, str(self.folder))

    def setup(self) -> dict[str, Any]:
        """Reads plan, screen and tracker of the session."""
        return _read(self.folder / _SETUP)

    def done(self) -> set[int]:
        """Returns the indices of finished trials."""
        return {int(path.stem) for path in self._files("trials")}

    def trials(self) -> list[trial.Trial]:
        """Reads all finished trials, in the plan's order.

        Raises:
            ValueError: if a file is damaged.
        """
        return [_trial(path) for path in self._files("trials")]

    def begin(self, index: int) -> int:
        """Notes that a picture is about to be shown.

        Args:
            index: of the trial.

        Returns:
            The number of this attempt, from 1.
        """
        attempt = 1 + len(list(self.folder.glob(f"started/{index:04d}-*")))
        _write(self.folder / "started" / f"{index:04d}-{attempt}", {"attempt": attempt})
        return attempt

    def withdraw(self, index: int, attempt: int) -> None:
        """Takes back that a picture was about to be shown, since it did not appear."""
        (self.folder / "started" / f"{index:04d}-{attempt}").unlink()

    def finish(self, finished: trial.Trial) -> None:
        """Writes a trial.

        Raises:
            OSError: if it cannot be written; nothing half-written stays.
        """
        _write(self.folder / "trials" / f"{finished.index:04d}.json", finished.to_dict())

    def abort(self, index: int, attempt: int, why: str, rest: dict[str, Any]) -> None:
        """Keeps what an interrupted trial had recorded; it will be repeated.

        Args:
            index: of the trial.
            attempt: its number.
            why: for the reader.
            rest: samples up to the interruption.
        """
        path = self.folder / "aborted" / f"{index:04d}-{attempt}.json"
        _write(path, {"why": why, "index": index, "attempt": attempt} | rest)

    def aborted(self) -> int:
        """Returns how many attempts came to nothing, those of a killed session included."""
        return len(list(self.folder.glob("started/[0-9]*"))) - len(self.done())

    def answer(self, kind: str, name: str, given: dict[str, Any]) -> None:
        """Writes an answer of training or of the questions of "memory".

        Args:
            kind: "training" or "probes".
            name: of the file, such as "1-003".
            given: what was asked and answered.
        """
        _write(self.folder / kind / f"{name}.json", given)

    def answers(self, kind: str) -> dict[str, dict[str, Any]]:
        """Reads the answers of one kind, by name."""
        return {path.stem: _read(path) for path in self._files(kind)}

    def note(self, name: str, content: dict[str, Any]) -> None:
        """Writes something else about the session, such as a validation; older notes stay.

        Args:
            name: what it is.
            content: a JSON object.
        """
        _write(self.folder / f"{name}-{self._next(name, '.json')}.json", content)

    def raw_name(self) -> pathlib.Path:
        """Returns a name without suffix for the raw HDF5 file of this start of the session."""
        return self.folder / f"raw-{self._next('raw', '.hdf5')}"

    def _next(self, name: str, suffix: str) -> int:
        """One more than the greatest number there is, so that no file is written over."""
        ends = [path.stem.removeprefix(f"{name}-") for path in self.folder.glob(f"*{suffix}")]
        return 1 + max((int(end) for end in ends if end.isdecimal()), default=0)

    def _files(self, kind: str) -> list[pathlib.Path]:
        # What a killed session was writing has a name that begins with a point.
        return sorted((self.folder / kind).glob("[!.]*.json"))


def check_same(stored: dict[str, Any], setup: dict[str, Any], where: str) -> None:
    """Checks that two sessions, or two starts of one, can be of one study.

    Args:
        stored: the setup of the first.
        setup: of the second.
        where: the second, for the message.

    Raises:
        ValueError: if they differ; the message says in what.
    """
    if stored.get("plan") != setup.get("plan"):
        raise ValueError(f"{where} belongs to another plan; give --out the folder of that plan")
    other = sorted(k for k in {*stored, *setup} if stored.get(k) != setup.get(k))
    if other:
        was = ", ".join(f"{key} {stored.get(key)}" for key in other)
        now = ", ".join(f"{key} {setup.get(key)}" for key in other)
        raise ValueError(
            f"{where}: all sessions of a study must have one screen and one tracker; it has {was}, "
            f"and now {now}. Set them alike, or begin another recording with another --out"
        )


def sessions(recording: str | os.PathLike) -> list[Session]:
    """Lists the sessions of a recording that have begun, by code.

    Args:
        recording: its folder.

    Returns:
        The sessions.
    """
    top = pathlib.Path(recording) / SESSIONS
    return [Session(recording, path.parent.name) for path in sorted(top.glob(f"*/{_SETUP}"))]


def _write(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes a file so that it survives the loss of power: the folder is synchronised as well."""
    files.write_json(path, content)
    with contextlib.suppress(OSError, AttributeError):  # Windows has no folders to synchronise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); restore it from a copy, or remove it to repeat the trial"
        ) from error


def _trial(path: pathlib.Path) -> trial.Trial:
    try:
        return trial.from_dict(_read(path))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is no trial ({error!r}); restore it from a copy") from error
