"""Finding of recordings that are there twice."""

from collections.abc import Iterator

import numpy as np

from tfds_builders.gaze_folder import firsts, presentation, spool

_ENOUGH = 20  # changes of place by which gaze is known again


class Copies:
    """Remembers gaze, in little memory."""

    def __init__(self, kept: spool.Spool) -> None:
        """Remembers nothing.

        Args:
            kept: where it is remembered.
        """
        self._firsts = firsts.Firsts(kept, "gaze")

    def check(self, shown: presentation.Presentation) -> None:
        """Checks that a presentation is no copy.

        Args:
            shown: the next one.

        Raises:
            ValueError: if the same samples, or the same fixations of the tracker, have been seen.
        """
        for what, numbers in _telling(shown):
            before = self._firsts.seen(shown.source, *numbers)
            if before is not None:
                raise ValueError(
                    f"{shown.source}: the {what} are those of {before}: one recording is there "
                    "twice; remove one"
                )


def _telling(shown: presentation.Presentation) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    """Enough gaze that it is no chance; the ends of fixations may have been cut."""
    steps = np.diff(shown.eyes[:, 0, 0])
    if np.count_nonzero(np.abs(steps) > 0) >= _ENOUGH:
        yield "samples", (shown.time_ms - shown.time_ms[0], shown.eyes)
    if shown.own_fixations is not None and len(shown.own_fixations) >= 5:
        yield "tracker's fixations", (shown.own_fixations[1:-1, 1:],)
