"""The overlay: an image with its saliency map on it and its likeliest classes below."""

import pathlib
from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_PALETTE = matplotlib.colormaps["inferno"](np.arange(256), bytes=True)[:, :3].tobytes()
# Matplotlib's own font: it knows more letters than Pillow's.
_FONT = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")

#: sides of the picture in pixels: small images are enlarged, so that one sees something
_LONGEST, _SHORTEST_LONG_SIDE, _NARROWEST = 1280, 480, 320
_OPACITY, _GREYING = 0.85, 0.6
# Red, green and blue of what has lost some of its colour, from those of the image and 1.
_PALING = tuple(
    np.c_[
        (1 - _GREYING) * np.eye(3) + _GREYING * np.float64([0.299, 0.587, 0.114]), np.zeros(3)
    ].flat
)
_GROUND, _BAR, _INK, _FRAME = (32, 32, 36), (0, 92, 148), (255, 255, 255), (255, 255, 255)


def paint(
    image: np.ndarray,
    saliency: np.ndarray | None,
    box: tuple[float, float, float, float] | None,
    classes: Sequence[tuple[str, float]],
) -> np.ndarray:
    """Paints an overlay.

    The image loses some of its colour, and the map lies on it the more opaque the higher it is:
    where it is 0 or below, the image alone shows. A frame marks the part that classes are told of.

    Args:
        image: RGB uint8 [h, w, 3].
        saliency: map float32 [h, w], finite, drawn relative to its own peak; None for none.
        box: left, upper, right and lower edge of the central crop, in pixels of the image; None
            for no frame.
        classes: names and probabilities, the likeliest first; empty for none.

    Returns:
        RGB uint8, with a long side of 480 to 1280 pixels before the classes are added below.
    """
    height, width = image.shape[:2]
    scale = np.clip(max(height, width), _SHORTEST_LONG_SIDE, _LONGEST) / max(height, width)
    size = tuple(max(1, round(side * scale)) for side in (width, height))
    shown = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    if saliency is not None:
        resized = Image.fromarray(saliency).resize(size, Image.Resampling.BILINEAR)
        shown = _blend(shown, np.asarray(resized))
    picture = Image.fromarray(shown)
    if box is not None:
        _frame(picture, [edge * scale for edge in box])
    return np.asarray(_with_caption(picture, classes) if classes else picture)


def _blend(image: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Image and map in one, uint8 [h, w, 3].

    By Pillow, which works on bytes: products of matrices by NumPy start a thread for every core,
    while other threads of the job need those.
    """
    height = np.maximum(saliency, 0)
    height = height / max(height.max(), np.finfo(np.float32).tiny)
    # From the middle of the scale on: its dark end would look like a shadow in the image.
    levels = np.minimum(256 / 3 * (1 + 2 * height), 255).astype(np.uint8)
    colours = Image.fromarray(levels).convert("P")
    colours.putpalette(_PALETTE)
    paled = Image.fromarray(image).convert("RGB", _PALING)
    opacity = Image.fromarray(np.rint(255 * _OPACITY * height).astype(np.uint8))
    return np.asarray(Image.composite(colours.convert("RGB"), paled, opacity))


def _frame(picture: Image.Image, box: Sequence[float]) -> None:
    """Marks the part that the network saw, where that is not all."""
    left, upper, right, lower = (round(edge) for edge in box)
    right, lower = min(right, picture.width) - 1, min(lower, picture.height) - 1
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left, upper, right, lower), outline=_GROUND, width=3)
    if right - left > 2 and lower - upper > 2:
        draw.rectangle((left + 1, upper + 1, right - 1, lower - 1), outline=_FRAME)


def _with_caption(picture: Image.Image, classes: Sequence[tuple[str, float]]) -> Image.Image:
    """The picture with a line per class below it: name, probability, and a bar of its length."""
    width = max(picture.width, _NARROWEST)
    line = max(24, width // 26)
    font = ImageFont.truetype(_FONT, round(0.62 * line))
    whole = Image.new("RGB", (width, picture.height + line * len(classes)), _GROUND)
    whole.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(whole)
    for row, (name, probability) in enumerate(classes):
        top = picture.height + row * line
        draw.rectangle((0, top + 2, round(probability * (width - 1)), top + line - 3), fill=_BAR)
        percent = f"{probability:.1%}"
        room = width - 3 * line // 2 - draw.textlength(percent, font)
        middle = top + line / 2
        draw.text((line // 2, middle), _cut(name, room, draw, font), _INK, font, "lm")
        draw.text((width - line // 2, middle), percent, _INK, font, "rm")
    return whole


def _cut(name: str, room: float, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont) -> str:
    """A name on one line, its end cut off where it is too long for the room."""
    name = " ".join(name.split())
    if draw.textlength(name, font) <= room:
        return name
    while name and draw.textlength(name + "…", font) > room:
        name = name[:-1]
    return name + "…"
