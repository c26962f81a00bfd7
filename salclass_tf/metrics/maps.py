"""What the NumPy metrics share: checked maps and densities."""

import numpy as np
import numpy.typing as npt

#: the constant of the MIT saliency benchmark, 2^-52
EPSILON = 2.2204e-16


def as_map(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns a map as float64 [h, w].

    Raises:
        ValueError: if it is not [h, w], is empty, or holds NaN or infinity.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"a map must be [h, w] and not empty; got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a map must hold finite numbers; got NaN or infinity: check its source")
    return values


def as_pair(saliency: npt.ArrayLike, target: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns two maps of one size as float64 [h, w].

    Raises:
        ValueError: if the maps are not [h, w] or differ in size.
    """
    saliency, target = as_map(saliency), as_map(target)
    check_one_size(saliency.shape, target.shape)
    return saliency, target


def check_one_size(saliency: tuple[int, int], target: tuple[int, int]) -> None:
    """Checks that two maps have one size.

    Args:
        saliency: (height, width) of the prediction.
        target: (height, width) of what it is compared with.

    Raises:
        ValueError: if they differ.
    """
    if saliency != target:
        raise ValueError(
            f"maps must have one size; got {saliency} and {target}: resize the prediction to the "
            "target"
        )


def stretched(values: np.ndarray) -> np.ndarray:
    """Returns the map with its range made [0, 1]; zeros where the map is constant."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros(values.shape)


def non_negative(values: np.ndarray) -> np.ndarray:
    """Returns a map whose lowest value has become 0 if it was below; any other map as it is.

    The one reading of maps with negative values, which a linear head gives: differences stay, so
    that NSS, CC and AUC do too, and what is made a density, or a picture of 16 bits, starts at 0.
    """
    return values - min(values.min(), 0)


def density(values: np.ndarray) -> np.ndarray:
    """Returns the map as probabilities that sum to 1.

    A map with negative values is first shifted, see `non_negative`; a map of zeros becomes uniform.
    """
    values = non_negative(values)
    total = values.sum()
    return values / total if total > 0 else np.full(values.shape, 1 / values.size)
