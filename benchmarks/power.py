"""How many test images a paired difference would need to be seen, from seeds and images at hand."""

import dataclasses
import math

import numpy as np
import scipy.stats

_LEVEL, _POWER = 0.05, 0.8


@dataclasses.dataclass(frozen=True)
class Spread:
    """Variances of the difference of two networks, of every seed on every image.

    The difference of seed s on image i is taken as mu + a_s + b_i + e_si.

    Attributes:
        seeds: how many there were.
        of_seeds: variance of a, of what a training changes on all images alike.
        of_images: variance of b, of what an image changes in all trainings alike.
        rest: variance of e.
    """

    seeds: int
    of_seeds: float
    of_images: float
    rest: float

    @classmethod
    def of(cls, differences: np.ndarray) -> "Spread":
        """Estimates the variances from mean squares of a two-way table, those below 0 as 0.

        Args:
            differences: float64 [seeds, images], two of both at least.

        Raises:
            ValueError: for fewer.
        """
        seeds, images = differences.shape
        if min(seeds, images) < 2:
            raise ValueError(
                f"a spread needs at least two seeds and two images; got {seeds} and {images}"
            )
        by_seed, by_image = (differences.mean(axis, keepdims=True) for axis in (1, 0))
        rest = np.square(differences - by_seed - by_image + differences.mean()).sum()
        rest /= (seeds - 1) * (images - 1)
        of_seeds = (images * by_seed.var(ddof=1) - rest) / images
        of_images = (seeds * by_image.var(ddof=1) - rest) / seeds
        return cls(seeds, max(of_seeds, 0.0), max(of_images, 0.0), rest)

    def images_for(self, effect: float, seeds: int | None = None) -> int | None:
        """Returns how many images show an effect in four of five trials at the level of 5 %.

        The variance of the mean over S seeds and N images is a / S + b / N + e / (S N); it has to
        be at most (effect / (z_0.975 + z_0.8))^2, z being quantiles of the normal distribution.

        Args:
            effect: the difference to be seen, above 0.
            seeds: S; None for as many as there were.

        Returns:
            N, at least 1; None where no number is enough, since so few seeds differ more than that.
        """
        seeds = seeds or self.seeds
        left = _allowed(effect) - self.of_seeds / seeds
        if left <= 0:
            return None
        return max(1, math.ceil((self.of_images + self.rest / seeds) / left))

    def seeds_for(self, effect: float) -> int:
        """Returns the fewest seeds with which some number of images shows an effect."""
        return math.floor(self.of_seeds / _allowed(effect)) + 1


def _allowed(effect: float) -> float:
    """The largest variance of a mean with which an effect is seen as often as wanted."""
    quantiles = scipy.stats.norm.ppf([1 - _LEVEL / 2, _POWER])
    return (effect / quantiles.sum()) ** 2
