"""EyeLink's ASC files, as `edf2asc` writes them: samples, events and messages in order of time."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np

from tfds_builders.gaze_folder import placement, sample_formats, samples

_SCREEN = ("GAZE_COORDS", "DISPLAY_COORDS")
_TRIAL = "TRIALID"
_DATA_VIEWER = "!V"  # what begins messages for EyeLink's Data Viewer
_BOTH_EYES = ((1, 2), (4, 5))  # places of x and y; the pupil's size follows each pair


@dataclasses.dataclass
class _Trial:
    """What stands between two trials' beginnings."""

    first_line: int
    has_id: bool = False
    rows: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)
    variable: str = ""
    loaded: str = ""
    place: placement.Place | None = None


class AscFile:
    """One file of a person; the same use as `samples.SampleFile`.

    A trial reaches from a message `TRIALID` to the next, or where there are none, from a `START` to
    the next. All its samples count. Its image is what the message `!V TRIAL_VAR image <name>` says
    (or `image_name`, `stem`), otherwise the file of the last `!V IMGLOAD`; without both the file
    itself is named like the image. `IMGLOAD` tells the image's place if it has a size.

    Attributes:
        path: the file.
        skipped: what was wrong with each line of samples left out; complete when all has been read.
        lines: lines of samples read so far.
    """

    def __init__(self, path: pathlib.Path, viewer: str) -> None:
        """Opens nothing yet.

        Args:
            path: the file.
            viewer: who looked.
        """
        self.path = path
        self.skipped: list[str] = []
        self.lines = 0
        self._viewer = viewer
        self._screen: placement.Place | None = None
        self._eyes: tuple[tuple[int, int], ...] | None = None  # None outside of a recording

    def presentations(self) -> Iterator[samples.Presentation]:
        """Reads the file; no more than one trial is held at once.

        Yields:
            Presentations in the file's order.

        Raises:
            ValueError: if there is no recording, one does not end, or its samples are not gaze on
                the screen.
        """
        trial, number, any_recording = _Trial(1), 0, False
        # Messages are the user's own text in any encoding.
        with open(self.path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                word, *fields = line.split() or [""]
                if word[:1].isdigit():
                    self._add_sample(trial, [word, *fields], f"{self.path}, line {number}")
                elif word == "START":
                    if trial.rows and not trial.has_id:
                        yield from self._present(trial)
                        trial = _Trial(number)
                    self._eyes = _recorded_eyes(fields, f"{self.path}, line {number}")
                    any_recording = True
                elif word == "SAMPLES" and self._eyes is not None and "GAZE" not in fields:
                    raise ValueError(
                        f"{self.path}, line {number}: samples must be gaze on the screen (GAZE); "
                        f"got {' '.join(fields)}. Convert the EDF file again"
                    )
                elif word == "END":
                    self._eyes = None
                elif word == "MSG":
                    words = _without_delay(fields[1:])
                    if words[:1] == [_TRIAL]:
                        yield from self._present(trial)
                        trial = _Trial(number, has_id=True)
                    else:
                        self._read_message(trial, words)
        if self._eyes is not None or not any_recording:
            what = "START must have its END" if any_recording else "there must be START and END"
            raise ValueError(
                f"{self.path}, line {number}: {what}, and nothing is left of the file. Convert the "
                "EDF file again, with samples and events"
            )
        yield from self._present(trial)

    def _add_sample(self, trial: _Trial, fields: list[str], source: str) -> None:
        """Adds a line of samples; bad ones are listed."""
        if self._eyes is None:
            return
        self.lines += 1
        try:
            if len(fields) <= self._eyes[-1][-1]:
                raise ValueError(f"has only {len(fields)} fields; convert the EDF file again")
            eyes = [(samples.number(fields[x]), samples.number(fields[y])) for x, y in self._eyes]
            trial.rows.append((samples.number(fields[0]), *samples.average(eyes)))
        except ValueError as error:
            self.skipped.append(f"{source}: {error}")

    def _read_message(self, trial: _Trial, words: list[str]) -> None:
        """Notes what a message tells about screen and image."""
        first, *others = words or [""]
        if first in _SCREEN:
            self._screen = _rectangle("CORNERS", others)
        elif first == _DATA_VIEWER and others[:1] == ["TRIAL_VAR"] and len(others) > 2:
            if others[1].lower() in sample_formats.IMAGE_NAMES:
                trial.variable = " ".join(others[2:])
        elif first == _DATA_VIEWER and others[:1] == ["IMGLOAD"] and len(others) > 2:
            _, how, trial.loaded, *numbers = others
            trial.place = self._screen if how == "FILL" else _rectangle(how, numbers)

    def _present(self, trial: _Trial) -> Iterator[samples.Presentation]:
        """A trial with samples as a presentation."""
        if not trial.rows:
            return
        time_ms, x, y = np.array(trial.rows).T
        name = trial.variable or trial.loaded
        yield samples.Presentation(
            viewer=self._viewer,
            stem=samples.stem_of(name) if name else self.path.stem,
            time_ms=time_ms,
            x=x,
            y=y,
            place=trial.place,
            source=f"{self.path}, line {trial.first_line}",
        )


def _recorded_eyes(fields: list[str], source: str) -> tuple[tuple[int, int], ...]:
    """Places of x and y in a line of samples, of each eye that `START` names."""
    count = len({"LEFT", "RIGHT"} & set(fields))
    if not count:
        raise ValueError(f"{source}: START must name LEFT, RIGHT or both; got {' '.join(fields)}")
    return _BOTH_EYES[:count]


def _without_delay(words: list[str]) -> list[str]:
    """Drops the number of milliseconds that a message may begin with: how late it was sent."""
    return words[1:] if words and words[0].lstrip("-").isdigit() else words


def _rectangle(how: str, numbers: list[str]) -> placement.Place | None:
    """A rectangle of the screen; None if the message has not all that tells it."""
    try:
        x, y, width, height = map(float, numbers[:4])
        if how == "CORNERS":  # of the last pixel, in place of the size
            return placement.Place(x, y, width - x + 1, height - y + 1)
        if how == "CENTER":
            return placement.Place(x - width / 2, y - height / 2, width, height)
        return placement.Place(x, y, width, height) if how == "TOP_LEFT" else None
    except ValueError:
        return None
