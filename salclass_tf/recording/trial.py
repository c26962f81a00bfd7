"""What a trial leaves behind."""

import dataclasses
from typing import Any

from salclass_tf.recording.screen import Place

DROPPED = 1.5
"""A frame that is shown longer than this many frames has been dropped at least once."""


@dataclasses.dataclass(frozen=True)
class Presentation:
    """A picture on the screen, and the gaze on it.

    Attributes:
        onset_s: when it appeared, seconds of the tracker's clock.
        offset_s: when it vanished, likewise.
        flips_ms: when each frame appeared, milliseconds after the onset; the last one is the
            offset.
        frame_ms: time of a frame on this screen.
        levels: blur: milliseconds after the onset, and the variance from then on.
        stop_ms: when the stop key was pressed, None if it was not.
        t_ms: time of each sample, milliseconds after the onset.
        x: column on the screen, 0-based pixels, None where the eye was lost.
        y: row on the screen, likewise.
        place: where the picture was.
        drift_px: distance of gaze from the fixation cross before, None where unknown.
    """

    onset_s: float
    offset_s: float
    flips_ms: tuple[float, ...]
    frame_ms: float
    levels: tuple[tuple[float, float], ...]
    stop_ms: float | None
    t_ms: tuple[float, ...]
    x: tuple[float | None, ...]
    y: tuple[float | None, ...]
    place: Place
    drift_px: float | None = None

    @property
    def dropped_frames(self) -> int:
        """Number of frames that were not shown in their time."""
        gaps = zip(self.flips_ms, self.flips_ms[1:], strict=False)
        frames = [(end - begin) / self.frame_ms for begin, end in gaps]
        return sum(round(count) - 1 for count in frames if count > DROPPED)


@dataclasses.dataclass(frozen=True)
class Trial:
    """A presentation with its answer.

    Attributes:
        index: place in the person's plan, from 0.
        stem: the picture.
        class_name: its class.
        attempt: 1, or more where the picture had been on the screen before: the tracker was lost.
            Also where a session was ended within the trial, maybe before the picture appeared.
        response: the class that was chosen, empty without an answer.
        recognised: whether the person stopped the picture; None in tasks that do not ask.
        shown: the presentation.
    """

    index: int
    stem: str
    class_name: str
    attempt: int
    response: str
    recognised: bool | None
    shown: Presentation

    @property
    def correct(self) -> bool | None:
        """Whether the answer is right; None without one."""
        return self.response == self.class_name if self.response else None

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of the trial's file."""
        derived = {"correct": self.correct, "dropped_frames": self.shown.dropped_frames}
        return dataclasses.asdict(self) | derived


def from_dict(stored: dict[str, Any]) -> Trial:
    """Makes a trial of its file's content.

    Raises:
        KeyError: if something is missing.
        TypeError: if something is there that does not belong there.
    """
    values = {k: v for k, v in stored.items() if k not in ("correct", "dropped_frames")}
    shown = dict(values.pop("shown"))
    shown["place"] = Place(**shown["place"])
    for name in ("flips_ms", "t_ms", "x", "y"):
        shown[name] = tuple(shown[name])
    shown["levels"] = tuple(map(tuple, shown["levels"]))
    return Trial(shown=Presentation(**shown), **values)
