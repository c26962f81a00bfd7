"""What predictions leave on disk: names that do not clash, files that are whole, two tables."""

import collections
import contextlib
import csv
import dataclasses
import io
import itertools
import json
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from salclass_tf.metrics import maps
from salclass_tf.runs import files

NPY, PNG = MAP_FORMATS = ("npy", "png")
JPEG, NONE = "jpeg", "none"
#: ending of an overlay's file, by its format
OVERLAYS = {PNG: "png", JPEG: "jpg", NONE: None}

_JPEG_QUALITY = 90

# File systems allow 255 bytes; a number, an ending and the mark of an unfinished file are added.
_LONGEST_STEM = 200


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What became of one image; what does not apply is None or empty.

    Attributes:
        image: its path, as it was found.
        error: why it was skipped.
        width: of the image, in pixels.
        height: of the image, in pixels.
        classes: names and probabilities, the likeliest first.
        map_low: smallest value of the map; in a PNG 0 stands for it, or for 0 if that is smaller.
        map_peak: largest value of the map; what 65535 stands for in a PNG.
        crop: left, upper, right and lower edge of the central square, in pixels, where something
            is told of that: classes, or a map of the crop.
        overlay: file with the overlay, seen from the folder of the tables.
        map: file with the map, seen from there.
    """

    image: str
    error: str | None = None
    width: int | None = None
    height: int | None = None
    classes: tuple[tuple[str, float], ...] = ()
    map_low: float | None = None
    map_peak: float | None = None
    crop: tuple[float, ...] | None = None
    overlay: str | None = None
    map: str | None = None

    def as_json(self) -> dict:
        """Returns plain types, classes as objects."""
        classes = [{"name": name, "probability": value} for name, value in self.classes]
        return vars(self) | {"classes": classes}

    def as_row(self, top_k: int) -> list:
        """Returns the values of `columns`."""
        named = [value for pair in self.classes for value in pair]
        named += [None] * (2 * top_k - len(named))
        return [self.image, self.width, self.height, *named] + [
            self.map_low,
            self.map_peak,
            self.overlay,
            self.map,
            self.error,
        ]


def columns(top_k: int) -> list[str]:
    """Returns the headings of the table for a number of classes."""
    named = [f"{what}_{i}" for i in range(1, top_k + 1) for what in ("class", "probability")]
    return ["image", "width", "height", *named, "map_low", "map_peak", "overlay", "map", "error"]


def names(images: Sequence[pathlib.Path], root: pathlib.Path) -> list[str]:
    """Returns a name of its own for what is predicted of each image: `Action/001`.

    The path from a folder on, without the ending of the file; with it where two images would share
    a name, so that evaluation finds the map of each. Upper and lower case do not tell two apart.

    Args:
        images: files in or below the folder.
        root: the folder.

    Raises:
        ValueError: if an image lies elsewhere: its files would, too.
    """
    paths = [pathlib.PurePath(os.path.relpath(os.path.abspath(image), root)) for image in images]
    outside = [image for image, path in zip(images, paths, strict=True) if path.parts[0] == ".."]
    if outside:
        raise ValueError(f"images must lie in or below {root}; got {outside[0]}: name it by itself")
    short, whole = [path.with_suffix("") for path in paths], paths
    chosen = list(short)
    while shared := _shared(chosen) & {i for i, path in enumerate(chosen) if path != whole[i]}:
        for index in shared:
            chosen[index] = whole[index]
    return _numbered([_shortened(path) for path in chosen])


def _shared(paths: Sequence[pathlib.PurePath]) -> set[int]:
    """Places of the paths that another one equals."""
    counts = collections.Counter(str(path).casefold() for path in paths)
    return {index for index, path in enumerate(paths) if counts[str(path).casefold()] > 1}


def _shortened(path: pathlib.PurePath) -> str:
    """A path whose last part leaves room for what is added to it."""
    stem = path.name
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return path.with_name(stem).as_posix()


def _numbered(found: list[str]) -> list[str]:
    """The same with numbers at the end where case alone, or what was cut off, tells two apart."""
    taken: set[str] = set()
    chosen = []
    for name in found:
        free = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        chosen.append(next(one for one in free if one.casefold() not in taken))
        taken.add(chosen[-1].casefold())
    return chosen


class Tables:
    """`predictions.csv` and `predictions.json`, written line by line, there only once complete.

    A context manager: without an error the files get their names at its end, with one they go.
    """

    def __init__(self, out_dir: pathlib.Path, facts: dict, top_k: int):
        """Begins both files.

        Args:
            out_dir: where they are written; older ones of the same names go at once.
            facts: what holds for all predictions, plain types.
            top_k: how many classes an answer names.
        """
        self._paths = [out_dir / f"predictions.{kind}" for kind in ("csv", "json")]
        self._top_k = top_k
        self._separator = ""
        for path in self._paths:
            path.unlink(missing_ok=True)
        # Names of files need not be valid text; these two bring them through as they are.
        options = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
        self._files = [_unfinished(path).open("w", **options) for path in self._paths]
        self._csv = csv.writer(self._files[0])
        self._csv.writerow(columns(top_k))
        head = json.dumps(facts).removesuffix("}")
        self._files[1].write(f'{head}, "predictions": [')

    def add(self, prediction: Prediction) -> None:
        """Writes a line about one image."""
        self._csv.writerow(prediction.as_row(self._top_k))
        self._files[1].write(f"{self._separator}\n{json.dumps(prediction.as_json())}")
        self._separator = ","

    def __enter__(self) -> "Tables":
        """Returns itself."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_) -> None:
        """Puts the files in their place, or removes them."""
        try:
            if error is None:
                self._files[1].write("\n]}\n")
            for file in self._files:
                file.close()  # which writes too
            for path in self._paths if error is None else ():
                files.put(_unfinished(path), path)
        finally:
            for path, file in zip(self._paths, self._files, strict=True):
                with contextlib.suppress(OSError):
                    file.close()
                _unfinished(path).unlink(missing_ok=True)


def as_16_bits(saliency: np.ndarray) -> np.ndarray:
    """Returns a map as uint16: 65535 is its peak, 0 is 0, or its lowest value if that is below."""
    values = maps.non_negative(np.asarray(saliency, np.float64))
    peak = values.max()
    return np.round(65535 * (values / peak if peak > 0 else values)).astype(np.uint16)


def encode_map(saliency: np.ndarray, map_format: str) -> bytes:
    """Returns a map as the content of a file.

    Args:
        saliency: float32 [h, w].
        map_format: one of `MAP_FORMATS`: the numbers as they are, or 16 bits, see `as_16_bits`.
    """
    if map_format == PNG:
        return encode_png(as_16_bits(saliency)[..., np.newaxis])
    buffer = io.BytesIO()
    np.save(buffer, saliency)
    return buffer.getvalue()


def encode_overlay(pixels: np.ndarray, overlays: str) -> bytes:
    """Returns uint8 [h, w, 3] as the content of a file: PNG, or JPEG, which is less work."""
    if overlays == JPEG:
        return tf.io.encode_jpeg(pixels, quality=_JPEG_QUALITY).numpy()
    return encode_png(pixels)


def encode_png(pixels: np.ndarray) -> bytes:
    """Returns the PNG of uint8 or uint16 [h, w, channels]."""
    # The default level takes five times as long for files of 800 x 600 that are 6 % smaller, and
    # was two thirds of the whole job.
    return tf.io.encode_png(pixels, compression=1).numpy()


def _unfinished(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.unfinished")
