"""Asks a graph spoiled images; see hostile_images.py, which starts this and hands it settings."""

import itertools
import json
import pathlib
import re
import sys
import time

import demo_export
import numpy as np
import tensorflow as tf

from benchmarks.campaigns import spoiled_images

_CLEAR = pathlib.Path("/proc/self/clear_refs")

# At most, of an image that is prepared, and of a GIF's frames: docs/serving.md.
_BYTES_A_PIXEL = 15 + 8 * 3


def main(settings: dict) -> None:
    """Asks image by image, and prints a row of a table without its end."""
    export = settings["export_dir"] or demo_export.write(pathlib.Path(settings["scratch"], "1"))
    serve = tf.saved_model.load(str(export)).signatures["serving_default"]
    for image in spoiled_images.whole().values():
        serve(image_bytes=tf.constant([image]))
    answered, refused, wrong, slowest, largest = 0, 0, 0, 0.0, 0.0
    at_first = _mebibytes("VmRSS")
    end = time.monotonic() + settings["seconds"]
    for image in itertools.islice(spoiled_images.spoiled(settings["seed"]), settings["inputs"]):
        _CLEAR.write_text("5")  # the peak is what is held now
        before, started = _mebibytes("VmRSS"), time.process_time()
        try:
            out = serve(image_bytes=tf.constant([image]))
            finite = all(np.isfinite(v).all() for v in out.values() if v.dtype.is_floating)
            answered, wrong = answered + 1, wrong + (not finite)
        except tf.errors.InvalidArgumentError:
            refused += 1
        slowest = max(slowest, time.process_time() - started)
        largest = max(largest, _mebibytes("VmHWM") - before)
        if time.monotonic() > end:
            break
    card = json.loads(pathlib.Path(export, "model_card.json").read_text())
    bound = _BYTES_A_PIXEL * card["export"]["max_pixels"] / 2**20
    kept = _mebibytes("VmRSS") - at_first
    print(
        f"| {answered + refused} | {answered} | {refused} | {wrong} | {largest:.1f} | {bound:.1f} "
        f"| {kept:.0f} | {slowest:.2f} |"
    )


def _mebibytes(name: str) -> float:
    """Memory of this process by its name in Linux: `VmRSS`, now; `VmHWM`, the most so far."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
