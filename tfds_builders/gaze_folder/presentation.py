"""What was recorded of one viewer while one image was on the screen."""

import dataclasses

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import placement


@dataclasses.dataclass(frozen=True)
class Presentation:
    """What was recorded of one viewer while one image was on the screen.

    Attributes:
        viewer: name of the person, "" where the file does not say.
        stem: image name without folders and extension.
        time_ms: of the samples, tracker clock, milliseconds, float64 [n].
        eyes: x, y on the screen in pixels, 0-based, float64 [n, e, 2], e = 1 or 2 eyes; NaN where
            the file itself marks a loss (validity codes, empty cells).
        place: where the export says the image was.
        source: file and first line.
        onset_ms: when the picture appeared, tracker clock.
        offset_ms: when it went.
        sampling_rate_hz: if the file says it.
        own_fixations: the tracker's own fixations, float64 [k, 4]: onset_ms, duration_ms, x, y on
            the screen; None where the file has none.
    """

    viewer: str
    stem: str
    time_ms: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    place: placement.Place | None
    source: str
    onset_ms: float
    offset_ms: float
    sampling_rate_hz: float | None
    own_fixations: npt.NDArray[np.float64] | None
