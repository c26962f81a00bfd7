"""How images become square crops: scaled to a short side, then cut.

All arithmetic of sizes is here. It uses operators alone, so that it works on Python's numbers, on
NumPy's arrays and, inside a graph, on integer tensors, without importing TensorFlow.
"""

import dataclasses
from typing import Any

#: what of an image is looked at: all of it, or the square that networks train on
WHOLE, CROP = VIEWS = ("whole", "crop")

# int, or an integer array or tensor [].
Size = Any


def resized_size(height: Size, width: Size, short_side: int) -> tuple[Size, Size]:
    """Height and width of an image whose short side is brought to a number of pixels.

    Whole numbers, rounded to nearest (a half upwards): a float quotient could miss the short side
    by one.

    Args:
        height: of the image, in pixels, at least 1.
        width: likewise.
        short_side: to which the image is resized, in pixels.
    """
    shorter = _smaller(height, width)
    return tuple((side * short_side + shorter // 2) // shorter for side in (height, width))


def _smaller(one: Size, other: Size) -> Size:
    """The minimum, which Python's `min` cannot tell of tensors in a graph."""
    return (one + other - abs(one - other)) // 2


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
        return cls().with_image_size(image_size)

    def with_image_size(self, image_size: int) -> "Geometry":
        """Returns crops of another size that show as much of the image as these."""
        return Geometry(image_size, round(image_size * self.short_side / self.image_size))

    def resized(self, height: Size, width: Size) -> tuple[Size, Size]:
        """Height and width that an image has when crops are taken from it, in pixels."""
        return resized_size(height, width, self.short_side)

    def central_origin(self, height: Size, width: Size) -> tuple[Size, Size]:
        """First row and column of the central crop.

        Args:
            height: of the resized image, in pixels.
            width: likewise.
        """
        return (height - self.image_size) // 2, (width - self.image_size) // 2

    def central_crop_in_original(
        self, height: Size, width: Size
    ) -> tuple[tuple[Size, Size], tuple[Size, Size]]:
        """Where the central crop lies in the original image.

        Args:
            height: of the original image, in pixels.
            width: likewise.

        Returns:
            Upper left corner of the crop, (row, column), and height and width of one of its pixels:
            both in pixels of the original, float64. Here 0 is the edge of the image.
        """
        resized = self.resized(height, width)
        sides = zip((height, width), resized, strict=True)
        scale = tuple(before / after for before, after in sides)
        first = self.central_origin(*resized)
        # Divided by 1: a tensor of whole numbers cannot be multiplied with one of fractions.
        return tuple(at / 1 * pixel for at, pixel in zip(first, scale, strict=True)), scale

    def central_box(self, height: Size, width: Size) -> tuple[Size, Size, Size, Size]:
        """Left, upper, right and lower edge of the central crop, in pixels of the original image.

        Args:
            height: of the original image, in pixels.
            width: likewise.
        """
        (upper, left), (tall, wide) = self.central_crop_in_original(height, width)
        return left, upper, left + self.image_size * wide, upper + self.image_size * tall
