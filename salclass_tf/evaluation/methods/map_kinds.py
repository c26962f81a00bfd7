"""What the numbers of a map file are: a map, a density, or the logarithm of one."""

import numpy as np

#: "auto" tells by the numbers
KINDS = ("auto", "map", "density", "log_density")

# The exponentials of a log density sum to 1; of a map that happens to be negative they do not.
_TOLERANCE = 0.01

#: kind -> what a row says of it
NOTES = {"map": "", "density": ", densities", "log_density": ", exp of log densities"}


def detect(values: np.ndarray) -> str:
    """Returns "log_density" for values at most 0 whose exponentials sum to about 1, else "map".

    Args:
        values: a map, float64 [h, w].
    """
    is_log = values.max() <= 0 and abs(np.exp(values).sum() - 1) < _TOLERANCE
    return "log_density" if is_log else "map"


def as_map(values: np.ndarray, kind: str) -> np.ndarray:
    """Returns what is scored: a map as it is, a density as it is, the exponential of a log density.

    Args:
        values: float64 [h, w].
        kind: "map", "density" or "log_density".

    Raises:
        ValueError: if the numbers cannot be of that kind.
    """
    if kind == "log_density":
        if detect(values) != kind:
            raise ValueError(
                "a log density is at most 0, and its exponentials sum to 1; got values from "
                f"{values.min():g} to {values.max():g}, sum of exponentials "
                f"{np.exp(values - max(values.max(), 0)).sum():g}: name what it is with --map_kind"
            )
        return np.exp(values)
    if kind == "density" and values.min() < 0:
        raise ValueError(
            f"a density is at least 0; got {values.min():g}: name what it is with --map_kind"
        )
    return values


def check_alike(values: np.ndarray, kind: str, source: str) -> None:
    """Checks that a map is of the kind that the first one of its folder or file was taken for.

    Args:
        values: float64 [h, w].
        kind: what `detect` said of the first one.
        source: where the map was read, for messages.

    Raises:
        ValueError: if it is a log density and the first one was none.
    """
    if kind == "map" and detect(values) == "log_density":
        raise ValueError(
            f"{source}: this is a log density, and the first map beside it is none: name what all "
            "of them are with --map_kind"
        )


def fitting(values: np.ndarray, size: tuple[int, int], kind: str, source: str) -> np.ndarray:
    """Returns what is scored of a map that is to be as large as its image.

    Args:
        values: float64 [h, w].
        size: height and width of the image.
        kind: see `as_map`.
        source: where the map was read, for messages.

    Raises:
        ValueError: if it has another size, or its numbers cannot be of that kind.
    """
    if values.shape != tuple(size):
        raise ValueError(
            f"{source}: the map must have the size of its image, {size[0]} x {size[1]} pixels "
            f"(rows x columns); got {values.shape[0]} x {values.shape[1]}: resize it to the image"
        )
    try:
        return as_map(values, kind)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
