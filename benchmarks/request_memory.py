"""Prints how much memory the largest request takes that an export accepts.

python export.py && python -m benchmarks.request_memory
python -m benchmarks.request_memory --export_dir=export/joint --max_pixels=1000000

Each signature is asked for as many images as the export takes, each with as many pixels, and before
that for as many of one pixel: what the network takes alone. The peak is this process's, read from
/proc, so this needs Linux. It never falls, so each line has the peak until then.
"""

import math
import pathlib
import re

import tensorflow as tf
from absl import app, flags

from salclass_tf.runs import finished_export

_EXPORT = flags.DEFINE_string("export_dir", "export/joint", "folder of the versions, or a version")
_IMAGES = flags.DEFINE_integer("max_batch", None, "images of a request, if fewer than it takes")
_PIXELS = flags.DEFINE_integer("max_pixels", None, "pixels of an image, if fewer than it takes")

_TAKEN_BEFORE = 32  # images asked of exports that have no limit
_LARGEST_MESSAGE = 2**31 - 1  # bytes that a request can have


def peak() -> float:
    """Most memory that this process has held so far, in MiB."""
    # Not getrusage: there, a process begins with the peak of the one that started it.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def request(signature: str, images: int, side: int) -> dict[str, tf.Tensor]:
    """A request of black squares."""
    square = tf.zeros((side, side, 3), tf.uint8)
    if signature != "serving_image":
        return {"image_bytes": tf.constant([tf.io.encode_png(square).numpy()] * images)}
    fitting = min(images, _LARGEST_MESSAGE // (3 * side * side))
    return {"image": tf.zeros((fitting, side, side, 3), tf.uint8)}


def main(_: list[str]) -> None:
    """Sends the requests and prints a line for each."""
    try:
        found = finished_export.require(_EXPORT.value)
        served = found.load()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    images = min(_IMAGES.value or math.inf, found.max_batch or _TAKEN_BEFORE)
    side = math.isqrt(min(_PIXELS.value or math.inf, found.max_pixels))
    loaded = peak()
    print(f"{found.version}, {loaded:.0f} MiB once it is loaded, Python and TensorFlow included\n")
    print("| signature | images | pixels of each | peak until then, MiB | since it was loaded |")
    print("|---|--:|--:|--:|--:|")
    for size in (1, side):
        for name, serve in served.signatures.items():
            asked = request(name, images, size)
            serve(**asked)
            count = next(iter(asked.values())).shape[0]
            now = peak()
            print(
                f"| {name} | {count} | {size} x {size} | {now:.0f} | {now - loaded:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
