"""The screen in pixels and degrees, and where a picture stands on it."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Place:
    """The rectangle of a picture, in whole pixels of the screen, 0-based from the top left."""

    left: int
    top: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Screen:
    """A screen and the eye before it.

    Attributes:
        width_px: pixels across.
        height_px: pixels down.
        width_cm: width of the lit area.
        distance_cm: from the eye to the screen.
    """

    width_px: int
    height_px: int
    width_cm: float
    distance_cm: float

    def __post_init__(self) -> None:
        """Checks the numbers."""
        numbers = dataclasses.astuple(self)
        if not all(math.isfinite(n) and n > 0 for n in numbers):
            raise ValueError(f"sizes of the screen must be above 0; got {numbers}")

    @property
    def pixels_per_degree(self) -> float:
        """Pixels in the degree of visual angle at the middle of the screen."""
        degree_cm = 2 * self.distance_cm * math.tan(math.radians(0.5))
        return degree_cm * self.width_px / self.width_cm

    def place(self, width: int, height: int, share: float) -> Place:
        """Returns where a picture is shown: in the middle, as large as fits, in its own shape.

        Args:
            width: of the picture, in its pixels.
            height: likewise.
            share: of the screen's width and height that it may fill.

        Returns:
            The place, at least a pixel wide and high.
        """
        scale = min(share * self.width_px / width, share * self.height_px / height)
        shown_width, shown_height = max(1, round(width * scale)), max(1, round(height * scale))
        left = (self.width_px - shown_width) // 2
        top = (self.height_px - shown_height) // 2
        return Place(left, top, shown_width, shown_height)

    def from_centred(self, x: float, y: float) -> tuple[float, float]:
        """Moves a point of PsychoPy's pixel units (0 in the middle, up is positive) to ours.

        Args:
            x: pixels right of the middle.
            y: pixels above the middle.

        Returns:
            Column and row, 0-based from the top left.
        """
        return x + self.width_px / 2, self.height_px / 2 - y
