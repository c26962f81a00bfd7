"""Generated pictures with spots that generated viewers look at."""

import pathlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from tfds_builders.common.fixation_table import Fixations

Gaze = dict[str, Fixations]


def write_pictures(
    root: pathlib.Path, count: int = 12, sizes: tuple[tuple[int, int], ...] = ((240, 320),)
) -> Gaze:
    """Writes pictures with three spots each; returns what six viewers look at on them."""
    rng = np.random.default_rng(0)
    root.mkdir(parents=True)
    gaze = {}
    for number in range(count):
        height, width = sizes[number % len(sizes)]
        spots = rng.uniform(0.12, 0.88, (3, 2)) * (width, height)
        rows, columns = np.mgrid[:height, :width]
        picture = rng.normal(110, 3, (height, width, 3))
        for x, y in spots:
            near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (0.04 * width) ** 2))
            picture += near[..., np.newaxis] * (120, -60, -40)
        pixels = picture.clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"p{number:02}.png")
        chosen = spots[rng.integers(0, 3, 60)] + rng.normal(0, 0.02 * width, (60, 2))
        x, y = np.clip(chosen, 0, (width - 1, height - 1)).T
        gaze[f"p{number:02}"] = Fixations(x, y, np.full(60, 220.0), np.arange(60) // 10)
    return gaze


def write_table(
    path: pathlib.Path,
    gaze: Mapping[str, Fixations],
    way: Callable[[np.ndarray, np.ndarray, tuple[int, int]], tuple] = lambda x, y, size: (x, y),
    sizes: tuple[tuple[int, int], ...] = ((240, 320),),
) -> None:
    """Writes `fixations.csv`, coordinates in another way."""
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number, (stem, value) in enumerate(gaze.items()):
        x, y = way(value.x, value.y, sizes[number % len(sizes)])
        lines += [
            f"{stem},{viewer},{index},{column},{row},{duration}"
            for index, (viewer, column, row, duration) in enumerate(
                zip(value.viewer, x, y, value.duration_ms, strict=True)
            )
        ]
    path.write_text("\n".join(lines))
