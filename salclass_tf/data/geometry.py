"""How images become square crops: scaled to a short side, then cut."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The sizes of the paper's data augmentation (Sec. 5.2).

    Attributes:
        image_size: side of the square crop that a network sees, in pixels.
        short_side: short side of the resized image that crops are taken from, in pixels.

    Raises:
        ValueError: if a size is below 1, or a crop does not fit into the resized image.
    """

    image_size: int = 299
    short_side: int = 340

    def __post_init__(self) -> None:
        """Checks the sizes."""
        if self.image_size < 1:
            raise ValueError(f"image_size must be at least 1 pixel; got {self.image_size}")
        if self.short_side < self.image_size:
            raise ValueError(
                "short_side must be at least image_size, or a crop would leave the image; "
                f"got short_side {self.short_side}, image_size {self.image_size}"
            )

    @classmethod
    def for_image_size(cls, image_size: int) -> "Geometry":
        """Returns crops of another size that show the same part of the image: 340 / 299."""
        return cls(image_size, round(image_size * cls.short_side / cls.image_size))
