"""A recording that is held as a whole, cut into the presentations of its timeline."""

import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import placement, presentation
from tfds_builders.gaze_folder.readers import clock, messages, timeline


def whole(time_ms: npt.NDArray[np.float64], last_line: int) -> messages.Stretch:
    """Makes one stretch of a recording without pauses.

    Args:
        time_ms: of the samples, [n].
        last_line: of the file.

    Returns:
        From the first sample to the end of the last one.
    """
    end = float(time_ms[-1]) + clock.period(time_ms) if len(time_ms) else 0.0
    return messages.Stretch(float(time_ms[0]) if len(time_ms) else 0.0, end, 0, last_line)


def present(
    path: pathlib.Path,
    viewer: str,
    pictures: Iterable[timeline.Shown],
    time_ms: npt.NDArray[np.float64],
    eyes: npt.NDArray[np.float64],
    rate: float | None = None,
    place: placement.Place | None = None,
) -> Iterator[presentation.Presentation]:
    """Cuts a recording of one stretch.

    Args:
        path: the file.
        viewer: who looked.
        pictures: when which was shown; those without a name are left out.
        time_ms: of the samples, increasing, [n].
        eyes: places on the screen, [n, e, 2].
        rate: samples a second, if the file says it.
        place: where pictures are that say nothing themselves.

    Yields:
        Presentations in the order of the pictures.
    """
    for shown in pictures:
        if not shown.stem:
            continue
        begin, end = np.searchsorted(time_ms, [shown.onset[1], shown.offset[1]])
        yield presentation.Presentation(
            viewer=viewer,
            stem=shown.stem,
            time_ms=time_ms[begin:end],
            eyes=eyes[begin:end],
            place=shown.place or place,
            source=f"{path}, line {shown.line}",
            onset_ms=shown.onset[1],
            offset_ms=shown.offset[1],
            sampling_rate_hz=rate,
            own_fixations=None,
        )
