"""One picture and what is in it."""

import dataclasses
import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tfds_builders.gaze_critters import colours, critter, distractors, textures
from tfds_builders.gaze_critters.canvas import Canvas, oval
from tfds_builders.gaze_critters.kinds import Kind

SHORT_SIDE, LONG_SIDE = (320, 360), 420  # pixels
_COMPANY = 0.15  # share of pictures with a second critter of the same class
_VISIBLE = 0.84  # of the short side: the central crop of an evaluation (299 of 340) shows the parts
_JPEG_QUALITY = 92
_ATTEMPTS = 12
_PAIR_ATTEMPTS = 60
_NEAREST = 0.9  # distance of two critters' circles, in the sum of their radii
_WINDOW = 150  # pixels around a part that a close-up shows
_OFF_CENTRE = 25.0  # pixels by which it may miss the part
_COLLARS = (2, 1)  # bands on the critter in question, and on the other one
_LITTER = oval(0, 0, 0.5, 0.5, 12)


@dataclasses.dataclass(frozen=True)
class Scene:
    """A rendered picture and where its contents are.

    Attributes:
        picture: RGB, 320 to 360 pixels on the short side, at most 420 on the long one.
        critters: one or two of the same class, or a pair of two classes; both parts of the first
            one, and of both of a pair, lie in the central square.
        distractors: loud objects.
        decoys: lone shapes that resemble the diagnostic parts.
    """

    picture: Image.Image
    critters: tuple[critter.Critter, ...]
    distractors: tuple[distractors.Distractor, ...]
    decoys: tuple[distractors.Decoy, ...]

    def jpeg(self) -> bytes:
        """Returns the encoded picture."""
        file = io.BytesIO()
        self.picture.save(file, "JPEG", quality=_JPEG_QUALITY)
        return file.getvalue()


def _random_size(rng: np.random.Generator) -> tuple[int, int]:
    short = int(rng.integers(SHORT_SIDE[0], SHORT_SIDE[1] + 1))
    long = int(rng.integers(short, LONG_SIDE + 1))
    return (long, short) if rng.random() < 0.7 else (short, long)


def _place_first(rng: np.random.Generator, size: tuple[int, int], kind: Kind) -> critter.Critter:
    """Poses a critter with both parts inside the central square that evaluation looks at."""
    posed = critter.pose(rng, kind)
    half = _VISIBLE * min(size) / 2 - posed.tail.scale / 2
    shift = []
    for side, parts in zip(size, posed.centres.T.tolist(), strict=True):
        low, high = side / 2 - half - min(parts), side / 2 + half - max(parts)
        shift.append(rng.uniform(low, max(low, high)))
    return posed.moved(*shift)


def _free_spot(
    rng: np.random.Generator, size: tuple[int, int], radius: float, taken: list[tuple]
) -> tuple[float, float] | None:
    """Returns a place for a circle that keeps clear of the taken ones, or None."""
    for _ in range(_ATTEMPTS):
        x = radius + rng.random() * (size[0] - 2 * radius)
        y = radius + rng.random() * (size[1] - 2 * radius)
        if all((x - a) ** 2 + (y - b) ** 2 > (radius + r) ** 2 for a, b, r in taken):
            return x, y
    return None


def _circles(posed: critter.Critter) -> list[tuple[float, float, float]]:
    """Covers a critter with circles (x, y, radius in pixels)."""
    trunk, badge, tail = posed.frame, posed.badge, posed.tail
    return [
        (trunk.x, trunk.y, 0.45 * trunk.scale),
        (badge.x, badge.y, 0.36 * trunk.scale),
        (tail.x, tail.y, tail.scale),
    ]


def _second(
    rng: np.random.Generator, size: tuple[int, int], kind: Kind, taken: list[tuple]
) -> critter.Critter | None:
    """Poses a second critter where there is room for it, or returns None."""
    posed = critter.pose(rng, kind)
    spot = _free_spot(rng, size, 0.85 * posed.frame.scale, taken)
    return posed.moved(*spot) if spot else None


def _place_all(rng: np.random.Generator, make, count: int, room: float, size, taken: list) -> tuple:
    """Makes `count` objects and keeps those for which a free spot of `room` radii is found."""
    placed = []
    for _ in range(count):
        made = make(rng)
        radius = room * made.frame.scale
        if spot := _free_spot(rng, size, radius, taken):
            frame = dataclasses.replace(made.frame, x=spot[0], y=spot[1])
            placed.append(dataclasses.replace(made, frame=frame))
            taken.append((*spot, radius))
    return tuple(placed)


