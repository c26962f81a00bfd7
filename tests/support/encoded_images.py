"""Encoded images of many kinds: those that are decoded, and those that are refused."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import scipy.ndimage

SHORT_SIDE = 46
MAX_PIXELS = 100_000


def noise(height, width, channels=3, seed=0):
    coarse = np.random.default_rng(seed).random((4, 5, channels))
    return (255 * scipy.ndimage.zoom(coarse, (height / 4, width / 5, 1), order=1)).astype(np.uint8)


def encoded(pixels, kind, **options):
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def animated_gif(first=(30, 50), later=(44, 71), frames=3):
    """Frames of two sizes, which Pillow alone does not write: the later ones come from a file."""
    one = encoded(noise(*first), "GIF")
    others = [encoded(noise(*later, seed=i), "GIF") for i in range(1, frames)]
    return one[:-1] + b"".join(gif_frame(other) for other in others) + b"\x3b"


def gif_frame(gif):
    """The frame of a GIF of one, with the global table of colours as a table of its own."""
    table = 3 << ((gif[10] & 7) + 1)
    begin = gif.index(b"\x2c", 13 + table)
    own_table = bytes([0x80 | (gif[10] & 7)]) + gif[13 : 13 + table]
    return gif[begin : begin + 9] + own_table + gif[begin + 10 : -1]


def png_claiming(width, height):
    """A PNG that is well-formed but for its data, which are missing."""
    fields = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(fields))
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + fields + checksum + b"\0\0\0\0IDAT"


VALID = {
    "jpeg": encoded(noise(61, 90), "JPEG"),
    "progressive jpeg": encoded(noise(90, 33), "JPEG", progressive=True),
    "grey jpeg": encoded(noise(50, 50)[..., 0], "JPEG"),
    "cmyk jpeg": encoded(PIL.Image.fromarray(noise(50, 64)).convert("CMYK"), "JPEG"),
    "png": encoded(noise(47, 200), "PNG"),
    "rgba png": encoded(noise(48, 70, 4), "PNG"),
    "palette png": encoded(PIL.Image.fromarray(noise(48, 70)).convert("P"), "PNG"),
    "16-bit png": encoded((np.arange(80 * 60).reshape(80, 60) * 13).astype(np.uint16), "PNG"),
    "one pixel": encoded(noise(4, 5)[:1, :1], "PNG"),
    "gif": encoded(noise(70, 55), "GIF"),
    "animated gif": encoded(
        PIL.Image.fromarray(noise(70, 55)),
        "GIF",
        save_all=True,
        append_images=[PIL.Image.fromarray(noise(70, 55, seed=i)) for i in range(1, 6)],
    ),
    "gif that grows": animated_gif(),
    "bmp": encoded(noise(66, 44), "BMP"),
    "bmp from the top": None,
}
_BMP = bytearray(VALID["bmp"])
_BMP[22:26] = struct.pack("<i", -66)
VALID["bmp from the top"] = bytes(_BMP)

LARGE_GIF = animated_gif(later=(60_000, 60_000), frames=1)
REFUSED = {
    "nothing": b"",
    "text": b"not an image, and longer than a header of thirty-two bytes",
    "webp": encoded(noise(40, 40), "WEBP"),
    "png of 20000 x 20000": encoded(PIL.Image.new("1", (20_000, 20_000)), "PNG"),
    "png of more than 63 bits": png_claiming(2**32 - 1, 2**32 - 1),
    "png without header": png_claiming(40, 40).replace(b"IHDR", b"JHDR"),
    "bmp of 20000 x 20000": VALID["bmp"][:18] + struct.pack("<ii", 20_000, 20_000) + bytes(99),
    "thin png, large when resized": encoded(np.zeros((1, 90_000), np.uint8), "PNG"),
    "large jpeg": encoded(np.zeros((400, 400), np.uint8), "JPEG"),
    "gif with a large second frame": animated_gif(later=(400, 400), frames=2),
    "gif of many frames": animated_gif(later=(200, 200), frames=30),
    "gif without frames": VALID["gif"][:13],
    "gif that hides a frame behind an empty extension": (
        VALID["gif"][:-1] + b"\x21\xfe\x00\x01\x3b\x00" + gif_frame(VALID["gif"]) + b"\x3b"
    ),
    "gif of endless records": VALID["gif"][:-1] + b"\x21\xfe\x01\x00\x00" * 10_000,
    "jpeg of endless scans": VALID["progressive jpeg"][:-2] + b"\xff\xda\0\0" * 200,
    "jpeg cut in its header": VALID["jpeg"][:20],
}
