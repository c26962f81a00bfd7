"""The gaze recorded on the images of a data set, which is all that scoring keeps in memory."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from salclass_tf.metrics import maps
from salclass_tf.metrics.fixated import Fixated, pixel_numbers

_ALL = slice(None)
_SIZES = 16  # of images, for which the pixels of all fixations stay in memory


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """Who looked where on one image.

    Attributes:
        name: of the image, unique in its data set.
        size: (height, width) of the image, in pixels.
        xy: fixations (column, row), 0-based pixels, float64 [n, 2]; n may be 0.
        viewer: number of the person who made each fixation, int64 [n], -1 where unknown; None
            where nothing is known.
        outside: number of fixations recorded on the image that are not on what of it is scored.
        fixated: the pixels of the fixations.

    Raises:
        ValueError: if `xy` is not [n, 2], a fixation is off the image, or `viewer` does not
            have one number for each fixation; the message names the image.
    """

    name: str
    size: tuple[int, int]
    xy: npt.ArrayLike
    viewer: npt.ArrayLike | None = None
    outside: int = 0
    fixated: Fixated = dataclasses.field(init=False)

    def __post_init__(self):
        """Checks the fixations and makes arrays of them."""
        try:
            object.__setattr__(self, "fixated", Fixated(self.size, self.xy))
        except ValueError as error:
            raise ValueError(f"image {self.name!r}: {error}") from None
        xy = np.asarray(self.xy, np.float64).reshape(-1, 2)
        seen = ~np.isnan(xy).any(axis=1)  # what pads a batch is no fixation
        object.__setattr__(self, "xy", xy[seen])
        if self.viewer is None:
            return
        object.__setattr__(self, "viewer", np.asarray(self.viewer, np.int64))
        if self.viewer.shape == seen.shape:
            object.__setattr__(self, "viewer", self.viewer[seen])
        else:
            raise ValueError(
                f"image {self.name!r}: viewer must have a number for each of the {len(xy)} "
                f"fixations; got shape {self.viewer.shape}"
            )


class Gaze(Mapping[str, Recording]):
    """The recordings of a data set by name, in their order.

    Shuffled AUC depends on this set: its negatives are the fixations on all other images of it.

    Args:
        recordings: one for each image.

    Raises:
        ValueError: if two recordings have one name, or there is none.
    """

    def __init__(self, recordings: Iterable[Recording]):
        self._recordings: dict[str, Recording] = {}
        for recording in recordings:
            if recording.name in self._recordings:
                raise ValueError(f"images need names of their own; got {recording.name!r} twice")
            self._recordings[recording.name] = recording
        if not self._recordings:
            raise ValueError("a data set needs at least one image; got none")
        kept = self._recordings.values()
        counts = [len(recording.xy) for recording in kept]
        self._index = {name: index for index, name in enumerate(self._recordings)}
        self._image = np.repeat(np.arange(len(counts)), counts)
        self._ends = np.cumsum(counts)
        self._xy = np.concatenate([recording.xy for recording in kept])
        sizes = np.array([recording.size[::-1] for recording in kept], np.float64)
        self._size = np.repeat(sizes, counts, axis=0)
        one_size = len({recording.size for recording in kept}) == 1
        size = next(iter(kept)).size
        self._pixels: dict[tuple[int, int], np.ndarray] = {}
        self._total = _counts(self._everywhere(size), size) if one_size else None
        self._latest: tuple[str, tuple[np.ndarray, np.ndarray | None]] | None = None

    def __getitem__(self, name: str) -> Recording:
        """Returns the recording of an image."""
        return self._recordings[name]

    def __iter__(self) -> Iterator[str]:
        """Yields the names."""
        return iter(self._recordings)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._recordings)

    def others(
        self, name: str, images: int | None = None, seed: Sequence[int] = (0,)
    ) -> npt.NDArray[np.float64]:
        """Returns the fixations on the other images, moved to this image.

        Coordinates are scaled by the ratio of the image sizes and moved to the nearest pixel.

        Args:
            name: of the image that they serve.
            images: number of the fixated other images to take, drawn without replacement; None
                takes all.
            seed: of the draw.

        Returns:
            Pixels (column, row) on this image, float64 [m, 2], repeats included.
        """
        kept = self._image != self._index[name]
        if images is not None:
            candidates = np.unique(self._image[kept])
            rng = np.random.default_rng(seed)
            drawn = rng.choice(candidates, min(images, candidates.size), replace=False)
            kept = np.isin(self._image, drawn)
        size = self[name].size
        rows, columns = np.divmod(self._moved(size, kept), size[1])
        return np.column_stack([columns, rows]).astype(np.float64)

    def count_elsewhere(self, name: str) -> int:
        """Returns the number of fixations on all images but one, all that `others` names."""
        return len(self._xy) - len(self[name].xy)

    def elsewhere(self, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
        """Returns the pixels that were looked at on the other images, see `others`.

        Args:
            name: of the image that they serve.

        Returns:
            Numbers of pixels, row * width + column, [m], and how often each was looked at, [m]:
            None where that is once, and pixels are named as often as they were looked at.
        """
        latest = self._latest  # another thread may replace it
        if latest is None or latest[0] != name:  # an image's viewers come one after another
            latest = self._latest = name, self._elsewhere(name)
        return latest[1]

    def _elsewhere(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """What `elsewhere` returns: whichever form has fewer numbers."""
        height, width = size = tuple(self[name].size)
        if self.count_elsewhere(name) > height * width:
            counts = self.other_counts(name).ravel()
            looked_at = np.flatnonzero(counts)
            return looked_at, counts[looked_at]
        everywhere = self._everywhere(size)
        end = self._ends[self._index[name]]
        start = end - len(self[name].xy)
        return np.concatenate([everywhere[:start], everywhere[end:]]), None

    def other_counts(self, name: str) -> npt.NDArray[np.int64]:
        """Returns how often each pixel was looked at on the other images, see `others`.

        Args:
            name: of the image that they serve.

        Returns:
            [height, width] of this image.
        """
        recording = self[name]
        if self._total is not None:  # no need to go through the whole set for every image
            return self._total - _counts(recording.fixated.pixels(), recording.size)
        kept = self._image != self._index[name]
        return _counts(self._moved(recording.size, kept), recording.size)

    def _everywhere(self, size: tuple[int, int]) -> npt.NDArray[np.int64]:
        """Numbers of the pixels of all fixations of the set on an image of a size."""
        pixels = self._pixels.get(size)
        if pixels is None:
            if len(self._pixels) >= _SIZES:
                self._pixels.clear()
            pixels = self._pixels[size] = self._moved(size)
        return pixels

    def _moved(
        self, size: tuple[int, int], kept: np.ndarray | slice = _ALL
    ) -> npt.NDArray[np.int64]:
        """Numbers of the pixels of fixations on an image of another size, [m]."""
        # Whole numbers are the centres of pixels, so an image begins at -0.5.
        scale = np.array(size[::-1], np.float64) / self._size[kept]
        moved = (self._xy[kept] + 0.5) * scale - 0.5
        return pixel_numbers(np.maximum(moved, 0), size)

    def prior(self, name: str, sigma_px: float) -> npt.NDArray[np.float64]:
        """Returns where people look on the other images: the baseline of information gain.

        The fixations of all other images, blurred, and one more that is spread evenly over the
        image, so that no pixel is impossible.

        Args:
            name: of the image that it serves.
            sigma_px: standard deviation of the Gaussian, in pixels of this image.

        Returns:
            Probabilities, float64 [height, width] with sum 1.
        """
        counts = self.other_counts(name).astype(np.float64)
        # Reflection keeps the mass of fixations near the border on the image.
        blurred = scipy.ndimage.gaussian_filter(counts, sigma_px, mode="reflect")
        return maps.density(blurred + 1 / counts.size)


def _counts(pixels: npt.NDArray[np.int64], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """How often each pixel of an image is named, [height, width]."""
    return np.bincount(pixels, minlength=size[0] * size[1]).reshape(size)