def _scatter_litter(rng: np.random.Generator, canvas: Canvas) -> None:
    """Scatters leaves and stones in muted colours."""
    tones = [colours.muted(rng) for _ in range(4)]
    count = int(rng.integers(12, 36))
    places = rng.uniform(0, (canvas.width, canvas.height), (count, 1, 2))
    sides = rng.uniform((8, 3), (30, 10), (count, 1, 2))
    angle = rng.uniform(0, 2 * math.pi, count)
    turns = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    outlines = (_LITTER * sides) @ turns.transpose(2, 0, 1) + places
    canvas.litter(outlines, tones, [colours.shaded(tone, 0.6) for tone in tones])


def render(rng: np.random.Generator, kind: Kind) -> Scene:
    """Renders one picture of a critter.

    Args:
        rng: source of everything but the class; the same state gives the same picture.
        kind: class of the critter.
    """
    size = _random_size(rng)
    critters = [_place_first(rng, size, kind)]
    taken = _circles(critters[0])
    if rng.random() < _COMPANY and (second := _second(rng, size, kind, taken)):
        critters.append(second)
        taken += _circles(second)
    loud = _place_all(
        rng, distractors.random_distractor, int(rng.integers(3, 6)), 0.55, size, taken
    )
    decoys = _place_all(rng, distractors.random_decoy, int(rng.integers(0, 4)), 1.0, size, taken)
    picture = _draw(rng, size, critters[::-1], loud, decoys)
    return Scene(picture, tuple(critters), loud, decoys)


def _draw(
    rng: np.random.Generator,
    size: tuple[int, int],
    critters: Sequence,
    loud: tuple,
    decoys: tuple,
    collars: Sequence[int] = (),
) -> Image.Image:
    """Draws surroundings, objects and, over them and one after another, critters in collars."""
    canvas = Canvas(textures.background(rng, size))
    _scatter_litter(rng, canvas)
    for decoy in decoys:
        distractors.draw_decoy(rng, canvas, decoy)
    for distractor in loud:
        distractors.draw_distractor(rng, canvas, distractor)
    for posed in critters:
        critter.draw(rng, canvas, posed)
    for posed, bands in zip(critters, collars, strict=bool(collars)):
        critter.draw_collar(canvas, posed, bands)
    return canvas.picture()


def render_pair(rng: np.random.Generator, kind: Kind, other: Kind, collars: bool = False) -> Scene:
    """Renders one picture of two critters of different classes that do not touch.

    Nothing but collars tells which of them comes first in the scene: both are placed alike, and
    which one was placed first, and is drawn first, is a draw too.

    Args:
        rng: source of everything but the classes.
        kind: class of the critter that comes first in the scene.
        other: class of the second one.
        collars: whether they wear some: of two bands the first one, of one band the second one.
    """
    swapped = bool(rng.integers(2))
    kinds = (other, kind) if swapped else (kind, other)
    pair = None
    while pair is None:
        size = _random_size(rng)
        pair = _place_pair(rng, size, *kinds)
    taken = [circle for posed in pair for circle in _circles(posed)]
    loud = _place_all(
        rng, distractors.random_distractor, int(rng.integers(2, 5)), 0.55, size, taken
    )
    decoys = _place_all(rng, distractors.random_decoy, int(rng.integers(0, 4)), 1.0, size, taken)
    bands = _COLLARS if collars else ()
    picture = _draw(rng, size, pair, loud, decoys, bands[::-1] if swapped else bands)
    return Scene(picture, pair[::-1] if swapped else pair, loud, decoys)


def _place_pair(
    rng: np.random.Generator, size: tuple[int, int], first: Kind, second: Kind
) -> tuple[critter.Critter, critter.Critter] | None:
    """Poses two critters with their parts in the central square; None where there is no room."""
    one = _place_first(rng, size, first)
    taken = _circles(one)
    for _ in range(_PAIR_ATTEMPTS):
        two = _place_first(rng, size, second)
        if all(
            (x - a) ** 2 + (y - b) ** 2 > (_NEAREST * (radius + r)) ** 2
            for x, y, radius in _circles(two)
            for a, b, r in taken
        ):
            return one, two
    return None


def close_up(rng: np.random.Generator, scene: Scene, at: np.ndarray) -> Scene:
    """Cuts a square around a point out of a scene and enlarges it to the usual size.

    Args:
        rng: source of the square's place and of the size.
        scene: rendered scene.
        at: the point, (x, y) in pixels.

    Returns:
        A scene of the picture alone, without the list of what is in it.
    """
    corner = at + rng.uniform(-_OFF_CENTRE, _OFF_CENTRE, 2) - _WINDOW / 2
    left, top = np.clip(corner, 0, np.subtract(scene.picture.size, _WINDOW)).astype(int).tolist()
    side = int(rng.integers(SHORT_SIDE[0], SHORT_SIDE[1] + 1))
    square = (left, top, left + _WINDOW, top + _WINDOW)
    picture = scene.picture.resize((side, side), Image.Resampling.BILINEAR, box=square)
    return Scene(picture, (), (), ())
