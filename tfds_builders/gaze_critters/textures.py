"""Grey textures, made once in a process, and backgrounds composed from them."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from tfds_builders.gaze_critters import colours

_SIDE = 1024
_SEED = 20240  # of the textures, the same in each process


def noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Image.Image:
    """Returns smooth grey noise: a small random array, enlarged.

    Args:
        rng: source of randomness.
        size: width and height in pixels.
        cells: columns and rows of the small array.
    """
    small = rng.integers(0, 256, (cells[1], cells[0]), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def _octaves(rng: np.random.Generator, *cells: tuple[int, int]) -> Image.Image:
    """Mixes noise of several sizes, coarse to fine, half and half."""
    mixed = noise(rng, (_SIDE, _SIDE), cells[0])
    for cell in cells[1:]:
        mixed = Image.blend(mixed, noise(rng, (_SIDE, _SIDE), cell), 0.45)
    return ImageOps.autocontrast(mixed, cutoff=2)


def _pebbles(rng: np.random.Generator) -> Image.Image:
    """Overlapping round stones with a lit side."""
    ground = _octaves(rng, (40, 40), (200, 200)).point(lambda v: v // 3)
    draw = ImageDraw.Draw(ground)
    for x, y in rng.integers(0, _SIDE, (2600, 2)).tolist():
        r, grey = int(rng.integers(6, 17)), int(rng.integers(70, 210))
        draw.ellipse((x - r, y - r + 2, x + r, y + r), grey // 3)
        draw.ellipse((x - r, y - r, x + r - 1, y + r - 2), grey)
        draw.ellipse((x - r // 2, y - r // 2, x + r // 4, y + r // 4), min(255, grey + 25))
    return Image.blend(ground, noise(rng, ground.size, (300, 300)), 0.15)


def _leaves(rng: np.random.Generator) -> Image.Image:
    """Overlapping pointed leaves."""
    ground = _octaves(rng, (30, 30), (120, 120)).point(lambda v: v // 3)
    draw = ImageDraw.Draw(ground)
    along = np.linspace(0, np.pi, 9)
    blade = np.concatenate(
        [np.stack([along / np.pi - 0.5, side * 0.22 * np.sin(along)], axis=-1) for side in (1, -1)]
    )[[*range(9), *range(17, 9, -1)]]
    for x, y in rng.integers(0, _SIDE, (2600, 2)).tolist():
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(22, 52)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points = np.rint(blade @ turn * length + (x, y)).astype(int)
        grey = int(rng.integers(60, 230))
        draw.polygon(points.ravel().tolist(), grey)
        draw.line([*points[0].tolist(), *points[8].tolist()], grey * 2 // 3, 2)
    return Image.blend(ground, noise(rng, ground.size, (300, 300)), 0.12)


@functools.cache
def _atlas() -> tuple[Image.Image, ...]:
    """Returns grey textures of 1024 x 1024: clouds, sand, fibres, bark, pebbles, leaves."""
    rng = np.random.default_rng(_SEED)
    sheets = (
        _octaves(rng, (12, 12), (40, 40), (130, 130)),
        _octaves(rng, (20, 20), (250, 250), (420, 420)),
        _octaves(rng, (8, 60), (30, 260)),
        _octaves(rng, (70, 14), (240, 50), (200, 200)),
        _pebbles(rng),
        _leaves(rng),
    )
    return tuple(sheet.point(lambda v: v // 2) for sheet in sheets)


@functools.cache
def _upper_atlas() -> tuple[Image.Image, ...]:
    """Returns the same textures with 128 added, so that a palette tells them from the others."""
    return tuple(sheet.point(lambda v: v + 128) for sheet in _atlas())


@functools.cache
def _borders() -> Image.Image:
    """Returns islands in 0 and 255, 1024 x 1024."""
    islands = noise(np.random.default_rng(_SEED + 1), (_SIDE, _SIDE), (11, 11))
    return islands.point(lambda v: 255 * (v > 128))


def prepare() -> None:
    """Makes the textures of this process, which otherwise happens with the first picture."""
    _upper_atlas()
    _borders()


def _random_piece(
    rng: np.random.Generator, sheet: Image.Image, size: tuple[int, int]
) -> Image.Image:
    """Cuts a piece out of a sheet."""
    x, y = (int(rng.integers(0, _SIDE - side + 1)) for side in size)
    return sheet.crop((x, y, x + size[0], y + size[1]))


def _ramp(dark: colours.Colour, light: colours.Colour) -> np.ndarray:
    """Returns 128 colours from dark to light, uint8 [128, 3]."""
    step = np.arange(128)[:, None]
    return ((np.array(dark) * (127 - step) + np.array(light) * step) // 127).astype(np.uint8)


def _random_ramp(rng: np.random.Generator) -> np.ndarray:
    """Returns shades of one muted colour, uint8 [128, 3]."""
    hue, saturation = rng.random(), rng.uniform(0.1, 0.45)
    dark = colours.from_hsv(hue + rng.uniform(-0.1, 0.1), saturation, rng.uniform(0.1, 0.3))
    return _ramp(dark, colours.from_hsv(hue, saturation, rng.uniform(0.55, 0.9)))


def _coloured(grey: Image.Image, *ramps: np.ndarray) -> Image.Image:
    """Looks grey values up in a palette, which is ten times as fast as `ImageOps.colorize`."""
    grey.putpalette(np.concatenate(ramps).tobytes())
    return grey.convert("RGB")


def coat(rng: np.random.Generator, colour: colours.Colour, size: tuple[int, int]) -> Image.Image:
    """Returns fur of one colour, RGB, `size` wide and high."""
    piece = _random_piece(rng, _atlas()[rng.integers(4)], size)
    return _coloured(piece, _ramp(colours.shaded(colour, 0.6), colours.shaded(colour, 1.25)))


def background(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Returns two textures that meet along a random border, RGB, `size` wide and high."""
    first, second = rng.integers(len(_atlas()), size=2)
    grey = _random_piece(rng, _atlas()[first], size)
    islands = _random_piece(rng, _upper_atlas()[second], size)
    grey.paste(islands, mask=_random_piece(rng, _borders(), size))
    return _coloured(grey, _random_ramp(rng), _random_ramp(rng))
