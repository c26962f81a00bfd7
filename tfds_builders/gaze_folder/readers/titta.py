"""Titta, for Tobii: the HDF5 files that its `save_data` writes through pandas."""

import dataclasses
import io
import pathlib
import pickle
import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import presentation, recording
from tfds_builders.gaze_folder.readers import cells, cutting, messages, reader, timeline

GAZE, MESSAGES = "gaze", "msg"
_TIME = "system_time_stamp"  # of samples and messages alike, microseconds
_EYES = ("left", "right")
_PLACE = "_gaze_point_on_display_area_"
_VALID = ("_gaze_point_valid", "_gaze_point_validity")
_SHOWS = re.compile(r"(onset|offset)_(.+)", re.DOTALL)
_NEAR_MS = 50.0  # messages of one moment are sent one after the other
_LISTED = 8
_PICKLED = {
    **dict.fromkeys(
        [("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")],
        np.empty(0).__reduce__()[0],
    ),
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""All that a pickled column of text needs; NumPy before 2.0 calls one module otherwise."""


def is_titta(path: pathlib.Path) -> bool:
    """Whether an HDF5 file is one of Titta's.

    Args:
        path: the file.

    Returns:
        True if it has a pandas table `gaze`.

    Raises:
        OSError: if it is no HDF5 file.
    """
    with h5py.File(path, "r") as file:
        return GAZE in file and "pandas_type" in file[GAZE].attrs


def is_companion(path: pathlib.Path) -> bool:
    """Whether a file is what Titta writes about the tracker beside a recording.

    Args:
        path: the file.

    Returns:
        True for a `.json` that has the name of an `.h5`.
    """
    return path.suffix.lower() == ".json" and path.with_suffix(".h5").exists()


class TittaReader(reader.Reader):
    """A recording of one person.

    Pictures are told by the messages `onset_<image>` and `offset_<image>`, as Titta's own demos
    send them, or by those that `recording.json` names. Coordinates are shares of the screen.
    """

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file.

        Yields:
            Presentations in the order of time.

        Raises:
            ValueError: if a column is missing, the messages are no text, or can be read in two
                ways.
        """
        with h5py.File(self.path, "r") as file:
            samples = self._table(file, GAZE)
            told = self._table(file, MESSAGES) if MESSAGES in file else {_TIME: [], "msg": []}
        needed = [_TIME, *(f"{eye}{_PLACE}{axis}" for eye in _EYES for axis in "xy")]
        if missing := [name for name in needed if name not in samples]:
            raise ValueError(
                f"{self.path}: the table `{GAZE}` must have {', '.join(needed)}; it lacks "
                f"{', '.join(missing)}. Save it by Titta 2"
            )
        order = np.argsort(samples[_TIME], kind="stable")
        time_ms = samples[_TIME][order] / 1000
        self.lines += len(order)
        eyes = np.stack([self._eye(samples, eye) for eye in _EYES], axis=1)[order]
        sent = [
            messages.Message(float(time) / 1000, str(text), number, 0)
            for number, (time, text) in enumerate(zip(told[_TIME], told["msg"], strict=True), 1)
        ]
        pictures = self._pictures(sorted(sent, key=lambda one: one.time_ms), time_ms)
        viewer = self.setting.viewer or self.path.stem
        yield from cutting.present(self.path, viewer, pictures, time_ms, eyes)

    def _eye(self, samples: dict[str, np.ndarray], eye: str) -> npt.NDArray[np.float64]:
        """Pixels of the screen, NaN where the eye was lost, [n, 2]."""
        shares = np.stack([samples[f"{eye}{_PLACE}{axis}"] for axis in "xy"], axis=1).astype(float)
        for valid in _VALID:
            if eye + valid in samples:
                shares[samples[eye + valid] != 1] = np.nan
        # Shares count from the outer edge of the first pixel, pixels from its middle.
        return shares * self.screen() - 0.5

    def _pictures(
        self, sent: list[messages.Message], time_ms: npt.NDArray[np.float64]
    ) -> list[timeline.Shown]:
        """From the messages that `recording.json` names, otherwise from those of Titta's demos."""
        facts = self.setting.facts
        stretch = cutting.whole(time_ms, len(sent) + 1)
        found = timeline.Timeline(str(self.path), sent, [stretch], facts)
        if found.names_pictures:
            return found.pictures()
        shows = [(one, match) for one in sent if (match := _SHOWS.fullmatch(one.text.strip()))]
        if not shows:
            self.notes.append(f"{self.path}: no message names a picture; {found.hint()}")
        return _shown(f"{self.path}", shows, stretch.end_ms)

    def _table(self, file: h5py.File, name: str) -> dict[str, np.ndarray]:
        """A table as pandas keeps it: columns of one type together, each with its names."""
        group = file[name]
        columns: dict[str, np.ndarray] = {}
        for number in range(int(group.attrs.get("nblocks", 0))):
            names = [_text(one) for one in group[f"block{number}_items"][:]]
            values = group[f"block{number}_values"]
            if h5py.check_vlen_dtype(values.dtype) is not None:
                values = self._unpickle(bytes(values[0]))
            # A row for each sample; of one column of text that alone.
            rows = np.asarray(values).reshape(-1, len(names))
            columns |= dict(zip(names, rows.T, strict=True))
        return columns

    def _unpickle(self, packed: bytes) -> np.ndarray:
        """A column of text."""
        try:
            return _TextUnpickler(io.BytesIO(packed)).load()
        except Exception as error:  # a pickle can fail in any way
            raise ValueError(
                f"{self.path}: the messages must be text ({error}); send text by `send_message`"
            ) from error


class _TextUnpickler(pickle.Unpickler):
    """Reads arrays of text and numbers, and calls nothing else, whatever a file asks for."""

    def find_class(self, module: str, name: str) -> Any:
        """Looks up one of the few allowed names."""
        if (module, name) not in _PICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} is no text")
        return _PICKLED[module, name]


def _shown(
    source: str, shows: list[tuple[messages.Message, re.Match]], end_ms: float
) -> list[timeline.Shown]:
    """Pictures from onset to offset, at latest to the next onset or the end of the recording."""
    pictures: list[timeline.Shown] = []
    for one, match in shows:
        stem, at = cells.stem_of(match[2]), (0, one.time_ms)
        last = pictures[-1] if pictures else None
        is_on = last is not None and last.offset[1] > one.time_ms
        is_same = last is not None and last.stem == stem
        if match[1] == "onset":
            if is_on and is_same:
                continue  # said again while it is there
            if is_on:
                pictures[-1] = dataclasses.replace(last, offset=at)
            pictures.append(timeline.Shown(stem, None, at, (0, max(end_ms, one.time_ms)), one.line))
        elif is_on and is_same:
            pictures[-1] = dataclasses.replace(last, offset=at)
        elif not is_same or one.time_ms - last.offset[1] > _NEAR_MS:
            told = "; ".join(f"{said.text} at {said.time_ms:.0f} ms" for said, _ in shows[:_LISTED])
            raise ValueError(
                f"{source}: {one.text} at {one.time_ms:.0f} ms does not follow its onset, so that "
                f"which picture was shown when is not certain: {told}. Name the right messages in "
                f"{recording.FILE}: `image_variable`, `onset_message`, `offset_message`"
            )
    return pictures


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
