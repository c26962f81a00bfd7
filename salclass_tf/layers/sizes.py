"""Sizes of networks: channel counts scaled by a width, and the smallest images they take."""


def scaled(channels: int, width: float) -> int:
    """Returns a published channel count scaled by `width`, at least 1 (1.0 is the published one).

    Raises:
        ValueError: if `width` is not positive.
    """
    if not width > 0:
        raise ValueError(f"width must be above 0 (1.0 is the published network); got {width}")
    return max(1, round(channels * width))


def check_image_size(network: str, image_size: int, smallest: int) -> None:
    """Checks that a network can take square images of a side.

    Raises:
        ValueError: if `image_size` is no integer or below `smallest`, in pixels.
    """
    if int(image_size) != image_size or image_size < smallest:
        raise ValueError(
            f"image_size must be an integer of at least {smallest} pixels for {network}; "
            f"got {image_size}"
        )
