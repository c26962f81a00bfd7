"""Where on the screen an image was shown: `placement.csv`, or columns of the tracker's export."""

import csv
import dataclasses
import math
import pathlib

import numpy as np
import numpy.typing as npt

from tfds_builders.common import user_files

FILE = "placement.csv"
EVERY_IMAGE = "*"
_COLUMNS = ["stem", "left", "top", "width", "height"]


@dataclasses.dataclass(frozen=True)
class Place:
    """The rectangle that an image filled, in pixels of the screen.

    Attributes:
        left: column of its first pixels, 0-based.
        top: row of its first pixels, 0-based.
        width: how wide it was shown.
        height: how high it was shown.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        """Checks the numbers."""
        numbers = dataclasses.astuple(self)
        if not all(map(math.isfinite, numbers)) or min(self.width, self.height) <= 0:
            raise ValueError(
                f"an image's place must be finite, width and height above 0; got {numbers}"
            )

    def is_close(self, other: "Place") -> bool:
        """Whether two rectangles are the same but for a pixel.

        Args:
            other: the other one.

        Returns:
            True if no number differs by more than 1.
        """
        return bool(np.allclose(dataclasses.astuple(self), dataclasses.astuple(other), 0, 1))

    def describe(self) -> str:
        """Returns the numbers as `left,top,width,height`."""
        return ",".join(f"{number:g}" for number in dataclasses.astuple(self))

    def to_image(
        self, x: npt.ArrayLike, y: npt.ArrayLike, size: tuple[int, int]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Moves points of the screen to the image.

        Whole numbers are the centres of pixels on both sides, so that an image begins half a pixel
        before its 0. What lies on that half pixel becomes 0, as in `schema.zero_based`.

        Args:
            x: columns on the screen, pixels, 0-based, [n].
            y: rows on the screen, likewise.
            size: height and width of the image file, pixels.

        Returns:
            Columns and rows on the image, pixels, 0-based, float64 [n].
        """
        height, width = size
        return (
            _rescale(x, self.left, width / self.width),
            _rescale(y, self.top, height / self.height),
        )


def read_placement(root: pathlib.Path) -> dict[str, Place]:
    """Reads `placement.csv`: `stem,left,top,width,height`; the stem `*` is every other image.

    Args:
        root: the folder in which it may lie.

    Returns:
        Places by stem; nothing without the file.

    Raises:
        ValueError: if the header or a line is of another form, or a stem occurs twice.
    """
    path = root / FILE
    places: dict[str, Place] = {}
    if not path.exists():
        return places
    with user_files.opened_table(path) as file:
        lines = csv.reader(file)
        if (header := next(lines, None)) != _COLUMNS:
            raise ValueError(f"{path} must begin with {','.join(_COLUMNS)}; got {header}")
        for fields in filter(None, lines):
            source = f"{path}, line {lines.line_num}"
            stem = user_files.composed(fields[0])
            if len(fields) != len(_COLUMNS) or stem in places:
                raise ValueError(
                    f"{source} must have {len(_COLUMNS)} fields and a stem of its own; got {fields}"
                )
            try:
                places[stem] = Place(*map(float, fields[1:]))
            except ValueError as error:
                raise ValueError(f"{source}: {error}. Numbers need a decimal point") from error
    return places


def _rescale(position: npt.ArrayLike, begin: float, scale: float) -> npt.NDArray[np.float64]:
    moved = (np.asarray(position, np.float64) - begin + 0.5) * scale - 0.5
    return np.where((moved >= -0.5) & (moved < 0), 0, moved)
