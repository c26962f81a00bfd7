"""What predictions leave on disk: names that do not clash, files that are whole, two tables."""

import csv
import dataclasses
import json
import os
import pathlib

import numpy as np

from salclass_tf.runs import files

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
        map_peak: largest value of the map on the image; what 65535 stands for in a PNG.
        crop: left, upper, right and lower edge of the part that the network saw, in pixels.
        overlay: file with the overlay, seen from the folder of the tables.
        map: file with the map, seen from there.
    """

    image: str
    error: str | None = None
    width: int | None = None
    height: int | None = None
    classes: tuple[tuple[str, float], ...] = ()
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
            self.map_peak,
            self.overlay,
            self.map,
            self.error,
        ]


def columns(top_k: int) -> list[str]:
    """Returns the headings of the table for a number of classes."""
    named = [f"{what}_{i}" for i in range(1, top_k + 1) for what in ("class", "probability")]
    return ["image", "width", "height", *named, "map_peak", "overlay", "map", "error"]


class Names:
    """Gives each image a name of its own: its stem, with a number where that is taken."""

    def __init__(self):
        """Nothing is taken."""
        self._taken = set()
        self._last_number = {}

    def take(self, path: pathlib.Path) -> str:
        """Returns a name that no image had before; case does not tell two apart."""
        stem = path.stem
        while len(os.fsencode(stem)) > _LONGEST_STEM:
            stem = stem[:-1]
        name, number = stem, self._last_number.get(stem.casefold(), 1)
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.casefold())
        self._last_number[stem.casefold()] = number
        return name


class Tables:
    """`predictions.csv` and `predictions.json`, written line by line, there only once complete.

    A context manager: without an error the files get their names at its end, with one they go.
    """

    def __init__(self, out_dir: pathlib.Path, model: str, top_k: int):
        """Begins both files.

        Args:
            out_dir: where they are written; older ones of the same names go at once.
            model: name of the model.
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
        self._files[1].write(f'{{"model": {json.dumps(model)}, "predictions": [')

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
        if error is None:
            self._files[1].write("\n]}\n")
        for path, file in zip(self._paths, self._files, strict=True):
            file.close()
            if error is None:
                files.put(_unfinished(path), path)
            else:
                _unfinished(path).unlink()


def as_16_bits(saliency: np.ndarray, peak: float) -> np.ndarray:
    """Returns a map as uint16: 65535 is the peak, 0 is 0 and below."""
    share = np.clip(saliency / peak, 0, 1) if peak > 0 else np.zeros_like(saliency)
    return np.round(65535 * share).astype(np.uint16)


def _unfinished(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.unfinished")
