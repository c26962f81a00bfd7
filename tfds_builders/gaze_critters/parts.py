"""The diagnostic parts: head badges and tails, drawn in a frame of unit size."""

import functools
import math

import numpy as np

from tfds_builders.gaze_critters.canvas import Canvas, Colour, Frame, oval

BADGE_PIXELS = (18.0, 24.0)  # across, on the smallest and the largest critter
TAIL_PIXELS = (28.0, 38.0)  # likewise; these sizes set how hard the classes are to tell


def draw_badge(canvas: Canvas, frame: Frame, badge: str, ink: Colour, paper: Colour) -> None:
    """Draws a badge of diameter 1 around the frame's origin.

    Args:
        canvas: where to draw.
        frame: its scale is the badge's diameter in pixels.
        badge: name from `kinds.BADGES`.
        ink: colour of the badge.
        paper: colour that shows through the ring's hole.
    """
    if badge == "disc":
        canvas.polygon(frame, oval(0, 0, 0.5, 0.5), ink)
    elif badge == "ring":
        canvas.polygon(frame, oval(0, 0, 0.52, 0.52), ink)
        canvas.polygon(frame, oval(0, 0, 0.29, 0.29), paper)
    elif badge == "cross":
        for arm in ([[-0.45, 0], [0.45, 0]], [[0, -0.45], [0, 0.45]]):
            canvas.line(frame, np.array(arm), 0.24, ink)
    elif badge == "bars":
        for x in (-0.38, 0.0, 0.38):
            canvas.line(frame, np.array([[x, -0.4], [x, 0.4]]), 0.18, ink)
    elif badge == "triangle":
        canvas.polygon(frame, np.array([[0, -0.58], [0.56, 0.42], [-0.56, 0.42]]), ink)
    elif badge == "dots":
        for x in (-0.31, 0.31):
            canvas.polygon(frame, oval(x, 0, 0.23, 0.23), ink)
    else:
        raise ValueError(f"no such badge: {badge!r}; see kinds.BADGES")


@functools.cache
def _curl() -> np.ndarray:
    """A spiral that starts at (-0.5, 0.1) and winds inwards."""
    t = np.linspace(0, 1, 18)
    radius, angle = 0.46 - 0.34 * t, math.pi * (1.0 + 2.7 * t)
    return np.stack([0.04 + radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


@functools.cache
def _fan() -> np.ndarray:
    """A sector that opens away from the body."""
    t = np.linspace(-0.75, 0.75, 12)
    arc = np.stack([-0.5 + np.cos(t), np.sin(t)], axis=-1)
    return np.concatenate([[[-0.5, 0.0]], arc])


def _tail_lines(tail: str) -> list[np.ndarray]:
    stem = np.array([[-0.75, 0.0], [-0.1, 0.0]])
    return {
        "curl": [np.array([[-0.75, 0.05], [-0.42, 0.0]]), _curl()],
        "fork": [stem, np.array([[0.45, -0.45], [-0.1, 0.0], [0.45, 0.45]])],
        "spike": [],
        "club": [stem],
        "fan": [np.array([[-0.75, 0.0], [-0.5, 0.0]])],
    }[tail]


def _tail_polygons(tail: str) -> list[np.ndarray]:
    return {
        "spike": [np.array([[-0.7, -0.24], [0.6, 0.0], [-0.7, 0.24]])],
        "club": [oval(0.17, 0, 0.34, 0.34)],
        "fan": [_fan()],
    }.get(tail, [])


def draw_tail(canvas: Canvas, frame: Frame, tail: str, fill: Colour, edge: Colour) -> None:
    """Draws a tail of length 1 around the frame's origin; local -x points to the body.

    Args:
        canvas: where to draw.
        frame: its scale is the tail's length in pixels.
        tail: name from `kinds.TAILS`.
        fill: colour of the tail.
        edge: colour of its outline.
    """
    lines, polygons = _tail_lines(tail), _tail_polygons(tail)
    for line in lines:
        canvas.line(frame, line, 0.27, edge)
    for polygon in polygons:
        canvas.polygon(frame, polygon * 1.08, edge)
    for line in lines:
        canvas.line(frame, line, 0.16, fill)
    for polygon in polygons:
        canvas.polygon(frame, polygon * 0.88, fill)
