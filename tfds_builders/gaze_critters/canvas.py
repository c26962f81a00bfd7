"""The drawing surface and the frames in which shapes are described."""

import dataclasses
import functools
import math
from typing import Self

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

_OVERSAMPLING = 2  # shapes are drawn at twice the size and averaged: smooth edges for 1 ms


@functools.lru_cache(maxsize=64)
def _turn(scale: float, angle: float, mirrored: bool) -> np.ndarray:
    """Rotation, mirroring and scale, float64 [2, 2]."""
    cos, sin = math.cos(angle), math.sin(angle)
    flip = -1.0 if mirrored else 1.0
    return np.array([[cos, sin], [-sin * flip, cos * flip]]) * scale


@dataclasses.dataclass(frozen=True)
class Frame:
    """A turned, scaled and perhaps mirrored coordinate frame on the picture.

    Attributes:
        x: origin, 0-based pixels of the picture.
        y: origin, 0-based pixels of the picture, downwards.
        scale: pixels per local unit.
        angle: rotation in radians, clockwise on the screen.
        mirrored: whether the local y axis points upwards.
    """

    x: float
    y: float
    scale: float
    angle: float = 0.0
    mirrored: bool = False

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Maps local points to pixels of the picture; float64 [n, 2] to float64 [n, 2]."""
        return points @ _turn(self.scale, self.angle, self.mirrored) + (self.x, self.y)

    def child(self, x: float, y: float, scale: float, angle: float = 0.0) -> Self:
        """Returns the frame of a part at local `(x, y)`; `scale` in pixels, `angle` relative."""
        ((px, py),) = self.to_picture(np.array([[x, y]]))
        turned = self.angle + (-angle if self.mirrored else angle)
        return Frame(px, py, scale, turned, self.mirrored)


@functools.cache
def oval(x: float, y: float, rx: float, ry: float, corners: int = 24) -> np.ndarray:
    """Returns an ellipse as a polygon, float64 [corners, 2]; shared, so not writeable."""
    t = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    points = np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], axis=-1)
    points.flags.writeable = False
    return points


class Canvas:
    """A picture under construction, drawn at twice its size."""

    def __init__(self, background: Image.Image):
        """Starts from a finished RGB background."""
        self.width, self.height = background.size
        size = (self.width * _OVERSAMPLING, self.height * _OVERSAMPLING)
        self._large = background.resize(size, Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._large)

    def _pixels(self, frame: Frame, points: np.ndarray) -> np.ndarray:
        """Returns whole pixels of the large picture, so that no float reaches the rasteriser."""
        return np.rint(frame.to_picture(points) * _OVERSAMPLING).astype(np.int64)

    def _fill(self, pixels: list[int], fill: Colour, edge: Colour | None) -> None:
        self._draw.polygon(pixels, fill)
        if edge is not None:  # several times as fast as Pillow's wide outline, which needs a mask
            self._draw.line(pixels + pixels[:4], edge, _OVERSAMPLING + 1)

    def polygon(
        self, frame: Frame, points: np.ndarray, fill: Colour, edge: Colour | None = None
    ) -> None:
        """Fills a polygon given in the frame's units; `edge` adds a thin outline."""
        self._fill(self._pixels(frame, points).ravel().tolist(), fill, edge)

    def litter(self, outlines: np.ndarray, fills: list[Colour], edges: list[Colour]) -> None:
        """Fills many outlined polygons at once, which saves half of the time.

        Args:
            outlines: in pixels of the picture, float64 [n, corners, 2].
            fills: colours, taken in turn.
            edges: colours of the outlines, taken in turn.
        """
        large = np.rint(outlines * _OVERSAMPLING).astype(np.int64)
        for i, pixels in enumerate(large.reshape(len(large), -1).tolist()):
            self._fill(pixels, fills[i % len(fills)], edges[i % len(edges)])

    def line(self, frame: Frame, points: np.ndarray, width: float, fill: Colour) -> None:
        """Draws an open line with round ends and corners; `width` in the frame's units."""
        thick = max(1, round(width * frame.scale * _OVERSAMPLING))
        pixels = self._pixels(frame, points)
        self._draw.line(pixels.ravel().tolist(), fill, thick)
        for corner in pixels.tolist():
            self._draw.circle(corner, thick // 2, fill)

    def textured_polygon(self, frame: Frame, points: np.ndarray, texture: Image.Image) -> None:
        """Fills a polygon with the top left of an RGB texture.

        Raises:
            ValueError: if the texture is smaller than the polygon.
        """
        corners = self._pixels(frame, points)
        low, high = corners.min(axis=0), corners.max(axis=0) + 1
        size = tuple((high - low).tolist())
        if texture.width < size[0] or texture.height < size[1]:
            raise ValueError(
                f"the texture must cover the polygon of {size} pixels; received {texture.size}"
            )
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon((corners - low).ravel().tolist(), 255)
        self._large.paste(texture.crop((0, 0, *size)), tuple(low.tolist()), mask)

    def picture(self) -> Image.Image:
        """Returns the finished RGB picture in its own size."""
        return self._large.reduce(_OVERSAMPLING)
