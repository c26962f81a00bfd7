"""How gaze was written down: units, origin, direction of the axes, the screen; and its undoing."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.common import fixation_table
from tfds_builders.gaze_folder import placement

KEY = "coordinates"
"""The entry of `recording.json` that holds these facts."""

UNITS = ("pixel", "share", "percent", "norm", "height")
ORIGINS = ("corner", "centre")
FLIPS = ("", "x", "y", "xy")
FITS = ("inside", "stretch", "actual")

Size = tuple[int, int]
Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """A convention of coordinates; the defaults are those of the sets: pixels of the image.

    The frame is the screen where one is given, otherwise the image. Steps in this order: the
    columns are swapped, units become pixels of the frame, the origin moves to its upper left
    corner, axes are flipped, points of the screen move to the image, then scale and shift.

    Attributes:
        unit: "pixel"; "share" of the frame (0 to 1) or "percent"; "norm", half frames (-1 to 1); or
            "height", heights of the frame on both axes. PsychoPy has the last two.
        origin: "corner", the upper left one (after the flips), or the "centre" of the frame.
        flip: axes that run the other way: "", "x", "y" (upwards) or "xy".
        swap: whether the column `x` holds the rows.
        screen: width and height of the screen in pixels, with the image in its middle; None where
            the points are on the image already.
        fit: how the image was shown on the screen: "inside" it as large as possible, by "stretch"
            over all of it, or at its "actual" size.
        scale: factors of x and y, in pixels of the image.
        shift: what is added to x and y after that, likewise.
        picture: how many places further on, in the order of the stems, the true image is; the
            first follows the last.
    """

    unit: str = "pixel"
    origin: str = "corner"
    flip: str = ""
    swap: bool = False
    screen: tuple[float, float] | None = None
    fit: str = "inside"
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    picture: int = 0

    def __post_init__(self) -> None:
        """Checks the values."""
        choices = {"unit": UNITS, "origin": ORIGINS, "flip": FLIPS, "fit": FITS}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                listed = ", ".join(repr(value) for value in allowed)
                raise ValueError(f"`{name}` must be one of {listed}; got {getattr(self, name)!r}")
        for name in ("screen", "scale", "shift"):
            object.__setattr__(self, name, _pair(name, getattr(self, name)))
        if not isinstance(self.swap, bool):
            raise ValueError(f"`swap` must be true or false; got {self.swap!r}")
        if isinstance(self.picture, bool) or not isinstance(self.picture, int):
            raise ValueError(f"`picture` must be a whole number; got {self.picture!r}")

    def to_image(self, x: npt.ArrayLike, y: npt.ArrayLike, size: Size) -> Columns:
        """Moves points from this convention to pixels of the image.

        Args:
            x: first coordinate as recorded, [n].
            y: second coordinate as recorded, [n].
            size: height and width of the image file, pixels.

        Returns:
            Columns and rows on the image, pixels, 0-based, float64 [n].
        """
        height, width = size
        frame = self.screen or (width, height)
        x, y = (y, x) if self.swap else (x, y)
        columns = self._axis(x, frame, 0), self._axis(y, frame, 1)
        x, y = self._place(width, height).to_image(*columns, size)
        return x * self.scale[0] + self.shift[0], y * self.scale[1] + self.shift[1]

    def as_json(self) -> str:
        """This convention as text for `recording.json`, without what is the default."""
        facts = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        if self.screen:
            facts["fit"] = self.fit
        return f'"{KEY}": {json.dumps(facts)}'

    def _axis(self, values: npt.ArrayLike, frame: tuple[float, float], axis: int) -> np.ndarray:
        """One coordinate in pixels of the frame from its upper left corner, 0-based."""
        values, side = np.asarray(values, np.float64), frame[axis]
        unit = {"share": side, "percent": side / 100, "norm": side / 2, "height": frame[1]}
        values = values * unit.get(self.unit, 1.0)
        flipped = "xy"[axis] in self.flip
        if self.origin == "centre":
            return (-values if flipped else values) + (side - 1) / 2
        if self.unit != "pixel":  # 0 is the edge of the first pixel, not its middle
            values = values - 0.5
        return side - 1 - values if flipped else values

    def _place(self, width: int, height: int) -> placement.Place:
        """Where in the frame an image was."""
        if self.screen is None:
            return placement.Place(0, 0, width, height)
        across, down = self.screen
        if self.fit == "stretch":
            return placement.Place(0, 0, across, down)
        zoom = min(across / width, down / height) if self.fit == "inside" else 1.0
        left, top = (across - zoom * width) / 2, (down - zoom * height) / 2
        return placement.Place(left, top, zoom * width, zoom * height)


def from_facts(facts: Any) -> Coordinates:
    """Makes a convention from the entry of `recording.json`.

    Args:
        facts: what stands there.

    Returns:
        The convention.

    Raises:
        ValueError: if it is no object, has another key, or a value that is not allowed.
    """
    known = [field.name for field in dataclasses.fields(Coordinates)]
    if not isinstance(facts, dict) or set(facts) - set(known):
        raise ValueError(f"must be an object with keys among {', '.join(known)}; got {facts!r}")
    return Coordinates(**facts)


class Moved(Mapping[str, fixation_table.Fixations]):
    """The gaze of all images in pixels of these, in the stems' order; moved when asked for."""

    def __init__(
        self,
        gaze: Mapping[str, fixation_table.Fixations],
        convention: Coordinates,
        sizes: Mapping[str, Size],
    ) -> None:
        """Moves nothing yet.

        Args:
            gaze: fixations by stem, as they were written down.
            convention: how that was.
            sizes: height and width of every image of the study, by stem.
        """
        self._gaze, self._convention, self._sizes = gaze, convention, sizes
        order = sorted(sizes)
        place = {stem: index for index, stem in enumerate(order)}
        targets = {order[(place[stem] + convention.picture) % len(order)]: stem for stem in gaze}
        self._written = dict(sorted(targets.items()))

    def __getitem__(self, stem: str) -> fixation_table.Fixations:
        """Returns the fixations on an image."""
        value = self._gaze[self._written[stem]]
        x, y = self._convention.to_image(value.x, value.y, self._sizes[stem])
        return dataclasses.replace(value, x=x, y=y)

    def __contains__(self, stem: object) -> bool:
        """Says whether an image has gaze."""
        return stem in self._written

    def __iter__(self) -> Iterator[str]:
        """Returns the stems."""
        return iter(self._written)

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self._written)


def _pair(name: str, values: Any) -> tuple[float, float] | None:
    """Checks two numbers of the file; those of a size or factor are above 0."""
    if values is None and name == "screen":
        return None
    numbers = values if isinstance(values, list | tuple) else ()
    good = len(numbers) == 2 and all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in numbers
    )
    if not good or (name != "shift" and min(numbers) <= 0):
        rule = "two numbers" if name == "shift" else "two numbers above 0"
        raise ValueError(f"`{name}` must be {rule}, for x and y; got {values!r}")
    return tuple(numbers)
