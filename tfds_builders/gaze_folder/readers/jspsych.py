"""jsPsych with its WebGazer extension: a JSON file of trials, each with its own samples."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfds_builders.gaze_folder import placement, presentation
from tfds_builders.gaze_folder.readers import cells, clock, reader

_SAMPLES, _TARGETS = "webgazer_data", "webgazer_targets"
_VIEWERS = ("subject", "subject_id", "participant", "participant_id", "viewer", "run_id")


def is_trials(content: Any) -> bool:
    """Whether a JSON file holds trials with gaze.

    Args:
        content: of the file.

    Returns:
        True for a list of objects of which one has `webgazer_data`.
    """
    return isinstance(content, list) and any(
        isinstance(trial, dict) and _SAMPLES in trial for trial in content
    )


class JsPsychReader(reader.Reader):
    """Trials with `stimulus` and `webgazer_data`; `webgazer_targets` tells where the image was."""

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file as a whole.

        Yields:
            A presentation for each trial with gaze and an image.

        Raises:
            ValueError: if it is no JSON file of trials with gaze.
        """
        try:
            trials = json.loads(self.path.read_text("utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"{self.path} must be a JSON file ({error}); save it again") from error
        if not is_trials(trials):
            raise ValueError(
                f"{self.path} must be a list of jsPsych's trials, some with `{_SAMPLES}`; record "
                "with the WebGazer extension"
            )
        start, without = 0.0, 0
        for number, trial in enumerate(trials, 1):
            if not isinstance(trial, dict) or _SAMPLES not in trial:
                continue
            self.lines += len(trial[_SAMPLES] or ())
            if not (name := self._image(trial)):
                without += 1
                continue
            shown = self._present(name, trial, number, start)
            start = shown.offset_ms + 1000
            yield shown
        if without:
            self.notes.append(
                f"{self.path}: {without} trials with gaze have no picture as `stimulus`; they do "
                "not count. Name the variable of the picture in recording.json: `image_variable`"
            )

    def _image(self, trial: Mapping[str, Any]) -> str:
        """The picture of a trial, "" if it has none."""
        names = [self.setting.facts.image_variable, "stem", "image", "stimulus"]
        name = next((trial[key] for key in names if key and trial.get(key)), "")
        if not isinstance(name, str) or "<" in name:  # a stimulus may be a piece of HTML
            return ""
        return cells.stem_of(name)

    def _present(
        self, name: str, trial: Mapping[str, Any], number: int, start: float
    ) -> presentation.Presentation:
        """A trial; its clock begins at 0, so that trials are put one behind the other."""
        rows = np.array(
            [[_number(sample.get(key)) for key in "txy"] for sample in trial[_SAMPLES] or ()]
        ).reshape(-1, 3)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        time = rows[:, 0] + start
        viewer = next((str(trial[key]) for key in _VIEWERS if trial.get(key)), "")
        return presentation.Presentation(
            viewer=viewer or self.setting.viewer or cells.stem_of_file(self.path),
            stem=name,
            time_ms=time,
            eyes=rows[:, None, 1:] - 0.5,  # the browser counts from the edge of the first pixel
            place=self._place(trial),
            source=f"{self.path}, trial {number}",
            onset_ms=float(time[0]) if len(time) else start,
            offset_ms=float(time[-1] + clock.period(time)) if len(time) else start,
            sampling_rate_hz=None,
            own_fixations=None,
        )

    def _place(self, trial: Mapping[str, Any]) -> placement.Place | None:
        """The rectangle of the image; of several targets the largest one."""
        targets = trial.get(_TARGETS) or {}
        found = []
        for target in targets.values():
            box = [_number(target.get(key)) for key in ("x", "y", "width", "height")]
            box[0] = _number(target.get("left")) if math.isnan(box[0]) else box[0]
            box[1] = _number(target.get("top")) if math.isnan(box[1]) else box[1]
            if all(map(math.isfinite, box)) and min(box[2:]) > 0:
                found.append(placement.Place(*box))
        return max(found, key=lambda place: place.width * place.height, default=None)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
