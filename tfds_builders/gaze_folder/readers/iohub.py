"""PsychoPy: the HDF5 files of ioHub."""

import pathlib
from collections.abc import Iterator

import h5py
import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import presentation, recording
from tfds_builders.gaze_folder.readers import cells, columns, cutting, messages, reader, timeline

_EVENTS = "data_collection/events"
_SAMPLES = (
    (f"{_EVENTS}/eyetracker/BinocularEyeSampleEvent", ("left_gaze", "right_gaze")),
    (f"{_EVENTS}/eyetracker/MonocularEyeSampleEvent", ("gaze",)),
)
_MESSAGES = f"{_EVENTS}/experiment/MessageEvent"
_SESSIONS = "data_collection/session_meta_data"
_TRIALS = "data_collection/condition_variables"
_BEGINS = ("trial_start", "start_time", "image_onset", "onset")
_ENDS = ("trial_end", "end_time", "image_offset", "offset")


def is_iohub(path: pathlib.Path) -> bool:
    """Whether an HDF5 file is one of ioHub's.

    Args:
        path: the file.

    Returns:
        True if it has a group `data_collection`.
    """
    with h5py.File(path, "r") as file:
        return "data_collection" in file


class IoHubReader(reader.Reader):
    """A file with one session or more; each is of a person of its own.

    Coordinates have their origin in the middle of the window, and y goes upwards. Pictures are told
    by messages as in EyeLink's files, or by the table of condition variables, if that has a column
    for the image, and `trial_start` and `trial_end` in seconds.
    """

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file, one session after the other.

        Yields:
            Presentations in the order of time.

        Raises:
            ValueError: if there are no samples, or the units of gaze are not clear.
        """
        with h5py.File(self.path, "r") as file:
            found = [(name, eyes) for name, eyes in _SAMPLES if name in file and len(file[name])]
            if not found:
                raise ValueError(
                    f"{self.path} must have samples of an eye tracker in {_EVENTS}/eyetracker; "
                    "found none. Record with a tracker that ioHub supports"
                )
            name, eyes = found[0]
            rows = file[name][:]
            sent = file[_MESSAGES][:] if _MESSAGES in file else None
            names = _session_names(file)
            tables = [file[_TRIALS][key][:] for key in file[_TRIALS]] if _TRIALS in file else []
        for session in np.unique(rows["session_id"]):
            mine = rows[rows["session_id"] == session]
            mine = mine[np.argsort(mine["time"], kind="stable")]
            self.lines += len(mine)
            time_ms = mine["time"].astype(float) * 1000
            point = self._on_screen(_points(mine, eyes))
            pictures = self._pictures(session, time_ms, sent, tables)
            viewer = names.get(int(session), "") or self.setting.viewer
            yield from cutting.present(self.path, viewer, pictures, time_ms, point)

    def _on_screen(self, point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Pixels from the upper left corner, [n, e, 2]."""
        width, height = self.screen()
        units = self.setting.facts.gaze_units
        if units is None:
            seen = np.abs(point[np.isfinite(point)])
            if len(seen) and np.quantile(seen, 0.99) <= 2:
                raise ValueError(
                    f"{self.path}: gaze lies within {np.quantile(seen, 0.99):.2f} of the window's "
                    f"middle, so that its unit is no pixel; write `gaze_units` into "
                    f"{recording.FILE}: `height` or `norm`, the units of the window"
                )
            units = "pix"
        factor = {"pix": (1, 1), "height": (height, height), "norm": (width / 2, height / 2)}[units]
        moved = point * factor * (1, -1)
        return moved + ((width - 1) / 2, (height - 1) / 2)

    def _pictures(
        self,
        session: int,
        time_ms: npt.NDArray[np.float64],
        sent: np.ndarray | None,
        tables: list[np.ndarray],
    ) -> list[timeline.Shown]:
        """From messages, otherwise from condition variables."""
        told = [] if sent is None else sent[sent["session_id"] == session]
        told = sorted(told, key=lambda message: message["time"])
        stretch = cutting.whole(time_ms, len(told) + 1)
        found = timeline.Timeline(
            str(self.path),
            [
                messages.Message(1000 * float(one["time"]), _text(one["text"]), number, 0)
                for number, one in enumerate(told, 1)
            ],
            [stretch],
            self.setting.facts,
        )
        if found.names_pictures:
            return found.pictures()
        pictures = [shown for table in tables for shown in self._conditions(session, table)]
        if not pictures:
            self.notes.append(f"{self.path}: no message names a picture; {found.hint()}")
        return pictures

    def _conditions(self, session: int, table: np.ndarray) -> list[timeline.Shown]:
        """Pictures of a table of condition variables; none if it lacks a column."""
        lower = {name.lower(): name for name in table.dtype.names}
        own = self.setting.facts.image_variable
        wanted = [(own.lower(),) if own else columns.IMAGE_NAMES, _BEGINS, _ENDS]
        found = [next((lower[n] for n in names if n in lower), None) for names in wanted]
        if None in found:
            return []
        if "SESSION_ID" in table.dtype.names:
            table = table[table["SESSION_ID"] == session]
        image, begin, end = found
        return [
            timeline.Shown(
                _stem(row[image]),
                None,
                (0, 1000 * float(row[begin])),
                (0, 1000 * float(row[end])),
                n,
            )
            for n, row in enumerate(table, 1)
        ]


def _points(rows: np.ndarray, eyes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Places in the window, NaN where the status says that an eye was lost, [n, e, 2]."""
    point = np.stack(
        [np.stack([rows[f"{eye}_x"], rows[f"{eye}_y"]], axis=1) for eye in eyes], axis=1
    ).astype(float)
    status = (
        rows["status"].astype(int) if "status" in rows.dtype.names else np.zeros(len(rows), int)
    )
    if len(eyes) == 2:
        # Two digits: the left eye's, then the right one's; 0 is an eye that was seen.
        point[status // 10 > 0, 0] = np.nan
        point[status % 10 > 0, 1] = np.nan
    else:
        point[status > 0] = np.nan
    return point


def _session_names(file: h5py.File) -> dict[int, str]:
    """Codes of the sessions, which experiments use for the person."""
    if _SESSIONS not in file:
        return {}
    return {int(row["session_id"]): _text(row["code"]) for row in file[_SESSIONS][:]}


def _stem(value: object) -> str:
    return cells.stem_of(_text(value))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace").strip("\0 ") if isinstance(value, bytes) else str(value)
