"""What draws the eye and tells nothing: loud objects, and decoys that resemble parts."""

import dataclasses
import math

import numpy as np

from tfds_builders.gaze_critters import colours, parts
from tfds_builders.gaze_critters.canvas import Canvas, Frame, oval
from tfds_builders.gaze_critters.kinds import BADGES, TAILS

SHAPES = ("ball", "star", "flag", "board")
_LOUD_PIXELS = (34.0, 74.0)
_SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


@dataclasses.dataclass(frozen=True)
class Distractor:
    """A loud object.

    Attributes:
        shape: name from `SHAPES`.
        frame: the scale is the diameter in pixels.
    """

    shape: str
    frame: Frame

    @property
    def loudness(self) -> float:
        """Returns how strongly it draws the eye: its size, more for patterned ones."""
        return self.frame.scale * (1.5 if self.shape in ("flag", "board") else 1.0)


@dataclasses.dataclass(frozen=True)
class Decoy:
    """A badge on a pebble or a lone tail, away from any critter.

    Attributes:
        part: name from `kinds.BADGES` or `kinds.TAILS`.
        frame: the scale is the part's size in pixels.
    """

    part: str
    frame: Frame


def random_distractor(rng: np.random.Generator) -> Distractor:
    """Draws shape, size and direction at random, at the origin."""
    frame = Frame(0.0, 0.0, rng.uniform(*_LOUD_PIXELS), rng.uniform(0, 2 * math.pi))
    return Distractor(SHAPES[rng.integers(len(SHAPES))], frame)


def random_decoy(rng: np.random.Generator) -> Decoy:
    """Draws part, size and direction at random, at the origin."""
    names, pixels = ((BADGES, parts.BADGE_PIXELS), (TAILS, parts.TAIL_PIXELS))[rng.integers(2)]
    frame = Frame(0.0, 0.0, rng.uniform(*pixels), rng.uniform(0, 2 * math.pi))
    return Decoy(names[rng.integers(len(names))], frame)


def _star() -> np.ndarray:
    t = np.arange(10) * math.pi / 5
    radius = np.where(np.arange(10) % 2, 0.22, 0.54)
    return np.stack([radius * np.cos(t), radius * np.sin(t)], axis=-1)


def draw_distractor(rng: np.random.Generator, canvas: Canvas, distractor: Distractor) -> None:
    """Draws a distractor in saturated colours."""
    frame, first, second = distractor.frame, colours.loud(rng), colours.loud(rng)
    if distractor.shape == "ball":
        canvas.polygon(frame, oval(0, 0, 0.5, 0.5, 40), first, colours.shaded(first, 0.5))
        canvas.polygon(frame, oval(-0.15, -0.17, 0.15, 0.11), (255, 255, 255))
    elif distractor.shape == "star":
        canvas.polygon(frame, _star(), first, colours.shaded(first, 0.5))
    elif distractor.shape == "flag":
        canvas.polygon(frame, _SQUARE * (1.1, 0.75), (255, 255, 255))
        for x in (-0.44, 0.0, 0.44):
            canvas.polygon(frame, _SQUARE * (0.22, 0.75) + (x, 0), first)
    else:
        canvas.polygon(frame, _SQUARE * 0.9, (250, 250, 250))
        cells = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2]
        for i, j in cells:
            at = ((i - 1.5) * 0.225, (j - 1.5) * 0.225)
            canvas.polygon(frame, _SQUARE * 0.225 + at, second)


def draw_decoy(rng: np.random.Generator, canvas: Canvas, decoy: Decoy) -> None:
    """Draws a decoy in muted colours."""
    paper = colours.muted(rng)
    edge = colours.shaded(paper, 0.35)
    if decoy.part in TAILS:
        parts.draw_tail(canvas, decoy.frame, decoy.part, colours.shaded(paper, 1.5), edge)
        return
    canvas.polygon(decoy.frame, oval(0, 0, 0.95, 0.8), paper, edge)
    ink = colours.contrasting(paper)
    parts.draw_badge(canvas, decoy.frame, decoy.part, ink, paper)
