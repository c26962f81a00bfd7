"""Random colours, muted for surroundings and critters, saturated for what shall be loud."""

import colorsys

import numpy as np

from tfds_builders.gaze_critters.canvas import Colour

_LUMA = (299, 587, 114)  # ITU-R BT.601, per mille


def from_hsv(hue: float, saturation: float, value: float) -> Colour:
    """Converts hue, saturation and value, each in [0, 1], to 8-bit RGB."""
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def muted(rng: np.random.Generator) -> Colour:
    """Returns a colour as soil, leaves and fur have it."""
    return from_hsv(rng.random(), rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.8))


def loud(rng: np.random.Generator) -> Colour:
    """Returns a saturated bright colour."""
    return from_hsv(rng.random(), rng.uniform(0.85, 1.0), rng.uniform(0.85, 1.0))


def shaded(colour: Colour, factor: float) -> Colour:
    """Scales the brightness; factors above 1 clip at white."""
    return tuple(min(255, round(c * factor)) for c in colour)


def contrasting(colour: Colour) -> Colour:
    """Returns near-black on light colours and near-white on dark ones."""
    luma = sum(weight * c for weight, c in zip(_LUMA, colour, strict=True)) // 1000
    return (25, 22, 28) if luma > 120 else (245, 242, 232)
