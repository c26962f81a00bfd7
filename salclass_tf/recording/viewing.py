"""A trial on the screen: the cross, the picture as it grows sharp, and the gaze meanwhile."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from salclass_tf.recording import blur, pictures
from salclass_tf.recording.protocol import Protocol
from salclass_tf.recording.screen import Place
from salclass_tf.recording.session import TrackerLost
from salclass_tf.recording.trackers import Tracker
from salclass_tf.recording.trial import Presentation
from salclass_tf.recording.window import Keys, Window

_CROSS_DEG = 0.8
_STOP = " "
_RECORDED = ("cross", "picture", "gone")


@dataclasses.dataclass
class _Gaze:
    """Samples of a trial so far; `None` where the eye was lost."""

    tracker: Tracker
    timeout_s: float
    samples: list[tuple[float, float | None, float | None]]
    last_s: float
    onset_s: float | None = None

    def read(self, now: float) -> None:
        """Fetches what has arrived; raises `TrackerLost` after too long a silence."""
        arrived = self.tracker.samples()
        if arrived:
            self.last_s = now
        self.samples += arrived
        if now - self.last_s > self.timeout_s:
            raise TrackerLost({"onset_s": self.onset_s, "samples": self.samples})

    def has_arrived(self, until_s: float) -> bool:
        """Whether the samples up to a moment are here, but for the one that falls on it."""
        return bool(self.samples) and self.samples[-1][0] > until_s - 1.5 / self.tracker.rate_hz

    @property
    def point(self) -> tuple[float, float] | None:
        """Where the eye was last seen."""
        for _, x, y in reversed(self.samples):
            if x is not None and y is not None:
                return x, y
        return None


class Viewing:
    """Shows pictures and records gaze on them.

    Args:
        window: to draw on.
        keys: to listen to.
        tracker: what is recorded.
        rules: the protocol.
        contingent: whether the picture is sharp around the pointer only.
    """

    def __init__(
        self, window: Window, keys: Keys, tracker: Tracker, rules: Protocol, contingent: bool
    ) -> None:
        self._window = window
        self._keys = keys
        self._tracker = tracker
        self._rules = rules
        self._contingent = contingent
        window.watchers.append(self._forget)

    def _forget(self, window: Window) -> None:
        """Keeps the tracker's buffer short while nothing is recorded."""
        if window.name not in _RECORDED:
            self._tracker.forget()

    def present(self, path: pathlib.Path, drifted: Any) -> Presentation:
        """Shows a picture as the protocol says, until it is recognised or the time is over.

        All levels of blur are in the graphics memory before the cross appears, so that a change
        costs no more than another texture.

        Args:
            path: the file.
            drifted: called without arguments if gaze stays away from the cross.

        Returns:
            What was shown and recorded.

        Raises:
            TrackerLost: if the tracker fell silent.
            SessionEnded: if Escape was pressed.
        """
        decoded = pictures.load(path)
        place = self._window.screen.place(*decoded.size, self._rules.picture_share)
        pixels = blur.shown(decoded, place)
        schedule, draws = self._stimuli(pixels, place)
        drift_px = self._cross(drifted)
        return self._run(path.stem, place, schedule, draws, drift_px)

    def _stimuli(
        self, pixels: npt.NDArray[np.uint8], place: Place
    ) -> tuple[Sequence[tuple[float, float]], list[Any]]:
        """Seconds and variance of each level, and what draws it."""
        long_side = max(place.width, place.height)
        if self._contingent:
            variance = self._rules.mouse_variance
            soft = blur.blurred(pixels, self._rules.sigma(variance, long_side))
            scale = long_side / self._rules.blur_reference_px
            disc = _Disc(
                self._window,
                self._window.picture(soft, place),
                self._window.picture(pixels, place),
                self._rules.mouse_radius_px * scale,
            )
            return ((0.0, variance),), [disc]
        schedule = self._rules.levels
        sigmas = [self._rules.sigma(variance, long_side) for _, variance in schedule]
        levels = blur.levels(pixels, sigmas)
        return schedule, [self._window.picture(level, place) for level in levels]

    def _cross(self, drifted: Any) -> float | None:
        """Shows the cross until gaze has stayed on it; returns its mean distance in pixels."""
        window, screen = self._window, self._window.screen
        cross = window.cross(_CROSS_DEG * screen.pixels_per_degree)
        tolerance = self._rules.drift_tolerance_deg * screen.pixels_per_degree
        middle = (screen.width_px / 2, screen.height_px / 2)
        needed = max(1, round(self._rules.cross_s / window.frame_s))
        while True:
            window.show("cross")
            self._tracker.forget()
            gaze, near, distances = self._watch(), 0, []
            for _ in range(needed + round(self._rules.drift_wait_s / window.frame_s)):
                cross.draw()
                gaze.read(window.flip())
                self._keys.pressed()
                point = gaze.point
                distance = math.inf if point is None else math.dist(point, middle)
                near = near + 1 if distance <= tolerance else 0
                distances.append(distance)
                if near >= needed:
                    return float(np.mean(distances[-needed:]))
            drifted()

    def _run(
        self,
        stem: str,
        place: Place,
        schedule: Sequence[tuple[float, float]],
        draws: Sequence[Any],
        drift_px: float | None,
    ) -> Presentation:
        """The picture itself."""
        window, frame_s = self._window, self._window.frame_s
        self._keys.clear()
        gaze = self._watch()
        flips: list[float] = []
        levels: list[tuple[float, float]] = []
        stop_s, level = None, -1
        while stop_s is None:
            ahead = flips[-1] + frame_s - flips[0] if flips else 0.0
            if ahead > self._rules.duration_s - frame_s / 2:
                break
            wanted = sum(begin <= ahead + frame_s / 2 for begin, _ in schedule) - 1
            draws[wanted].draw()
            window.show("picture", stem=stem, place=place, variance=schedule[wanted][1], t_s=ahead)
            flips.append(window.flip())
            gaze.onset_s = flips[0]
            if wanted != level:
                level = wanted
                levels.append((1e3 * (flips[-1] - flips[0]), schedule[level][1]))
            gaze.read(flips[-1])
            stop_s = self._stop(flips[0])
        window.show("gone")
        flips.append(window.flip())
        return self._presentation(flips, levels, stop_s, gaze, place, drift_px)

    def _stop(self, onset_s: float) -> float | None:
        """When the stop key was pressed, if it was."""
        pressed = self._keys.pressed()
        if self._rules.task != "classification":
            return None
        times = [time for key, time in pressed if key == _STOP and time >= onset_s]
        return times[0] if times else None

    def _presentation(
        self,
        flips: Sequence[float],
        levels: Sequence[tuple[float, float]],
        stop_s: float | None,
        gaze: _Gaze,
        place: Place,
        drift_px: float | None,
    ) -> Presentation:
        """Waits for samples on their way, and keeps those between onset and offset."""
        onset, offset = flips[0], flips[-1]
        while not gaze.has_arrived(offset):
            gaze.read(self._window.flip())
        kept = [sample for sample in gaze.samples if onset <= sample[0] < offset]
        return Presentation(
            onset_s=onset,
            offset_s=offset,
            flips_ms=tuple(round(1e3 * (flip - onset), 3) for flip in flips),
            frame_ms=1e3 * self._window.frame_s,
            levels=tuple((round(begin, 3), variance) for begin, variance in levels),
            stop_ms=None if stop_s is None else round(1e3 * (stop_s - onset), 3),
            t_ms=tuple(round(1e3 * (time - onset), 3) for time, _, _ in kept),
            x=tuple(None if x is None else round(x, 2) for _, x, _ in kept),
            y=tuple(None if y is None else round(y, 2) for _, _, y in kept),
            place=place,
            drift_px=drift_px,
        )

    def _watch(self) -> _Gaze:
        """Begins with what arrives from now on."""
        from psychopy import core

        return _Gaze(self._tracker, self._rules.tracker_timeout_s, [], core.getTime())


class _Disc:
    """A blurred picture that is sharp in a disc around the pointer."""

    def __init__(self, window: Window, soft: Any, sharp: Any, radius: float) -> None:
        from psychopy import event, visual

        self._soft, self._sharp = soft, sharp
        self._mouse = event.Mouse(win=window.psychopy, visible=False)
        self._opening = visual.Aperture(window.psychopy, size=2 * radius, units="pix")
        self._opening.disable()

    def draw(self) -> None:
        """Draws both."""
        self._soft.draw()
        self._opening.enable()
        self._opening.pos = self._mouse.getPos()
        self._sharp.draw()
        self._opening.disable()
