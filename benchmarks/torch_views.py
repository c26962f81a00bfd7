"""Training views by a PyTorch DataLoader, written the obvious way; `benchmarks.datasets` runs it.

A process of its own, without TensorFlow, whose threads do not survive the loader's forks:

python -m benchmarks.torch_views FILE --sigma_px=24 --batch_size=16 --workers=2 --seconds=10

FILE is what `save` writes. Prints the views per second.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.ndimage
from PIL import Image

VIEWS = 10  # of each image


class Views:
    """Random views of images with their heat maps, as a data set that PyTorch can index.

    Args:
        paths: image files.
        xy: fixations of each image, 0-based pixels, [n, 2] each.
        sigma_px: sigma of the heat map, in pixels of the original image.
        short_side: short side of the resized image, pixels.
        image_size: side of the crop, pixels.
    """

    def __init__(
        self,
        paths: Sequence[str],
        xy: Sequence[np.ndarray],
        sigma_px: float,
        short_side: int = 340,
        image_size: int = 299,
    ):
        self._paths, self._xy = paths, xy
        self._sigma_px, self._short_side, self._image_size = sigma_px, short_side, image_size

    def __len__(self) -> int:
        """Number of views."""
        return len(self._paths) * VIEWS

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """One view: image uint8 [3, s, s], heat map float32 [1, s, s] in [0, 1]."""
        number = index // VIEWS
        with Image.open(self._paths[number]) as opened:
            picture = opened.convert("RGB")
        scale = self._short_side / min(picture.size)
        width, height = (round(side * scale) for side in picture.size)
        image = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        columns, rows = np.minimum(
            (self._xy[number] * scale).astype(int).T, [[width - 1], [height - 1]]
        )
        counts = np.zeros((height, width), np.float32)
        np.add.at(counts, (rows, columns), 1)
        heat = scipy.ndimage.gaussian_filter(
            counts, self._sigma_px * scale, mode="constant", truncate=3.5
        )
        rng = np.random.default_rng([0, index])
        top, left = rng.integers(0, [height - self._image_size + 1, width - self._image_size + 1])
        window = np.s_[top : top + self._image_size, left : left + self._image_size]
        image, heat = image[window], heat[window] / heat.max()
        if rng.random() < 0.5:
            image, heat = image[:, ::-1], heat[:, ::-1]
        return np.ascontiguousarray(image.transpose(2, 0, 1)), np.ascontiguousarray(heat)[None]


def save(path: str | os.PathLike, images: Sequence[str], xy: Sequence[np.ndarray]) -> None:
    """Writes what `Views` needs.

    Args:
        path: `.npz` file to write.
        images: image files.
        xy: fixations of each image, [n, 2] each.
    """
    np.savez(path, images=images, counts=[len(points) for points in xy], xy=np.concatenate(xy))


def load(path: str | os.PathLike) -> tuple[list[str], list[np.ndarray]]:
    """Reads what `save` wrote.

    Args:
        path: the file.

    Returns:
        Image files, and the fixations of each.
    """
    with np.load(path) as stored:
        xy = np.split(stored["xy"], np.cumsum(stored["counts"])[:-1])
        return stored["images"].tolist(), xy


def _endless(views: Views, batch_size: int, workers: int) -> Iterator[list]:
    """Batches, epoch after epoch."""
    import torch  # not installed for the tests of `Views`

    loader = torch.utils.data.DataLoader(
        views,
        batch_size,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        persistent_workers=True,
    )
    while True:
        yield from loader


def main() -> None:
    """Measures and prints the rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="what `save` wrote")
    parser.add_argument("--sigma_px", type=float, required=True)
    parser.add_argument("--batch_size", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    flags = parser.parse_args()
    batches = _endless(Views(*load(flags.file), flags.sigma_px), flags.batch_size, flags.workers)
    for _ in range(2 * flags.workers):  # batches that the workers made while they started
        next(batches)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < flags.seconds:
        count += len(next(batches)[0])
    print(count / (time.perf_counter() - start))


if __name__ == "__main__":
    main()
