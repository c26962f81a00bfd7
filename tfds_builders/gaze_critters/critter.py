"""One critter: where its parts are, and how it is drawn."""

import dataclasses
import math

import numpy as np

from tfds_builders.gaze_critters import colours, parts, textures
from tfds_builders.gaze_critters.canvas import Canvas, Colour, Frame, oval
from tfds_builders.gaze_critters.kinds import Kind

BODY_PIXELS = (86.0, 122.0)  # length of the trunk; with head and tail about 1.7 times that
_TILT = math.radians(40)
_TRUNK = oval(0, 0, 0.5, 0.25, 36)
_HEAD_AT, _HEAD_RADIUS = (0.5, -0.2), 0.23
_BAND = np.array([[-0.03, -0.2], [0.03, -0.2], [0.03, 0.2], [-0.03, 0.2]])
_BAND_FILL, _BAND_EDGE = (250, 240, 120), (15, 15, 15)


@dataclasses.dataclass(frozen=True)
class Critter:
    """A posed critter.

    Attributes:
        kind: its class.
        frame: of the trunk; the scale is the trunk's length in pixels, the head at local +x.
        badge: frame of the badge; the scale is its diameter in pixels.
        tail: frame of the tail; the scale is its length in pixels.
    """

    kind: Kind
    frame: Frame
    badge: Frame
    tail: Frame

    @property
    def centres(self) -> np.ndarray:
        """Returns badge and tail, float64 [2, 2], pixels of the picture."""
        return np.array([[self.badge.x, self.badge.y], [self.tail.x, self.tail.y]])

    def moved(self, x: float, y: float) -> "Critter":
        """Returns the critter shifted by a number of pixels."""
        shifted = {
            name: dataclasses.replace(frame, x=frame.x + x, y=frame.y + y)
            for name, frame in (("frame", self.frame), ("badge", self.badge), ("tail", self.tail))
        }
        return dataclasses.replace(self, **shifted)


def pose(rng: np.random.Generator, kind: Kind) -> Critter:
    """Draws size, direction and tilt at random; the trunk's centre is at the origin."""
    growth = rng.random()
    low, high = BODY_PIXELS
    facing_left, tilt = rng.random() < 0.5, rng.uniform(-_TILT, _TILT)
    angle = math.pi + tilt if facing_left else tilt
    frame = Frame(0.0, 0.0, low + growth * (high - low), angle, mirrored=facing_left)
    badge_pixels = np.interp(growth, (0, 1), parts.BADGE_PIXELS)
    tail_pixels = np.interp(growth, (0, 1), parts.TAIL_PIXELS)
    badge = frame.child(_HEAD_AT[0] - 0.06, _HEAD_AT[1] - 0.02, badge_pixels)
    raised = math.pi + rng.uniform(0.1, 0.7)
    root = np.array([-0.47, -0.05])
    reach = 0.75 * tail_pixels / frame.scale
    at = root + reach * np.array([math.cos(raised), math.sin(raised)])
    return Critter(kind, frame, badge, frame.child(at[0], at[1], tail_pixels, raised))


def _draw_legs(canvas: Canvas, frame: Frame, fill: Colour, edge: Colour, swing: np.ndarray) -> None:
    for x, turn in zip((-0.34, -0.2, 0.18, 0.32), swing, strict=True):
        foot = x + turn
        leg = [[x - 0.05, 0.1], [foot - 0.04, 0.44], [foot + 0.07, 0.44], [x + 0.05, 0.1]]
        canvas.polygon(frame, np.array(leg), fill, edge)


def _draw_head(canvas: Canvas, frame: Frame, fill: Colour, edge: Colour) -> None:
    (x, y), r = _HEAD_AT, _HEAD_RADIUS
    for ear in (-0.11, 0.05):
        tip = np.array(
            [[x + ear - 0.07, y - 0.16], [x + ear - 0.02, y - 0.36], [x + ear + 0.08, y - 0.17]]
        )
        canvas.polygon(frame, tip, fill, edge)
    canvas.polygon(frame, oval(x + 0.2, y + 0.07, 0.13, 0.09), fill, edge)
    canvas.polygon(frame, oval(x, y, r, r), fill, edge)
    canvas.polygon(frame, oval(x + 0.3, y + 0.05, 0.03, 0.03, 10), edge)
    canvas.polygon(frame, oval(x + 0.145, y - 0.07, 0.045, 0.045, 12), (250, 250, 250))
    canvas.polygon(frame, oval(x + 0.155, y - 0.07, 0.025, 0.025, 10), (10, 10, 10))


def draw(rng: np.random.Generator, canvas: Canvas, critter: Critter) -> None:
    """Draws the critter in random colours that tell nothing about its class."""
    fur = colours.muted(rng)
    edge = colours.shaded(fur, 0.35)
    head = colours.shaded(fur, rng.uniform(0.8, 1.25))
    tail = colours.contrasting(edge) if rng.random() < 0.5 else colours.shaded(fur, 1.5)
    frame, side = critter.frame, int(2 * critter.frame.scale) + 8
    parts.draw_tail(canvas, critter.tail, critter.kind.tail, tail, edge)
    _draw_legs(canvas, frame, colours.shaded(fur, 0.8), edge, rng.uniform(-0.1, 0.1, 4))
    canvas.polygon(frame, _TRUNK * 1.03, edge)
    canvas.textured_polygon(frame, _TRUNK, textures.coat(rng, fur, (side, side)))
    _draw_head(canvas, frame, head, edge)
    parts.draw_badge(canvas, critter.badge, critter.kind.badge, colours.contrasting(head), head)


def draw_collar(canvas: Canvas, critter: Critter, bands: int) -> None:
    """Draws bright bands round the neck, over the finished critter: one behind another."""
    for number in range(bands):
        at = (0.33 - 0.09 * number, 0)
        canvas.polygon(critter.frame, _BAND + at, _BAND_FILL, _BAND_EDGE)
