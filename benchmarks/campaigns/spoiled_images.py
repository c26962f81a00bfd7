"""Encoded images with spoiled bytes, the same ones for one seed."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

_KINDS = {
    "jpeg": ("JPEG", {}),
    "progressive jpeg": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
}


def whole(seed: int = 0) -> dict[str, bytes]:
    """Returns a small image of each kind that is served."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 56, 3), np.uint8)
    found = {}
    for kind, (form, options) in _KINDS.items():
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, form, **options)
        found[kind] = buffer.getvalue()
    return found


def spoiled(seed: int) -> Iterator[bytes]:
    """Yields images without end: bits turned, bytes replaced, cut, joined, or a head alone."""
    rng = np.random.default_rng(seed)
    images = list(whole().values())
    while True:
        one = np.frombuffer(images[rng.integers(len(images))], np.uint8).copy()
        yield _CHANGES[rng.integers(len(_CHANGES))](rng, one, images)


def _bits(rng: np.random.Generator, one: np.ndarray, _images: list[bytes]) -> bytes:
    places = rng.integers(0, len(one), rng.integers(1, 20))
    one[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return one.tobytes()


def _head(rng: np.random.Generator, one: np.ndarray, _images: list[bytes]) -> bytes:
    """Bytes of the head, where sizes are claimed."""
    places = rng.integers(0, min(64, len(one)), rng.integers(1, 8))
    one[places] = rng.choice([0, 1, 127, 128, 255], len(places))
    return one.tobytes()


def _cut(rng: np.random.Generator, one: np.ndarray, _images: list[bytes]) -> bytes:
    return one[: rng.integers(0, len(one))].tobytes()


def _joined(rng: np.random.Generator, one: np.ndarray, images: list[bytes]) -> bytes:
    other = images[rng.integers(len(images))]
    return one[: rng.integers(0, len(one))].tobytes() + other[rng.integers(0, len(other)) :]


def _random(rng: np.random.Generator, one: np.ndarray, _images: list[bytes]) -> bytes:
    return one[: rng.integers(0, 30)].tobytes() + rng.bytes(rng.integers(0, 500))


_CHANGES = (_bits, _bits, _head, _head, _cut, _joined, _random)
