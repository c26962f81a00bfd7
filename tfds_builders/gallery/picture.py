"""The picture of one built set: images with fixations, each beside its heat map."""

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image, ImageDraw, ImageFont, ImageOps

from salclass_tf import heatmaps

_EXAMPLES, _COLUMNS = 4, 2
_BOX, _CAPTION, _GAP = (280, 210), 18, 6  # pixels; width and height, height, width
_DOT, _OUTLINE = (255, 235, 0), (0, 0, 0)
_HEAT = {"black": "#0d0221", "mid": "#c4314b", "white": "#fff7b2"}
_HEAT_SHARE = 0.75  # the rest is the image in grey, so that it shows what the heat is on
_IN_ORDER = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
_FEW = 400  # fixations on an image that dots with an outline can show


@dataclasses.dataclass(frozen=True)
class Seen:
    """An image and where people looked.

    Attributes:
        image: RGB.
        x: columns of the fixations, 0-based, pixels of the image, [n].
        y: rows, likewise.
        heatmap: in [0, 1], peak 1, of the image's shape in any size.
        caption: what to write under it.
    """

    image: Image.Image
    x: np.ndarray
    y: np.ndarray
    heatmap: np.ndarray
    caption: str


def draw(builder: tfds.core.DatasetBuilder, names: Collection[str] = ()) -> Image.Image:
    """Draws examples of a prepared set.

    Args:
        builder: of a gaze set.
        names: `image/id` of the examples; without any, four in even steps through the set.

    Returns:
        RGB; two examples in a row, each the image with its fixations beside the heat map that
        training makes of them, over the image in grey. All are of the first split whose gaze is
        public.

    Raises:
        ValueError: if the split lacks a name.
    """
    hidden = builder.info.metadata.get("splits_without_gaze", ())
    split = next(name for name in builder.info.splits if name not in hidden)
    if names:
        places = _find(builder, split, names)
    else:
        total = builder.info.splits[split].num_examples
        places = np.unique((np.arange(_EXAMPLES) + 0.5) * total // _EXAMPLES).astype(int)
    return arrange([read(builder, f"{split}[{place}:{place + 1}]") for place in places])


def read(builder: tfds.core.DatasetBuilder, split: str) -> Seen:
    """Reads the first example of a split and makes its heat map.

    Args:
        builder: of a prepared gaze set.
        split: name or slice of a split.

    Returns:
        The example; the map is that of the set, or has the Gaussian that its metadata name.
    """
    example = next(iter(tfds.as_numpy(builder.as_dataset(split=split, read_config=_IN_ORDER))))
    x, y = example["fixations"]["x"], example["fixations"]["y"]
    if "heatmap" in example:
        heatmap = example["heatmap"][..., 0] / max(example["heatmap"].max(), 1)
    else:
        size = example["image"].shape[:2]
        xy = np.stack([x, y], axis=1)
        heatmap = heatmaps.from_fixations(xy, size, builder.info.metadata["sigma_px"])
    name = example["image/id"].decode()
    if "label" in example:
        name = builder.info.features["label"].int2str(int(example["label"]))
    caption = f"{name}: {len(x):,} points" if len(x) else name
    return Seen(Image.fromarray(example["image"]), x, y, heatmap, caption)


def arrange(examples: Sequence[Seen]) -> Image.Image:
    """Puts examples into rows of two.

    Args:
        examples: at least one.

    Returns:
        RGB.
    """
    cells = [_pair(example) for example in examples]
    width, height = (side + _GAP for side in cells[0].size)
    columns = min(len(cells), _COLUMNS)
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * width - _GAP, rows * height - _GAP), "white")
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index % columns * width, index // columns * height))
    return sheet


def _find(builder: tfds.core.DatasetBuilder, split: str, names: Collection[str]) -> list[int]:
    """Places of named examples in a split, in the order of the names."""
    only = tfds.decode.PartialDecoding({"image/id": True})
    examples = builder.as_dataset(split=split, decoders=only, read_config=_IN_ORDER)
    places = {e["image/id"].decode(): place for place, e in enumerate(tfds.as_numpy(examples))}
    if missing := sorted(set(names) - set(places)):
        raise ValueError(
            f"{builder.name}, split {split} must hold {', '.join(missing)}; build it whole"
        )
    return [places[name] for name in names]


def _pair(example: Seen) -> Image.Image:
    """Image with fixations, heat map, and the caption under both."""
    scale = min(box / side for box, side in zip(_BOX, example.image.size, strict=True))
    small = example.image.resize([round(side * scale) for side in example.image.size])
    heat = _heated(small, example.heatmap)
    _mark(small, example.x, example.y, scale)
    cell = Image.new("RGB", (2 * _BOX[0], _BOX[1] + _CAPTION), "white")
    top = (_BOX[1] - small.height) // 2
    cell.paste(small, (_BOX[0] - small.width, top))  # both at the middle: they touch
    cell.paste(heat, (_BOX[0], top))
    font = ImageFont.load_default(13)
    ImageDraw.Draw(cell).text((_BOX[0], _BOX[1] + 1), example.caption, "black", font, anchor="ma")
    return cell


def _heated(picture: Image.Image, heatmap: np.ndarray) -> Image.Image:
    """The colours of a heat map over a picture in grey."""
    grey = Image.fromarray(np.round(heatmap * 255).astype(np.uint8)).resize(picture.size)
    colours = ImageOps.colorize(grey, **_HEAT)
    return Image.blend(picture.convert("L").convert("RGB"), colours, _HEAT_SHARE)


def _mark(picture: Image.Image, x: np.ndarray, y: np.ndarray, scale: float) -> None:
    """Draws fixations; a single pixel each where there are too many for dots."""
    pen = ImageDraw.Draw(picture)
    # Whole numbers are the centres of pixels, of the image as of the picture.
    places = np.stack([x + 0.5, y + 0.5], axis=1) * scale - 0.5
    if len(places) > _FEW:
        inside = np.clip(np.round(places), 0, np.array(picture.size) - 1)
        pen.point([tuple(place) for place in inside], _DOT)
        return
    for place in places:
        pen.circle(tuple(place), 2.5, _DOT, _OUTLINE)
